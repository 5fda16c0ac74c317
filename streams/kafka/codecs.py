"""The codecs of Kafka, and whether both of our clients can open what they make here.

Devices choose how they compress, and a broker or topic may compress all again. Workers read with aiokafka, commands at
the edge with kafka-python, and each takes its decompressors from packages of its own choice; `vigil doctor` tries them
as the clients do, with a batch of their own.
"""

from collections.abc import Callable, Iterable
from typing import Any, Final

from kafka.record.memory_records import MemoryRecords, MemoryRecordsBuilder

CODECS: Final = {"gzip": 1, "snappy": 2, "lz4": 3, "zstd": 4}
"""Kafka's name of each codec, and its number in a batch."""

AS_SENT: Final = frozenset({"producer", "uncompressed", "none"})
"""Values of `compression.type` that ask for no codec of the broker's."""

WORKERS: Final = "workers (aiokafka)"
EDGE: Final = "readers at the edge (kafka-python)"

PACKAGES: Final = {
    (WORKERS, "snappy"): "cramjam",
    (WORKERS, "lz4"): "cramjam",
    (WORKERS, "zstd"): "cramjam",
    (EDGE, "snappy"): "python-snappy",
    (EDGE, "lz4"): "lz4",
    (EDGE, "zstd"): "zstandard",
}
"""Where each client finds a codec; gzip is Python's own."""

_VALUE: Final = b'{"patient":"probe"}' * 20
_BATCH_BYTES: Final = 100_000
_MAGIC: Final = 2


def unreadable_codecs(clients: Iterable[str] = (WORKERS, EDGE)) -> dict[tuple[str, str], str]:
    """Return (client, codec) of each that cannot be opened here, and what was wrong, with the package that it needs."""
    return {
        (client, codec): f"{error or type(error).__name__}, package {PACKAGES.get((client, codec), 'none')}"
        for client in clients
        for codec, number in CODECS.items()
        if (error := _fault(_TRIES[client], number)) is not None
    }


def _fault(values_of: Callable[[int], list[Any]], number: int) -> Exception | None:
    try:
        found = values_of(number)
    except Exception as error:  # each package has errors of its own
        return error
    return None if found == [_VALUE] else ValueError("what came out is not what went in")


def _by_aiokafka(number: int) -> list[Any]:
    # Here, since every command that asks for a topic imports this file, and aiokafka is a fifth of its start.
    from aiokafka.record import MemoryRecords as WorkerRecords
    from aiokafka.record.default_records import DefaultRecordBatchBuilder

    builder = DefaultRecordBatchBuilder(
        magic=_MAGIC,
        compression_type=number,
        is_transactional=False,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=_BATCH_BYTES,
    )
    builder.append(0, timestamp=1, key=None, value=_VALUE, headers=[])
    return [record.value for record in WorkerRecords(bytes(builder.build())).next_batch()]


def _by_kafka_python(number: int) -> list[Any]:
    builder = MemoryRecordsBuilder(magic=_MAGIC, compression_type=number, batch_size=_BATCH_BYTES)
    builder.append(timestamp=1, key=None, value=_VALUE)
    builder.close()
    return [record.value for record in MemoryRecords(bytes(builder.buffer())).next_batch()]


_TRIES: Final = {WORKERS: _by_aiokafka, EDGE: _by_kafka_python}
