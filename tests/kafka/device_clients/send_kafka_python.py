"""A device that sends with kafka-python, version 2 or 3."""

from device_protocol import Device
from kafka import KafkaProducer

device = Device()
producer = KafkaProducer(bootstrap_servers=device.plan["brokers"], **device.plan["settings"])


def send(key, value, ts_ms, settle):
    """Hand a record over."""
    sent = producer.send(device.plan["topic"], value, key, timestamp_ms=ts_ms)
    sent.add_callback(lambda _: settle(None))
    sent.add_errback(settle)


device.run(send)
