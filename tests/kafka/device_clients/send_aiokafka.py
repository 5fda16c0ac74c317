"""A device that sends with aiokafka."""

import asyncio
import threading

from aiokafka import AIOKafkaProducer
from device_protocol import Device

device = Device()
loop = asyncio.new_event_loop()
threading.Thread(target=loop.run_forever, daemon=True).start()


async def connect():
    """Return a producer that has reached the broker."""
    made = AIOKafkaProducer(bootstrap_servers=device.plan["brokers"], **device.plan["settings"])
    await made.start()
    return made


producer = asyncio.run_coroutine_threadsafe(connect(), loop).result()


def send(key, value, ts_ms, settle):
    """Hand a record over."""
    arrival = producer.send_and_wait(device.plan["topic"], value, key, timestamp_ms=ts_ms)
    sent = asyncio.run_coroutine_threadsafe(arrival, loop)
    sent.add_done_callback(lambda done: settle(done.exception()))


device.run(send)
