"""Short runs of the drills that kill and flood gateways, and each with a fault built in that it must find."""

from dataclasses import replace
from functools import partial

import pytest

from bench.drills.drills import DRILLS
from bench.drills.findings import Findings
from bench.drills.gateway_faults import kill_in_turn, kill_with_lines
from bench.drills.run import Options, run

SHORT = {"session_timeout_s": 6.0, "checkpoint_interval_s": 3.0, "request_timeout_s": 8.0}
COUNTS = ("missing", "out_of_order", "changed", "invented")

pytestmark = [pytest.mark.kafka, pytest.mark.drill, pytest.mark.usefixtures("needs_java")]


FAULTS = {"gateway-kill": kill_in_turn, "gateway-kill-lines": kill_with_lines}


def kill(kills: int, sabotage: str | None = None, name: str = "gateway-kill") -> Findings:
    """Kill so often, under few patients, with short timeouts."""
    drill = replace(DRILLS[name], fault=partial(FAULTS[name], kills=kills), settings=tuple(SHORT.items()))
    found = run(drill, Options(seconds=15, rate=300, patients=300, sabotage=sabotage))
    print(found.as_json())
    return found


def test_gateways_and_a_broker_that_are_killed_in_turn_lose_nothing_that_was_acknowledged() -> None:
    found = kill(4)
    assert found.broken == []
    assert [found.facts["devices"][count] for count in COUNTS] == [0, 0, 0, 0]
    assert found.facts["devices"]["acknowledged"] > 1_000
    assert found.facts["devices"]["twice_in_topic"] > 0, "a resend is what a kill leads to"


def test_a_gateway_of_lines_that_is_killed_loses_nothing_that_a_broker_or_its_spool_has(needs_mosquitto):
    found = kill(4, name="gateway-kill-lines")
    assert found.broken == []
    figures = found.facts["by_protocol"]
    assert {name: one["lost"] for name, one in figures.items()} == {"mqtt": 0, "vital-recorder": 0, "sdc": 0}
    assert min(one["acknowledged"] for one in figures.values()) > 0
    assert found.facts["gaps_counted"]["vital_recorder"] > 0


@pytest.mark.parametrize("sabotage", ["early-ack", "one-of-two"])
def test_a_gateway_of_lines_with_a_fault_built_in_turns_the_drill_red(needs_mosquitto, sabotage):
    found = kill(3, sabotage, name="gateway-kill-lines")
    assert any("missing" in sentence for sentence in found.broken)
    assert all(found.facts["by_protocol"][name]["lost"] for name in ("mqtt", "vital-recorder"))


@pytest.mark.parametrize(
    ("sabotage", "count"), [("early-ack", "missing"), ("fresh-number", "changed"), ("one-of-two", "missing")]
)
def test_a_gateway_with_a_fault_built_in_turns_the_drill_red(sabotage: str, count: str) -> None:
    found = kill(2, sabotage)
    assert found.facts["devices"][count] > 0
    assert any(count.replace("_", " ") in sentence for sentence in found.broken)


def flood(sabotage: str | None = None) -> Findings:
    """Flood a gateway, for too short a time to compare a p99."""
    drill = replace(DRILLS["gateway-flood"], check=lambda _: [])
    found = run(drill, Options(seconds=45, rate=300, patients=300, sabotage=sabotage))
    print(found.as_json())
    return found


def test_a_flood_is_turned_away_and_nothing_that_was_acknowledged_is_missing() -> None:
    found = flood()
    assert found.broken == []
    assert found.facts["flood"]["acknowledged"] > 0
    assert found.facts["flood"]["turned_away"] > 5 * found.facts["flood"]["acknowledged"]


def test_a_flood_at_a_gateway_that_acknowledges_too_early_turns_the_drill_red() -> None:
    found = flood("early-ack")
    assert found.facts["flood_frames"]["missing"] > 0
    assert any("frames of the flood missing" in sentence for sentence in found.broken)
