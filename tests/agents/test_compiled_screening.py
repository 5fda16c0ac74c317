"""Whom compiled code shows to the steps of a tick: nobody of a ward at rest, and each to the step that it is for."""

import dataclasses

import numpy as np
import pytest
from logs import frame_record, tick_record
from worker_model import WorkerModel

from agents.judging.alarms import BREAK_GLASS, LIMITS_WIDENED, READINGS_WITHDRAWN, SILENT_DEVICE
from agents.judging.screening import screen
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.kernels import screen_bits as asked
from clinical.kernels.judge_literals import SUSPECT
from clinical.kernels.screen_ticks import compile_ahead, screen_ticks
from clinical.lifecycle import Answered, Pause, State
from clinical.limits import HIGH
from clinical.rules import ScoreRule
from clinical.vitals import INDEX
from tables.windows import BUCKET_MS, SLOTS

RULES = dataclasses.replace(DEFAULT_RULES, scores=(ScoreRule("qsofa", inputs_min=3),))
WELL = {"hr": 75, "pulse": 75, "spo2": 97, "resp": 15, "abp_sys": 120, "abp_dia": 75, "abp_mean": 90}
LAST_S = 104
NOW_MS = 105_000
EARLIER_MS = 104_500
"""Before a slow stretch is over."""
TTL_S = 600
HR = INDEX["hr"]


class Ward:
    """Three patients who are well, of whom one frame a second came until `LAST_S`, with a tick each second."""

    def __init__(self, rules=RULES):
        self.worker = WorkerModel(rules, TimeRules(recorded=True), TTL_S, engine="numba")
        self.offset = 0
        for second in range(1, LAST_S + 1):
            for number in range(3):
                self._take(self._frame(f"bed-{number}", second))
            self._take(tick_record(self.offset, second * 1000))
        self.table = self.worker.table
        self.row = self.table.row_of["bed-1"]
        self.device = int(self.table.slots[self.row, 0])
        self.column = {name: column for column, name in enumerate(self.table.alarms)}

    def _frame(self, patient, second):
        at_ms = second * 1000
        return frame_record(self.offset, at_ms, patient, seq=second, event_ms=at_ms, **WELL)

    def _take(self, record):
        self.worker.take([record])
        self.offset += 1

    def screened(self, now_ms=NOW_MS):
        """Return what is asked of each patient at a tick, by the row."""
        found = self.worker.judge._ticks._screening(self.table, self.offset, now_ms)
        return dict(zip(found.rows.tolist(), found.bits.tolist(), strict=True))

    def begin(self, name, state=State.ACTIVE, priority=HIGH):
        column = self.column[name]
        self.table.alarm_state[self.row, column] = state
        self.table.alarm_priority[self.row, column] = priority
        self.table.alarm_onset_ms[self.row, column] = NOW_MS - 10_000
        self.table.alarm_told_ms[self.row, column] = NOW_MS - 10_000
        return self.row, column


@pytest.fixture
def ward():
    return Ward()


def test_a_ward_at_rest_is_looked_at_by_no_step(ward):
    assert len(ward.screened(EARLIER_MS)) == 3
    assert ward.screened(EARLIER_MS) == {}, "who has had a tick is not shown again"
    assert not any(bits & asked.ASKED for bits in ward.screened().values())


def test_ticks_compile_nothing_that_was_not_compiled_ahead(ward):
    compile_ahead()
    assert ward.screened()
    assert len(screen_ticks.signatures) == 1


def pause(ward):
    ward.table.pause[ward.row], ward.table.pause_until_ms[ward.row] = Pause.ALARM_PAUSED, NOW_MS


def endless_pause(ward):
    ward.table.pause[ward.row] = Pause.ALARM_PAUSED
    ward.table.pause_ms[ward.row] = NOW_MS - round(RULES.pauses.off_s_max * 1000)


def silence(ward):
    ward.table.devices.heard_ms[ward.device] = NOW_MS - round(RULES.technical.silent_device_s * 1000)


def apart(ward):
    ward.table.devices.value[ward.device, HR] = 150


def two_devices(ward):
    ward.table.slots[ward.row, 1] = ward.table.slots[(ward.row + 1) % 3, 0]


def loss(ward):
    ward.table.devices.lost_ms[ward.device, HR] = NOW_MS - 1000


def not_carried(ward):
    ward.table.devices.value_ms[ward.device, HR] = NOW_MS - round(RULES.technical.signal_loss_s * 1000)


def missing(ward):
    ward.table.devices.missing_ms[ward.device] = NOW_MS - 60_000


def clock(ward):
    ward.table.devices.clock[ward.device] = SUSPECT


def conflict(ward):
    ward.table.devices.conflict_before_ms[ward.device] = 1


def crowd(ward):
    ward.table.pushed_out_ms[ward.row] = 1


def no_pulse(ward):
    pulse = INDEX["pulse"]
    ward.table.devices.value_ms[ward.device, pulse] = (
        LAST_S * 1000 - round(RULES.technical.vital_loss_s * 1000) - 1
    )


def gone(ward):
    ward.table.devices.heard_ms[ward.device] = NOW_MS - TTL_S * 1000


def own_limits(ward):
    ward.table.own_limits[ward.row] = True


def measured(ward):
    ward.table.devices.value[ward.device, INDEX["consciousness"]] = 0
    ward.table.devices.value_ms[ward.device, INDEX["consciousness"]] = NOW_MS


def lapsed_late(ward):
    """Enough was measured an hour ago, which a closer look finds."""
    ward.table.oxygen[ward.row] = 0
    for name in ("temp", "consciousness"):
        ward.table.devices.value_ms[ward.device, INDEX[name]] = 1
        ward.table.devices.value_ms[ward.device, INDEX["resp"]] = 1


NEWS2_LOW = {"temp": 37.0, "consciousness": 0, "on_oxygen": 0}


def news2(**values):
    """Have everything measured that NEWS2 reads, so that it is low but for these values."""

    def measure(ward):
        for name, value in (NEWS2_LOW | values).items():
            ward.table.devices.value[ward.device, INDEX[name]] = value
            ward.table.devices.value_ms[ward.device, INDEX[name]] = NOW_MS - 1000

    measure.__name__ = "news2 " + ", ".join(map(str, values))
    return measure


def on_scale_2(ward):
    news2()(ward)
    ward.table.scale2[ward.row] = True


def on_oxygen_by_profile(ward):
    news2(resp=22, temp=38.5)(ward)
    ward.table.oxygen[ward.row] = 1


def alarm(name, state=State.ACTIVE):
    def begin(ward):
        ward.begin(name, state)

    begin.__name__ = name
    return begin


LOOKS = [
    (asked.PAUSE, pause),
    (asked.PAUSE, endless_pause),
    (asked.NOTED, alarm(READINGS_WITHDRAWN, State.DELAYED)),
    (asked.SILENCE, silence),
    (asked.SILENCE, alarm(SILENT_DEVICE)),
    (asked.SENSORS, apart),
    (asked.SENSORS, two_devices),
    (asked.SENSORS, alarm("check-sensor")),
    (asked.LOSSES, loss),
    (asked.LOSSES, not_carried),
    (asked.LOSSES, missing),
    (asked.LOSSES, alarm("signal-loss-hr")),
    (asked.LOSSES, alarm("unreliable-signal-spo2")),
    (asked.DEVICES, clock),
    (asked.DEVICES, conflict),
    (asked.DEVICES, crowd),
    (asked.DEVICES, alarm("identity-conflict")),
    (asked.VITAL_LOSS, no_pulse),
    (asked.VITAL_LOSS, alarm("vital-loss")),
    (asked.WIDENING, own_limits),
    (asked.WIDENING, alarm(LIMITS_WIDENED)),
    (asked.SCORE, alarm("news2")),
    (asked.SCORE << 1, measured),
    (asked.SCORE, lapsed_late),
    (asked.SCORE, news2(temp=34.9)),
    (asked.SCORE, news2(consciousness=1)),
    (asked.SCORE, news2(resp=22, on_oxygen=1, temp=38.5)),
    (asked.SCORE, news2(resp=22, fio2=40, temp=38.5)),
    (asked.SCORE, on_scale_2),
    (asked.SCORE, on_oxygen_by_profile),
    (asked.GONE, gone),
]


@pytest.mark.parametrize(("bit", "befalls"), LOOKS, ids=[befalls.__name__ for _, befalls in LOOKS])
def test_each_look_is_for_the_patient_whom_it_concerns_and_for_open_alarms_besides(ward, bit, befalls):
    befalls(ward)
    found = ward.screened()
    assert found[ward.row] & bit
    assert found[ward.row] & asked.OPEN
    others = [bits for row, bits in found.items() if row != ward.row]
    assert not any(bits & asked.ASKED for bits in others)


@pytest.mark.parametrize(
    "values", [{}, {"resp": 22, "temp": 38.5, "pulse": 95}, {"on_oxygen": 1, "temp": 39.1}]
)
def test_a_news2_that_is_surely_low_is_not_reckoned(ward, values):
    news2(**values)(ward)
    assert ward.screened()[ward.row] & asked.SCORE == 0


def test_a_loss_that_is_told_before_a_millisecond_is_over_is_looked_at_too():
    at_once = dataclasses.replace(RULES.technical, vital_loss_s=0.0004)
    ward = Ward(dataclasses.replace(RULES, technical=at_once))
    no_pulse(ward)
    assert ward.screened()[ward.row] & asked.VITAL_LOSS


def untold(ward, place):
    ward.table.alarm_told_ms[place] = EARLIER_MS - 60_000


def known_and_untold(ward, place):
    ward.table.alarm_state[place], ward.table.alarm_told_ms[place] = State.ACKNOWLEDGED, EARLIER_MS - 180_000


def unanswered(ward, place):
    ward.table.alarm_step[place], ward.table.alarm_answer[place] = 1, Answered.REQUESTED
    ward.table.alarm_asked_ms[place] = EARLIER_MS - round(RULES.responsibility[0].after_s * 1000)


def worse(ward, place):
    ward.table.alarm_known[place], ward.table.alarm_extreme[place] = 130, 150


def not_measured(ward, place):
    ward.table.alarm_state[place] = State.ACKNOWLEDGED
    ward.table.devices.value_ms[ward.device, HR] = NOW_MS - 3_600_000


def suppressed_by_nothing(ward, place):
    ward.table.alarm_state[place] = State.SUPPRESSED


@pytest.mark.parametrize(
    "befalls", [untold, known_and_untold, unanswered, worse, not_measured, suppressed_by_nothing]
)
def test_an_open_alarm_is_looked_at_when_time_does_something_to_it(ward, befalls):
    place = ward.begin("hr-high")
    assert ward.screened(EARLIER_MS)[ward.row] & asked.ASKED == 0
    befalls(ward, place)
    assert ward.screened(EARLIER_MS + 100)[ward.row] & asked.ASKED == asked.OPEN


def test_a_suppressed_alarm_that_a_more_severe_one_stands_for_is_not_looked_at(ward):
    ward.begin("hr-high", State.SUPPRESSED)
    ward.begin("hr-extreme-high")
    assert ward.screened(EARLIER_MS)[ward.row] & asked.ASKED == 0


def test_broken_glass_is_looked_at_a_minute_after_its_last_use(ward):
    place = ward.begin(BREAK_GLASS)
    ward.table.alarm_clear_ms[place] = NOW_MS - 60_000
    assert ward.screened(EARLIER_MS)[ward.row] & asked.ASKED == 0
    assert ward.screened(NOW_MS)[ward.row] & asked.OPEN


def test_a_device_that_babbles_is_looked_at_when_a_bucket_is_over(ward):
    now_ms = 4 * BUCKET_MS
    ward.table.windows.count[3 % SLOTS, ward.row, 0] = 60
    found = ward.screened(now_ms)
    assert found[ward.row] & asked.BABBLING
    assert [bool(bits & asked.BABBLING) for bits in found.values()].count(True) == 1
    assert all(bits & asked.BUCKET for bits in found.values())


def test_an_age_that_nobody_said_is_asked_about_when_it_is_the_patients_turn():
    worker = WorkerModel(RULES, TimeRules(), TTL_S, engine="numba")
    worker.take([frame_record(0, 1000, seq=1, event_ms=1000, **WELL)])
    screening, table = worker.judge._ticks._screening, worker.table
    seen = [screening(table, 9, second * 1000).any_bits & asked.AGE for second in range(5, 125, 5)]
    assert np.count_nonzero(seen) == 1


def test_a_score_of_which_too_little_is_measured_lapses_as_by_numpy(ward):
    ward.table.dirty[:] = False
    lapsed = ward.table.lapsed_ms[ward.row].copy()
    ward.screened()
    assert (ward.table.lapsed_ms[ward.row] > lapsed).any()
    assert ward.table.dirty[ward.row]


def test_numpy_shows_each_step_at_least_whom_compiled_code_does(ward):
    for befalls in dict(LOOKS).values():
        befalls(ward)
    ticked, lapsed = ward.table.ticked_ms.copy(), ward.table.lapsed_ms.copy()
    compiled = ward.screened()
    ward.table.ticked_ms[:], ward.table.lapsed_ms[:] = ticked, lapsed
    plain = screen(ward.table, ward.offset, NOW_MS)
    for row, bits in zip(plain.rows.tolist(), plain.bits.tolist(), strict=True):
        assert compiled[row] & ~bits == 0
