"""When a gateway goes over to other readings: only where they are written to, when all is forwarded, again if not."""

import asyncio
import time

import pytest

from edge.gateway import scaled as scaled_file
from edge.gateway.scaled import Scaled
from streams.config.settings import Settings
from streams.contracts.layout import Step, first_layout
from streams.errors import BrokerUnreachable

FIRST = first_layout("vigil")
FORWARDING = FIRST.after(Step.PREPARE, 1, 2).after(Step.DRAIN, 2).after(Step.MOVE, 3)
OPEN = FORWARDING.after(Step.OPEN, 4)
SETTLED = OPEN.after(Step.FINISH, 5)


class Door:
    """Goes over if what it asks for is true."""

    def __init__(self):
        self.topics = []

    async def move(self, topic, forwarded):
        if forwarded is not None and not await forwarded(1.0):
            return False
        self.topics.append(topic)
        return True


class Refiling:
    """Notes who began and who ended."""

    def __init__(self, settings):
        self._generation = settings.generation

    def start(self):
        NOTED.append(("begins", self._generation))

    def close(self):
        NOTED.append(("ends", self._generation))


NOTED = []


@pytest.fixture
def world(monkeypatch):
    """A gateway's part, its door, and the answers to whether all is forwarded; the last one stands."""
    NOTED.clear()
    answers, asked = [True], []

    def are_forwarded(settings, layout, wait_s, since):
        asked.append((layout.number, since))
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer

    monkeypatch.setattr(scaled_file, "Refiling", Refiling)
    monkeypatch.setattr(scaled_file, "are_forwarded", are_forwarded)
    return Scaled(Settings(), FIRST), Door(), answers, asked


def look(scaled, door, layout):
    scaled._followed.layout = layout
    asyncio.run(scaled.look(door))


def test_a_gateway_stays_until_others_are_told_to_write_elsewhere(world):
    scaled, door, _, asked = world
    look(scaled, door, FIRST)
    look(scaled, door, FORWARDING)
    assert (door.topics, asked) == ([], [])


def test_a_gateway_goes_over_once_and_begins_to_refile_there(world):
    scaled, door, _, asked = world
    look(scaled, door, OPEN)
    look(scaled, door, OPEN)
    assert door.topics == ["vitals.readings.g1"]
    assert asked == [(OPEN.number, 0)] * 2  # before senders are held, and while they are
    assert NOTED == [("ends", 0), ("begins", 1)]
    scaled.close()
    assert NOTED[-1] == ("ends", 1)


def test_a_gateway_whose_readings_were_removed_goes_over_without_a_question(world):
    scaled, door, _, asked = world
    look(scaled, door, SETTLED)
    assert (door.topics, asked) == (["vitals.readings.g1"], [])


@pytest.mark.parametrize("answer", [False, BrokerUnreachable("no broker"), ValueError("a fault of ours")])
def test_what_cannot_be_done_now_is_tried_again_only_after_a_while(world, monkeypatch, answer, caplog):
    scaled, door, answers, asked = world
    answers[:] = [answer, True]
    look(scaled, door, OPEN)
    look(scaled, door, OPEN)
    assert (door.topics, len(asked), NOTED) == ([], 1, [])
    assert "readings" in caplog.text
    monkeypatch.setattr(scaled_file, "AGAIN_S", 0.0)
    scaled._next_s = time.monotonic()
    look(scaled, door, OPEN)
    assert door.topics == ["vitals.readings.g1"]
