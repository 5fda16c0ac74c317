"""When a worker ends for other rules: at their marks, or after a bound, and never for what it cannot judge by."""

import asyncio

import pytest
from rules_decisions import decision

from agents.health.metrics import Metrics
from agents.rules_choice import Choice, in_force
from agents.rules_follower import TURN_S_MAX, RulesFollower
from agents.rules_turn import RulesTurn
from clinical.defaults import DEFAULT_RULES
from streams.config.settings import Settings
from streams.contracts.seals import DEVELOPMENT


class World:
    """A follower of a worker that owns two partitions, with a clock that stands still."""

    def __init__(self):
        self.now_s, self.owned, self.ended, self.kept = 0.0, [0, 1], 0, []
        self.turn, self.metrics = RulesTurn("vigil", 1), Metrics()
        self.follower = RulesFollower(
            Settings(),
            DEVELOPMENT,
            Choice(DEFAULT_RULES, "", 1),
            DEFAULT_RULES,
            self.turn,
            self.metrics,
            lambda: self.owned,
            self.dismiss,
            self.end,
            lambda: self.now_s,
        )

    async def dismiss(self, kept):
        self.kept.append(kept)

    def end(self):
        self.ended += 1

    def look(self):
        asyncio.run(self.follower.look())
        return self.ended


@pytest.fixture
def world():
    return World()


def test_a_worker_ends_once_all_its_partitions_have_come_to_the_mark(world):
    assert world.look() == 0
    world.follower.learn([decision(2)])
    world.turn.met[0] = 7
    assert world.look() == 0
    world.turn.met[1] = 9
    assert world.look() == 1
    assert world.turn.is_closed
    assert "hr-only" in world.kept[0]
    assert "silent-device" in world.kept[0]
    assert world.look() == 1


def test_without_marks_it_ends_after_a_bound(world):
    world.follower.learn([decision(2)])
    assert world.look() == 0
    world.now_s = TURN_S_MAX + 0.1
    assert world.look() == 1


def test_at_a_mark_whose_decision_cannot_be_read_it_ends_after_a_bound_and_dismisses_nothing(world):
    world.turn.met |= {0: 7, 1: 9}
    assert world.look() == 0
    world.now_s = TURN_S_MAX + 0.1
    assert world.look() == 1
    assert world.kept == []


def test_what_was_known_before_and_what_is_only_tried_ends_nobody(world):
    world.follower.learn([decision(1), decision(2, "trial")])
    world.now_s = 100.0
    assert world.look() == 0


def test_rules_that_this_version_cannot_read_end_nobody_and_are_told(world):
    world.follower.learn([decision(2, text="rule = 3")])
    world.now_s = 100.0
    assert world.look() == 0
    assert world.turn.number == 2
    assert world.metrics.registry.get_sample_value("vigil_rules_refused") == 1


def test_a_worker_that_starts_takes_the_newest_rules_that_it_can_read():
    readable, not_readable = decision(1), decision(2, text="rule = 3")
    chosen = in_force([readable, not_readable], DEFAULT_RULES)
    assert (chosen.name, chosen.number, chosen.refused) == (readable.rules.name, 2, True)
    assert in_force([not_readable], DEFAULT_RULES) == Choice(DEFAULT_RULES, "", 2, True)
    assert in_force([], DEFAULT_RULES) == Choice(DEFAULT_RULES)
