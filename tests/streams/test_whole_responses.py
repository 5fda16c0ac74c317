"""Responses are read as asyncio's reader gives them, however large they are and wherever they are cut."""

import asyncio
import inspect

import pytest
from aiokafka.conn import AIOKafkaConnection
from hypothesis import given, settings
from hypothesis import strategies as st

from streams.config.settings import Settings
from streams.lane import whole_responses
from streams.lane.app import create_app
from streams.lane.whole_responses import PIECE_BYTES, WholeReader

LARGE = 3 * PIECE_BYTES
DEADLINE_S = 10.0


def body(size):
    return bytes(range(251)) * (size // 251) + bytes(size % 251)


async def read(sizes, cuts, ends_after=None):
    """Send bodies of these sizes in one stream, cut where it is said, and return what is read of them."""
    stream = b"".join(map(body, sizes))[:ends_after]
    plain = asyncio.StreamReader(limit=2**30)
    reader = WholeReader(plain)

    async def send():
        for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
            if stream[begin:end]:
                plain.feed_data(stream[begin:end])
            await asyncio.sleep(0)
        plain.feed_eof()

    sending = asyncio.ensure_future(send())
    async with asyncio.timeout(DEADLINE_S):
        found = [await reader.readexactly(size) for size in sizes]
        await sending
    return found, reader.at_eof()


@settings(max_examples=50)
@given(
    st.lists(st.sampled_from([4, 1000, PIECE_BYTES, PIECE_BYTES + 1, LARGE]), min_size=1, max_size=4),
    st.data(),
)
def test_each_response_is_whole_wherever_the_stream_is_cut(sizes, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, sum(sizes)), max_size=6)))
    assert asyncio.run(read(sizes, cuts)) == ([body(size) for size in sizes], True)


@pytest.mark.parametrize("size", [1000, LARGE])
def test_a_connection_that_ends_within_a_response_is_told_with_what_had_come(size):
    with pytest.raises(asyncio.IncompleteReadError) as ended:
        asyncio.run(read([size], [500], ends_after=900))
    assert (ended.value.partial, ended.value.expected) == (body(size)[:900], size)


class Connection:
    """Stands in for a connection that has just been opened."""

    def __init__(self, reader):
        self._reader, self.frames = reader, []

    _create_reader_task = whole_responses._gathering
    _read = staticmethod(AIOKafkaConnection._read)

    def _handle_frame(self, frame):
        self.frames.append(frame)

    @staticmethod
    def _on_read_task_error(self_ref, read_task):
        read_task.exception()


def test_a_connection_reads_its_responses_through_it():
    async def run():
        reader = asyncio.StreamReader()
        connection = Connection(reader)
        task = connection._create_reader_task()
        assert isinstance(connection._reader, WholeReader)
        reader.feed_data(LARGE.to_bytes(4, "big") + body(LARGE))
        reader.feed_eof()
        await asyncio.wait([task], timeout=DEADLINE_S)
        assert connection.frames == [body(LARGE)]

    asyncio.run(run())


def test_the_connections_of_a_worker_do(monkeypatch):
    monkeypatch.setattr(AIOKafkaConnection, "_create_reader_task", whole_responses._create_reader_task)

    async def run():
        app = create_app(Settings(brokers="127.0.0.1:1"))
        for _ in range(2):  # a restarted consumer is another one
            consumer = app.consumer._thread._create_worker_consumer(app.transport)
            await consumer.stop()
            assert AIOKafkaConnection._create_reader_task is whole_responses._gathering

    asyncio.run(run())


def test_aiokafka_creates_the_reading_task_before_it_reads_anything_and_uses_nothing_else_of_the_reader():
    connect = inspect.getsource(AIOKafkaConnection.connect)
    assert connect.index("reader = asyncio.StreamReader(") < connect.index("self._create_reader_task()")
    assert connect.index("self._create_reader_task()") < connect.index("self._do_version_lookup()")
    whole = inspect.getsource(AIOKafkaConnection)
    assert {line.strip() for line in whole.splitlines() if "reader." in line} == {
        "resp = await reader.readexactly(4)",
        "resp = await reader.readexactly(size)",
        "return bool(self._reader is not None and not self._reader.at_eof())",
    }
