"""The simulator's way through a gateway: order, and the same again where there was no answer or no room."""

import asyncio
import threading
from functools import partial

import pytest
import waiting
from gateway_world import RecordingDoor, frame, serving

from edge.gateway.outlet import IN_FLIGHT_MAX, HttpOutlet
from streams.errors import BrokerUnreachable, Busy, NotStored, UsageError

wait_until = partial(waiting.wait_until, deadline_s=20.0)


@pytest.fixture
def served():
    """A door behind a server in a thread of its own, and its address."""
    door, started, found = RecordingDoor(), threading.Event(), []
    loop = asyncio.new_event_loop()

    async def run():
        stop = asyncio.Event()
        async with serving(door) as (server, _):
            found.extend([stop, server.port])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(10)
    yield door, f"http://127.0.0.1:{found[1]}"
    loop.call_soon_threadsafe(found[0].set)
    thread.join(20)
    loop.close()


def test_frames_arrive_in_their_order_and_once_whatever_the_gateway_answers_first(served):
    door, url = served
    door.raises += [Busy("full", 1), NotStored("?"), Busy("you", 1, kafka=False)]
    with HttpOutlet(url) as outlet:
        for seq in range(1_500):
            assert outlet.send(b"bed-1", frame(seq=seq)) is not None
        wait_until(lambda: not outlet.in_flight, "every frame acknowledged")
        assert outlet.oldest_s() == 0
    assert (outlet.acknowledged, outlet.failed) == (1_500, 0)
    assert [one.frame.seq for one in door.given] == list(range(1_500))


def test_a_refused_frame_is_counted_as_failed(served):
    _, url = served
    with HttpOutlet(url) as outlet:
        for text in (frame(seq=1), b"{}", frame(seq=2)):
            outlet.send(b"bed-1", text)
        wait_until(lambda: not outlet.in_flight, "an answer")
    assert (outlet.acknowledged, outlet.failed) == (2, 1)


def test_a_full_outlet_takes_nothing_more(served):
    door, url = served
    door.raises += [Busy("full", 1)] * 1_000
    with HttpOutlet(url) as outlet:
        taken = sum(outlet.send(b"p", frame()) is not None for _ in range(IN_FLIGHT_MAX + 5))
        assert taken == IN_FLIGHT_MAX


def test_no_gateway_and_no_address_are_told():
    with pytest.raises(BrokerUnreachable, match="no gateway at"):
        HttpOutlet("http://127.0.0.1:1")
    for wrong in ("127.0.0.1:80", "ftp://x", "http://"):
        with pytest.raises(UsageError, match="gateway"):
            HttpOutlet(wrong)
