"""A device that sends with librdkafka, through confluent-kafka."""

from confluent_kafka import Producer
from device_protocol import Device

device = Device()
producer = Producer({"bootstrap.servers": device.plan["brokers"], **device.plan["settings"]})


def send(key, value, ts_ms, settle):
    """Hand a record over."""
    producer.produce(
        device.plan["topic"], value, key, timestamp=ts_ms or 0, on_delivery=lambda error, _: settle(error)
    )


device.run(send, lambda: producer.poll(0))
