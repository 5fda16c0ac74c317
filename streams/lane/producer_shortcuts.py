"""Two short ways with aiokafka's producer that it does not offer: to a batch's future, and to its end.

What this relies on in aiokafka 0.14.0 is held by tests/streams/test_producer_shortcuts.py.
"""

import asyncio
import contextlib
import socket
import struct
from typing import Any, Final, cast

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, ProducerClosed
from aiokafka.structs import TopicPartition

STOP_S_MAX: Final = 2.0
"""For an orderly stop, and again for closing what did not come to one."""

END_S_MAX: Final = 2 * STOP_S_MAX
_AT_ONCE: Final = struct.pack("ii", 1, 0)
"""The socket option that throws away what a closed socket still holds: linger, for no second."""


def acknowledgement(producer: Any, topic: str, partition: int) -> asyncio.Future[Any]:
    """Return the producer's own future of the batch that it has just taken; do not cancel it.

    The shield around it that `send_batch` returns is told a turn of the event loop later, behind all that the producer
    does after an acknowledgement.
    """
    taken = producer._message_accumulator._batches[TopicPartition(topic, partition)][-1]
    return cast("asyncio.Future[Any]", taken.future)


def give_up(producer: Any) -> None:
    """Fail all that a producer holds, and let nothing of it arrive any more; its client is still to be closed.

    `stop` would try to deliver for as long as brokers are away, and leave its batches open for good.
    """
    producer._message_accumulator.fail_all(ProducerClosed())
    if (sending := producer._sender.sender_task) is not None:
        sending.cancel()
    for connection in producer.client._conns.values():
        if connection._writer is not None:
            _cut(connection._writer.transport)


async def end(producer: AIOKafkaProducer) -> None:
    """Close a producer within `END_S_MAX`, whatever state it is in; nothing that it has still arrives afterwards."""
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(STOP_S_MAX):
            await producer.stop()
            return
    give_up(producer)
    with contextlib.suppress(KafkaError, TimeoutError, OSError):
        async with asyncio.timeout(STOP_S_MAX):
            await producer.client.close()


def _cut(transport: Any) -> None:
    """Throw away what a socket holds: closed as usual, it would deliver that once the network is back."""
    with contextlib.suppress(OSError, AttributeError):
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _AT_ONCE)
    transport.abort()
