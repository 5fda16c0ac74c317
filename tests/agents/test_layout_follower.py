"""A worker waits until workers are let in, in the generation that is judged, and never for ever."""

from types import SimpleNamespace

import pytest
from kafka.errors import KafkaError

from agents import layout_follower
from agents.layout_follower import LayoutFollower, await_turn
from streams.config.settings import Settings
from streams.contracts.layout import Step, first_layout
from streams.contracts.seals import Seals
from streams.errors import StepLost
from streams.kafka.layout_log import sealed

SETTLED = first_layout("vigil")
PREPARED = SETTLED.after(Step.PREPARE, 1, 2)
DRAINING = PREPARED.after(Step.DRAIN, 2)
MOVED = DRAINING.after(Step.MOVE, 3)
LET_ON = DRAINING.after(Step.LET_ON, 3)
SEALS = Seals([b"k" * 32])


@pytest.fixture
def topic(monkeypatch):
    """A topic that says what is set: what is read at once, and what comes while somebody waits."""
    found = SimpleNamespace(now=[], comes=[], taken=[], fails=0)

    def followed(settings, name, is_over):
        if found.fails:
            found.fails -= 1
            raise KafkaError
        for layout in found.comes:
            yield [SimpleNamespace(value=sealed(layout, SEALS))]
            if is_over():
                return
        while not is_over():
            yield []

    def take(settings, before, step):
        found.taken.append(step)
        if found.now:
            raise StepLost("another was first")
        return before.after(step, 3)

    monkeypatch.setattr(layout_follower, "followed", followed)
    monkeypatch.setattr(layout_follower, "own_layout", lambda settings: found.now.pop(0))
    monkeypatch.setattr(layout_follower, "seals_if_known", lambda settings: SEALS)
    monkeypatch.setattr(layout_follower, "take", take)
    monkeypatch.setattr(layout_follower, "DRAINED_S_MAX", 0.05)
    return found


def quiet(line):
    """Say nothing."""


def test_a_worker_that_comes_while_readings_are_judged_need_not_wait(topic):
    topic.now = [PREPARED]
    settings, layout = await_turn(Settings(), quiet)
    assert (settings.generation, layout) == (0, PREPARED)


def test_a_worker_waits_for_the_word_that_the_state_has_moved_and_asks_nobody_once_more(topic):
    topic.now, topic.comes = [DRAINING], [DRAINING, MOVED]
    settings, layout = await_turn(Settings(), quiet)
    assert (settings.generation, settings.factor, layout) == (1, 2, MOVED)


def test_a_worker_that_nobody_lets_in_lets_itself_on_and_says_so(topic):
    topic.now, said = [DRAINING], []
    settings, layout = await_turn(Settings(), said.append)
    assert (settings.generation, layout, topic.taken) == (0, LET_ON, [Step.LET_ON])
    assert "nobody has split the state" in said[0]


def test_of_a_worker_and_the_command_that_speak_at_the_same_moment_the_first_has_its_way(topic):
    topic.now = [DRAINING, MOVED]
    assert await_turn(Settings(), quiet)[1] == MOVED


def test_a_topic_that_cannot_be_followed_is_asked_again(topic, monkeypatch):
    monkeypatch.setattr(layout_follower, "DRAINED_S_MAX", 5.0)
    topic.now, topic.fails = [DRAINING, MOVED], 1
    assert await_turn(Settings(), quiet)[1] == MOVED


@pytest.mark.parametrize(
    ("layout", "fits"), [(SETTLED, True), (PREPARED, True), (DRAINING, False), (LET_ON, True), (MOVED, False)]
)
def test_a_worker_ends_where_another_generation_is_judged_or_none(layout, fits):
    assert LayoutFollower(Settings(), SETTLED, end=lambda: None).fits(layout) == fits
