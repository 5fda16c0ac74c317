"""The end of a worker's process: what its exit code says."""

import asyncio
import gc

import mode
import pytest
from aiokafka.errors import KafkaConnectionError

from agents.draining import run
from agents.health.watchdog import Watchdog


class Failing(mode.Service):
    """Something that a worker starts, and that cannot be."""

    def __init__(self, error):
        super().__init__()
        self.error = error

    async def on_start(self):
        raise self.error


@pytest.fixture(autouse=True)
def collector():
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


@pytest.fixture
def dog():
    watching = Watchdog(60.0, on_stall=lambda reason: None)
    yield watching
    watching.stop()  # `run` leaves it to watch the process's end


@pytest.mark.parametrize(
    ("error", "code"),
    [(KafkaConnectionError("no connection to node 1"), 3), (ValueError("a fault of ours"), 1)],
    ids=["broker", "fault"],
)
def test_a_broker_that_is_gone_while_the_worker_starts_is_told_apart_from_a_fault(error, code, dog, capsys):
    worker = mode.Worker(Failing(error), override_logging=False, loop=asyncio.new_event_loop())
    assert run(worker, dog) == code
    assert ("vigil: no broker answers" in capsys.readouterr().err) == (code == 3)
