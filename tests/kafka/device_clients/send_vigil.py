"""A device that sends with the producer of our own."""

from device_protocol import Device

from streams.config.settings import Settings
from streams.kafka import producers

device = Device()
use = producers.Use("device", **device.plan["settings"])
producer = producers.Producer(Settings(brokers=device.plan["brokers"]), use, device.plan["topic"])


def send(key, value, ts_ms, settle):
    """Hand a record over."""
    sent = producer.send(key, value, ts_ms=ts_ms)
    if sent is None:
        raise BlockingIOError("not now")
    sent.add_callback(lambda _: settle(None))
    sent.add_errback(settle)


device.run(send)
