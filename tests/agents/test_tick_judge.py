"""What ticks decide: silent devices, lost signals, score bands, reminders, patients who are gone."""

import pytest
from logs import frame_record, tick_record
from worker_model import WorkerModel

from clinical.rules import LimitRule, News2Rules, RuleSet, TechnicalRules

HR_HIGH = LimitRule("hr-high", "hr", high=120)
RULES = RuleSet((HR_HIGH,), responsibility=())
ILL = {
    "resp": 26,
    "spo2": 90,
    "abp_sys": 88,
    "pulse": 135,
    "consciousness": "V",
    "on_oxygen": True,
    "temp": 39.5,
}
WELL = {
    "resp": 15,
    "spo2": 98,
    "abp_sys": 120,
    "pulse": 70,
    "consciousness": "A",
    "on_oxygen": False,
    "temp": 37.0,
}


class Ward:
    """A worker that is fed one record at a time; times in s."""

    def __init__(self, rules=RULES, ttl_s=86_400):
        self.worker = WorkerModel(rules, patient_ttl_s=ttl_s)
        self.offset = 0
        self.seq = 0

    def frame(self, at_s, **fields):
        self.seq += 1
        record = frame_record(self.offset, at_s * 1000, seq=self.seq, event_ms=at_s * 1000, **fields)
        return self._take(record)

    def tick(self, at_s):
        return self._take(tick_record(self.offset, at_s * 1000))

    def _take(self, record):
        before = len(self.worker.transitions)
        self.offset += 1
        self.worker.take([record])
        return [self._short(h) for h in self.worker.transitions[before:]]

    def _short(self, transition):
        alerts = [a for a in self.worker.alerts.values() if a.event_ts_ms == transition.event_ms]
        rule = self.worker.judge.alarms[transition.column].id
        alert = next(a for a in alerts if a.rule == rule and a.onset_ts_ms == transition.onset_ms)
        return alert.rule, alert.phase, alert.priority, alert.onset_ts_ms // 1000

    def alert(self, rule, phase):
        return next(a for a in self.worker.alerts.values() if (a.rule, a.phase) == (rule, phase))


@pytest.fixture
def ward():
    return Ward()


def test_a_device_is_silent_after_fifteen_seconds_and_no_sooner(ward):
    ward.frame(99)
    ward.frame(100, hr=80)
    assert ward.tick(114) == []
    assert ward.tick(115) == [("silent-device", "start", "low", 100)]


def test_a_patient_of_whom_a_single_frame_has_come_is_not_monitored_yet(ward):
    ward.frame(100, hr=80, spo2=None)
    assert ward.tick(1000) == []
    ward.frame(1001, hr=80, spo2=97)
    assert ward.tick(1016) == [("silent-device", "start", "low", 1001)]


def test_the_limits_of_a_single_frame_count(ward):
    assert ward.frame(100, hr=130) == [("hr-high", "start", "medium", 100)]
    assert ward.tick(120) == []


def test_silence_rises_to_medium_after_a_minute_and_ends_with_the_next_frame(ward):
    ward.frame(99)
    ward.frame(100, hr=80)
    ward.tick(115)
    assert ward.tick(159) == []
    assert ward.tick(160) == [("silent-device", "escalate", "medium", 100)]
    ward.frame(161, hr=80)
    assert ward.tick(162) == [("silent-device", "end", "medium", 100)]


def test_silence_that_is_old_when_it_is_noticed_starts_at_medium(ward):
    ward.frame(99)
    ward.frame(100, hr=80)
    assert ("silent-device", "start", "medium", 100) in ward.tick(200)


def test_a_device_that_announces_a_long_interval_may_be_silent_for_two_of_them(ward):
    ward.frame(99)
    ward.frame(100, hr=80, interval_ms=60_000)
    assert ward.tick(219) == []
    assert ward.tick(220) == [("silent-device", "start", "medium", 100)]


def test_a_late_frame_does_not_end_a_silence_that_it_lies_before(ward):
    ward.frame(99)
    ward.frame(100, hr=80)
    ward.tick(115)
    ward.frame(90, hr=80, interval_ms=60_000)
    assert ward.tick(116) == []


def test_a_signal_without_a_valid_reading_is_lost_after_twenty_seconds(ward):
    ward.frame(99, spo2=97)
    for at_s in range(100, 121):
        ward.frame(at_s, spo2=None)
    assert ward.tick(119) == []
    assert ward.tick(120) == [("signal-loss-spo2", "start", "low", 100)]
    ward.frame(122, spo2=96)
    assert ward.tick(125) == [("signal-loss-spo2", "end", "low", 100)]


def test_a_reading_outside_the_plausible_range_is_no_valid_reading(ward):
    ward.frame(100, spo2=0)
    ward.frame(119, spo2=250)
    assert ward.tick(120) == [("signal-loss-spo2", "start", "low", 100)]


def test_a_signal_that_frames_stop_carrying_is_lost_too(ward):
    ward.frame(100, spo2=97, hr=80)
    for at_s in range(101, 120):
        ward.frame(at_s, hr=80)
    assert ward.tick(119) == []
    assert ward.tick(120) == [("signal-loss-spo2", "start", "low", 100)]


def test_an_aperiodic_signal_is_never_lost(ward):
    ward.frame(100, nbp_sys=120, temp=37.0, hr=80)
    for at_s in range(101, 200, 5):
        ward.frame(at_s, hr=80)
        assert ward.tick(at_s) == []


def test_a_silent_device_does_not_raise_the_loss_of_each_of_its_signals(ward):
    ward.frame(99)
    ward.frame(100, spo2=97, hr=80)
    assert ward.tick(125) == [("silent-device", "start", "low", 100)]
    assert all(rule == "silent-device" for rule, *_ in ward.tick(130))


def test_a_lost_signal_stays_lost_while_its_device_is_silent(ward):
    ward.frame(100, spo2=97, hr=80)
    ward.frame(121, hr=80)
    assert ward.tick(121) == [("signal-loss-spo2", "start", "low", 100)]
    assert ward.tick(140) == [("silent-device", "start", "low", 121)]
    ward.frame(141, hr=80)
    assert ward.tick(145) == [("silent-device", "end", "low", 121)]


def test_a_lost_signal_that_is_reported_as_invalid_stays_lost(ward):
    ward.frame(100, spo2=97, hr=80)
    ward.frame(121, hr=80)
    ward.tick(121)
    ward.frame(122, hr=80, spo2=None)
    assert ward.tick(125) == []
    ward.frame(126, hr=80, spo2=95)
    assert ward.tick(130) == [("signal-loss-spo2", "end", "low", 100)]


def test_a_change_of_the_announced_interval_does_not_end_a_loss(ward):
    ward.frame(100, spo2=97, hr=80)
    ward.frame(121, hr=80)
    ward.tick(121)
    ward.frame(122, hr=80, interval_ms=900_000)
    assert ward.tick(125) == []
    ward.frame(126, hr=80)
    assert ward.tick(130) == []


def test_a_signal_that_was_taken_off_ends_its_alarm_for_good(ward):
    ward.frame(100, spo2=97, hr=80)
    for at_s in range(110, 700, 10):
        ward.frame(at_s, hr=80)
    ward.tick(699)
    ward.frame(700, hr=80)
    assert ward.tick(700) == [("signal-loss-spo2", "end", "medium", 100)]
    for at_s, interval_ms in ((710, 600_000), (715, 1000)):
        ward.frame(at_s, hr=80, interval_ms=interval_ms)
        assert ward.tick(at_s) == []


def score_for(ward, signals, from_s, to_s):
    found = []
    for at_s in range(from_s, to_s):
        ward.frame(at_s, **signals)
        found += ward.tick(at_s)
    return found


def test_a_score_band_is_reported_once_it_has_held_for_the_delay(ward):
    assert score_for(ward, ILL, 100, 130) == []
    assert score_for(ward, ILL, 130, 131) == [("news2", "start", "high", 100)]
    assert ward.alert("news2", "start").evidence.value == 19
    assert score_for(ward, WELL, 131, 165) == []
    assert score_for(ward, WELL, 165, 166) == [("news2", "end", "high", 100)]


def test_a_score_that_falls_but_stays_above_its_lowest_band_deescalates(ward):
    score_for(ward, ILL, 100, 131)
    middling = {**WELL, "resp": 22, "spo2": 93, "pulse": 95}
    assert score_for(ward, middling, 131, 166) == [("news2", "deescalate", "medium", 100)]
    assert score_for(ward, ILL, 166, 201) == [("news2", "escalate", "high", 100)]


def test_a_short_rise_of_the_score_is_not_reported(ward):
    assert score_for(ward, WELL, 100, 110) == []
    assert score_for(ward, ILL, 110, 135) == []
    assert score_for(ward, WELL, 135, 180) == []


def test_a_partial_score_says_what_it_lacks(ward):
    signals = {name: value for name, value in ILL.items() if name not in ("temp", "consciousness")}
    assert score_for(ward, signals, 100, 131) == [("news2", "start", "high", 100)]
    alert = ward.alert("news2", "start")
    assert alert.evidence.missing == ("consciousness", "temp")
    assert alert.reason == (
        "NEWS2 at least 14, without consciousness, temp; "
        "high: emergency assessment within 30 min, continuous monitoring"
    )


def test_too_few_inputs_decide_nothing(ward):
    signals = {name: ILL[name] for name in ("resp", "spo2", "abp_sys", "pulse")}
    assert score_for(ward, signals, 100, 160) == []


def test_a_score_that_is_not_measured_any_more_ends_after_an_hour_and_says_so(ward):
    score_for(ward, ILL, 100, 131)
    ward.tick(190)  # two minutes at most, then nothing but temperature and what is charted counts
    last_scored_s = 130 + 60
    found = [told for at_s in range(195, last_scored_s + 3600, 5) for told in ward.tick(at_s)]
    assert not [told for told in found if told[:2] == ("news2", "end")]
    assert ("news2", "continue", "high", 100) in found
    found = ward.tick(last_scored_s + 3605)
    assert ("news2", "end", "high", 100) in found
    alert = ward.alert("news2", "end")
    assert alert.reason == "NEWS2 score: not measured any more; whether the condition is over is unknown"
    assert (alert.state, alert.evidence.value, alert.evidence.missing) == ("inactive", None, ())


def test_a_score_alarm_of_a_chart_waits_for_two_of_its_intervals(ward):
    for at_s in (0, 7200):
        ward.frame(at_s, **ILL, interval_ms=7_200_000)
        ward.tick(at_s + 60)
        ward.tick(at_s + 120)
    last_scored_s = 7200 + 14_400
    assert not [told for told in ward.tick(last_scored_s + 14_395) if told[:2] == ("news2", "end")]
    assert ("news2", "end", "high", 60) in ward.tick(last_scored_s + 14_405)


def test_a_score_alarm_stays_where_a_score_comes_within_the_hour(ward):
    score_for(ward, ILL, 100, 131)
    ward.tick(3000)
    assert ("news2", "continue", "high", 100) in score_for(ward, ILL, 3001, 3100)
    assert not [told for told in ward.tick(6000) if told[:2] == ("news2", "end")]


def test_a_run_towards_a_score_alarm_begins_anew_after_a_time_without_score(ward):
    assert score_for(ward, ILL, 100, 120) == []
    ward.tick(300)
    assert [told for told in score_for(ward, ILL, 4000, 4030) if told[0] == "news2"] == []
    assert [told for told in score_for(ward, ILL, 4030, 4036) if told[0] == "news2"] == [
        ("news2", "start", "high", 4000)
    ]


def test_the_cuff_and_the_ecg_stand_in_for_the_line_and_the_oximeter(ward):
    signals = {**ILL, "hr": ILL["pulse"], "nbp_sys": ILL["abp_sys"]}
    del signals["pulse"], signals["abp_sys"]
    rules = RuleSet((), TechnicalRules(), News2Rules(inputs_min=7))
    assert score_for(Ward(rules), signals, 100, 131) == [("news2", "start", "high", 100)]


def test_an_active_score_alarm_is_told_again_every_minute_with_the_score_of_now(ward):
    score_for(ward, ILL, 100, 131)
    assert score_for(ward, {**ILL, "temp": 37.0}, 131, 190) == []
    assert score_for(ward, {**ILL, "temp": 37.0}, 190, 191) == [("news2", "continue", "high", 100)]
    alert = ward.alert("news2", "continue")
    assert alert.evidence.value == 17
    assert alert.reason == "NEWS2 17; high: emergency assessment within 30 min, continuous monitoring"


def test_an_active_limit_alarm_is_told_again_every_minute(ward):
    assert ward.frame(100, hr=130) == [("hr-high", "start", "medium", 100)]
    for at_s in range(101, 160):
        assert ward.frame(at_s, hr=125) == []
        assert ward.tick(at_s) == []
    assert ward.tick(160) == [("hr-high", "continue", "medium", 100)]
    assert ward.alert("hr-high", "continue").reason == "heart rate (ECG) 130 bpm, above 120 for 60 s"


def test_a_repeated_tick_changes_nothing(ward):
    ward.frame(99)
    ward.frame(100, hr=130)
    for at_s in (115, 160, 220):
        assert ward.tick(at_s)
        assert ward.tick(at_s) == []
    assert ward.tick(170) == []


def test_a_patient_without_frames_for_the_time_to_live_is_dropped_and_open_alarms_end():
    ward = Ward(ttl_s=3600)
    ward.frame(99)
    ward.frame(100, hr=130)
    ward.tick(3699)
    assert ward.worker.dropped == []
    found = ward.tick(3700)
    assert ("hr-high", "end", "medium", 100) in found
    assert ("silent-device", "end", "medium", 100) in found
    assert ward.worker.dropped == ["bed-1"]
    assert len(ward.worker.table) == 0
    assert "dropped" in ward.alert("hr-high", "end").reason


def test_technical_and_score_alarms_can_be_switched_off():
    off = RuleSet((HR_HIGH,), TechnicalRules(enabled=False), News2Rules(enabled=False))
    ward = Ward(off)
    score_for(ward, ILL, 100, 131)
    assert ward.tick(1000) == []


def test_losses_are_judged_when_a_tick_enters_a_new_stretch_of_five_seconds(ward):
    ward.frame(100, spo2=97, hr=80)
    for at_s in range(105, 125, 5):
        ward.frame(at_s, hr=80)
        ward.tick(at_s - 4)
    assert [ward.tick(at_s) for at_s in (117, 118, 119)] == [[], [], []]
    assert ward.tick(121) == [("signal-loss-spo2", "start", "low", 100)]
    ward.frame(122, spo2=97)
    assert [ward.tick(at_s) for at_s in (122, 123, 124)] == [[], [], []]
    assert ward.tick(126) == [("signal-loss-spo2", "end", "low", 100)]
