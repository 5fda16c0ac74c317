"""What the topics say of a bed: the same in whatever order logs are read, and as new as the newest word."""

import random

from alert_of import alert_of
from board_world import open_alarm, patient_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bench.board.convergence import differing, run
from bench.board.plain import plain_beds
from bench.board.worlds import PARTITIONS, made
from edge.board.board_follower import Batch
from edge.board.live import Live
from edge.board.position import Log
from edge.board.record_intake import Intake
from edge.board.state import DELIVERED_KEPT_MAX, BoardState
from streams.contracts.deliveries import Delivery
from streams.contracts.patient_state import Heartbeat, ScoreNow

OWN, TOLD = Log("patients", 0), Log("alerts", 0)
SEEDS = st.integers(0, 2**32 - 1)
CONVERGING = 40
"""Runs of this test; `make bench-board` does 1,000."""


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(seed=SEEDS, order=st.randoms(use_true_random=False))
def test_logs_read_in_any_order_among_each_other_say_the_same(seed, order):
    world, live = made(seed), Live(PARTITIONS)
    intake, left = Intake(live), {log: list(records) for log, records in made(seed).logs.items()}
    while left:
        log = order.choice(sorted(left))
        taken = [left[log].pop(0) for _ in range(min(order.randrange(1, 5), len(left[log])))]
        intake.take(Batch({log: taken}, {log: taken[-1].offset + 1}))
        if not left[log]:
            del left[log]
    live.look()
    shown = {patient: live.state.bed(patient) for patient in live.shown}
    assert differing(shown, plain_beds(world)) == []


def test_pages_converge_through_cuts_restarts_and_proxies_that_lead_elsewhere():
    reports = [run(seed) for seed in range(CONVERGING)]
    assert [wrong for report in reports for wrong in report.wrong] == []
    assert sum(report.catch_ups for report in reports) > CONVERGING
    assert sum(report.restarts for report in reports) > CONVERGING


def test_an_alarm_is_shown_before_the_patients_own_record_names_it():
    state = BoardState()
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", judged_ms=1_000), 0)
    state.take_alert(TOLD, 0, alert_of(append_ts_ms=1_000))
    (alarm,) = state.bed("bed-1")["alarms"]
    assert (alarm["rule"], alarm["value"], state.bed("bed-1")["severity"]) == ("spo2-low", 84.0, "medium")


def test_an_alarm_that_has_ended_is_gone_before_the_patients_own_record_says_so():
    state = BoardState()
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", alarms=[open_alarm()]), 0)
    state.take_alert(TOLD, 0, alert_of(id="e1-1", phase="end", state="inactive"))
    assert state.bed("bed-1")["alarms"] == []


def test_an_alarm_whose_end_was_never_told_is_gone_once_a_later_record_does_not_name_it():
    state = BoardState()
    state.take_alert(TOLD, 0, alert_of(append_ts_ms=15_000))
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", judged_ms=15_001), 0)
    assert state.bed("bed-1")["alarms"] == []


def test_an_alarm_older_than_what_was_read_is_shown_by_the_patients_own_record():
    state = BoardState()
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", alarms=[open_alarm(state="acknowledged")]), 0)
    (alarm,) = state.bed("bed-1")["alarms"]
    assert (alarm["state"], alarm["value"], alarm["type"]) == ("acknowledged", None, None)


def test_a_record_of_a_worker_that_judges_again_what_was_judged_does_not_take_the_board_back():
    state = BoardState()
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", hr=90.0, judged_ms=2_000), 0)
    state.take_patient(OWN, 1, "bed-1", patient_of("bed-1", hr=80.0, judged_ms=1_000), 0)
    assert state.bed("bed-1")["values"]["hr"]["value"] == 90.0


def test_a_score_is_shown_with_what_it_lacks():
    state = BoardState()
    score = ScoreNow(total=7.0, band="high", missing=("temp",), old=("consciousness",), ts_ms=5)
    state.take_patient(OWN, 0, "bed-1", patient_of("bed-1", scores={"news2": score}), 0)
    shown = state.bed("bed-1")["scores"]["news2"]
    assert (shown["total"], list(shown["missing"]), list(shown["old"])) == (7.0, ["temp"], ["consciousness"])


def test_canaries_are_no_patients():
    state = BoardState()
    assert state.take_patient(OWN, 0, "vigil-canary-0", patient_of("vigil-canary-0"), 0) == ""
    assert state.take_alert(TOLD, 0, alert_of(rule="canary", patient="vigil-canary-0")) == ""
    assert state.bed("vigil-canary-0") is None


def test_a_partition_of_which_nothing_newer_was_judged_is_not_judged_until_later():
    state = BoardState()
    for judged_ms in (5_000, 3_000):
        state.take_beat(beat(judged_ms))
    assert state.judged == {0: 5_000}


def beat(judged_ms, windows=None, partition=0, partitions=None):
    return Heartbeat(
        partition=partition,
        partitions=partitions,
        worker="w",
        sent_ts_ms=judged_ms,
        judged_ts_ms=judged_ms,
        lag=0,
        open_alarms=0,
        waiting_s=0.0,
        windows=windows,
    )


def test_a_place_is_judged_up_to_where_all_partitions_of_the_readings_are_whose_patients_lie_there():
    state = BoardState()
    state.take_beat(beat(1_000, partition=1), 4)
    assert state.judged == {1: 1_000}
    state.take_beat(beat(2_000, partition=1, partitions=8), 4)
    assert state.judged == {}  # nobody has heard of partition 5
    state.take_beat(beat(1_500, partition=5, partitions=8), 4)
    assert state.judged == {1: 1_500}
    state.take_beat(beat(3_000, partition=1, partitions=8), 4)
    assert state.judged == {1: 1_500}  # partition 5 is silent
    state.take_beat(beat(3_500, partition=5, partitions=8), 4)
    assert (state.judged, state.readings) == ({1: 3_000}, 8)


def test_a_worker_that_keeps_no_windows_any_more_is_not_asked():
    state = BoardState()
    state.take_beat(beat(1_000, "127.0.0.1:1"))
    assert state.windows == {0: "127.0.0.1:1"}
    state.take_beat(beat(2_000))
    assert state.windows == {}


def test_deliveries_of_one_patient_are_bounded():
    state, dice = BoardState(), random.Random(1)
    for number in range(3 * DELIVERED_KEPT_MAX):
        delivery = Delivery(
            id=f"d{number}",
            alert=f"e{number}-0",
            episode=f"e{number}",
            patient="bed-1",
            ward="a",
            rule="spo2-low",
            priority="medium",
            step=1,
            recipient="nurse-1",
            channel="push",
            milestone=dice.choice(("queued", "sent")),
            at_ts_ms=number,
        )
        state.take_delivery(Log("deliveries", 0), number, delivery)
    assert len(state.told["bed-1"].deliveries) == DELIVERED_KEPT_MAX
