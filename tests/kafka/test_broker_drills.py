"""Short runs of the drills that stop brokers, cut the network, move ownership and delete state."""

from dataclasses import replace

import pytest

from bench.drills.drills import DRILLS
from bench.drills.findings import Findings
from bench.drills.run import Options, run
from bench.drills.surroundings import THERE

SHORT = {"session_timeout_s": 6.0, "checkpoint_interval_s": 3.0, "request_timeout_s": 8.0}
COUNTS = ("lost_readings", "lost_alerts", "phantom_alerts", "repeated_at_consumer", "order_violations")

pytestmark = [pytest.mark.kafka, pytest.mark.drill, pytest.mark.usefixtures("needs_java")]


def drill(name: str, seconds: float) -> Findings:
    """Run a drill on few patients, with short timeouts."""
    found = run(
        replace(DRILLS[name], settings=tuple(SHORT.items())), Options(seconds=seconds, rate=300, patients=300)
    )
    print(found.as_json())
    return found


def nothing_broke(found: Findings) -> bool:
    told = found.as_json()
    assert found.broken == []
    assert [told[count] for count in COUNTS] == [0, 0, 0, 0, 0]
    return bool(told["alerts_expected"] > 50)


def test_workers_that_come_and_go_under_load_lose_nothing() -> None:
    assert nothing_broke(drill("scale", 25))


def test_a_zombie_that_wakes_after_others_took_over_changes_nothing() -> None:
    found = drill("zombie", 25)
    assert nothing_broke(found)
    assert found.facts["patients_in_changelog"] >= 300


def test_state_that_was_deleted_is_noticed_and_built_again_with_the_same_alerts() -> None:
    found = drill("state-lost", 35)
    assert nothing_broke(found)
    assert found.facts["alerts_repeated_in_topic"] > 0


def test_three_nodes_of_which_all_go_away_and_come_back_lose_nothing_that_was_accepted() -> None:
    found = drill("brokers-down", 30)
    assert nothing_broke(found)
    assert found.facts["records"]["accepted"] > 0


def test_brokers_that_stand_still_leave_no_producer_of_ours_mute() -> None:
    found = drill("long-outage", 80)
    assert nothing_broke(found)
    assert found.facts["simulator"]["acknowledged"] > 0
    assert found.facts["watcher"]["written"] >= 2 * 8


def test_workers_behind_a_black_hole_stop_within_the_request_timeout_and_lose_nothing() -> None:
    found = drill("black-hole", 36)
    assert nothing_broke(found)
    assert found.facts["first_fail_stop_s"] < SHORT["request_timeout_s"] + 6


@pytest.mark.parametrize("name", ["network-partition", "full-disk", "slow-disk", "clock-step"])
def test_a_machine_or_a_network_that_fails_costs_no_alert(name: str) -> None:
    lacking = [need for need in DRILLS[name].needs if not THERE[need]()]
    if lacking:
        # A container may not mount, and libfaketime is not everywhere: the drill itself then refuses to begin.
        pytest.skip(f"this machine does not have: {lacking}")
    assert nothing_broke(drill(name, 60))


def test_many_faults_of_a_schedule_of_chance_cost_no_alert() -> None:
    found = drill("chaos", 150)
    assert nothing_broke(found)
    assert len(found.facts["schedule"]) > 2
