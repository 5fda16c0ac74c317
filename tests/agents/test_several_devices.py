"""Several devices of one patient: each speaks for itself, the alarm is the patient's. As frames came on real wards."""

import pytest
from live_bed import LiveBeds
from logs import START_MS

from agents.judging.reasons import Reason
from clinical.rules import LimitRule, RuleSet

pytestmark = pytest.mark.usefixtures("engine")

DESAT = "spo2-desat"


@pytest.fixture
def beds():
    return LiveBeds()


@pytest.mark.parametrize("null_every_s", [1, 3])
def test_a_monitor_without_a_finger_says_nothing_about_what_another_measures(beds, null_every_s):
    for at_s in range(50):
        if at_s % null_every_s == 0:
            beds.frame(at_s, "mon-a", spo2=None, hr=75)
        beds.frame(at_s + 0.1, "mon-b", spo2=97 if at_s < 15 else 70)
        beds.tick(at_s + 0.5)
    assert 20 <= beds.starts()["bed-1", DESAT] <= 21


def test_a_normal_reading_of_one_device_never_ends_the_run_of_another(beds):
    for at_s in range(30):
        beds.frame(at_s, "mon-a", spo2=97)
        beds.frame(at_s + 0.1, "mon-b", spo2=70)
        beds.tick(at_s + 0.5)
    assert beds.starts()["bed-1", DESAT] <= 6


def of_desat(beds):
    return [(phase, at_s) for _, rule, phase, at_s in beds.told() if rule == DESAT and phase != "continue"]


def test_an_alarm_is_one_episode_while_any_device_violates_and_ends_when_none_does():
    beds = LiveBeds(RuleSet((LimitRule(DESAT, "spo2", low=80, delay_s=5, priority="high"),)))
    for at_s in range(60):
        beds.frame(at_s, "mon-a", spo2=70 if at_s < 20 else 97)
        beds.frame(at_s + 0.1, "mon-b", spo2=70 if 10 <= at_s < 40 else 97)
        beds.tick(at_s + 0.5)
    assert of_desat(beds) == [("start", 5), ("end", 40.1)]


def test_a_device_that_falls_silent_no_longer_keeps_an_alarm_that_another_ends():
    beds = LiveBeds(RuleSet((LimitRule(DESAT, "spo2", low=80, delay_s=5, priority="high"),)))
    for at_s in range(60):
        if at_s < 20:
            beds.frame(at_s, "mon-a", spo2=70)
        beds.frame(at_s + 0.1, "mon-b", spo2=97)
        beds.tick(at_s + 0.5)
    start, end = of_desat(beds)
    assert start == ("start", 5)
    assert end[0] == "end"
    assert 33 <= end[1] <= 36


def test_a_device_that_stops_carrying_the_signal_no_longer_keeps_an_alarm_either():
    beds = LiveBeds(RuleSet((LimitRule(DESAT, "spo2", low=80, delay_s=5, priority="high"),)))
    for at_s in range(60):
        beds.frame(at_s, "mon-a", hr=75, **({"spo2": 70} if at_s < 20 else {}))
        beds.frame(at_s + 0.1, "mon-b", spo2=97)
        beds.tick(at_s + 0.5)
    start, end = of_desat(beds)
    assert (start, end[0]) == (("start", 5), "end")
    assert 38 <= end[1] <= 41


@pytest.mark.parametrize("back_s", [0, 10, 50, 3600])
def test_a_clock_that_steps_back_delays_nothing(beds, back_s):
    for at_s in range(90):
        beds.frame(
            at_s,
            clock_s=0 if at_s < 15 else -back_s,
            spo2=97 if at_s < 17 else 70,
            hr=75,
            asystole=at_s >= 25,
        )
        beds.tick(at_s + 0.5)
    told = {rule for _, rule, phase, _ in beds.told() if phase == "start"}
    assert "signal-loss-spo2" not in told
    assert since_start_s(beds, DESAT) == 22
    assert since_start_s(beds, "asystole") == 25


def since_start_s(beds, rule):
    """Return when the broker had the frame that started an alarm, s since the start."""
    return (beds.alert(rule).append_ts_ms - START_MS) / 1000


@pytest.mark.parametrize("spot_check", [False, True])
def test_a_spot_check_does_not_move_a_monitor_s_silence(beds, spot_check):
    for at_s in range(50):
        if at_s < 20:
            beds.frame(at_s, hr=75, spo2=97)
        if at_s == 20 and spot_check:
            beds.frame(at_s, "spot-check", nbp_sys=120, interval_ms=3_600_000)
        beds.tick(at_s + 0.5)
    assert 34 <= beds.starts()["bed-1", "silent-device"] <= 44


@pytest.mark.parametrize(("boot", "seq_of"), [(1, lambda s: (65_521 + s) % 65_536), (0, lambda s: s % 15)])
def test_a_counter_that_begins_again_delays_nothing(beds, boot, seq_of):
    for at_s in range(60):
        spo2 = 97 if at_s < 17 else 70
        beds.frame(at_s, seq=seq_of(at_s), boot=boot, spo2=spo2, hr=75)
        beds.tick(at_s + 0.5)
    starts = beds.starts()
    assert starts["bed-1", DESAT] == 22
    assert ("bed-1", "silent-device") not in starts


def test_two_devices_of_one_name_are_both_judged_and_told_of(beds):
    for at_s in range(40):
        beds.frame(at_s, seq=at_s, spo2=97)
        beds.frame(at_s + 0.1, seq=at_s, spo2=96, hr=75 if at_s < 10 else 190)
        beds.tick(at_s + 0.5)
    starts = beds.starts()
    assert starts["bed-1", "hr-extreme-high"] < 20
    assert ("bed-1", "identity-conflict") in starts
    assert beds.alert("identity-conflict").type == "technical"


def test_a_frame_that_comes_again_as_it_was_is_a_repeat_and_no_conflict(beds):
    for at_s in range(40):
        for _ in range(2):
            beds.frame(at_s, seq=at_s, spo2=97, hr=75)
        beds.tick(at_s + 0.5)
    assert beds.starts() == {}
    assert sum(tally.of(Reason.DUPLICATE) for tally in beds.worker.tallies) == 40


def test_one_number_that_comes_again_with_other_content_is_judged_and_not_yet_told_of(beds):
    for at_s in range(40):
        beds.frame(at_s, seq=0 if at_s == 20 else at_s, spo2=97, hr=75)
        beds.tick(at_s + 0.5)
    assert beds.starts() == {}


@pytest.mark.parametrize("others", [("mon", "vent", "nibp"), ("mon", "vent", "nibp", "pump")])
def test_a_device_with_a_wrong_clock_is_judged_by_its_arrival_however_many_others_there_are(beds, others):
    said = {
        "mon": {"hr": 75, "resp": 14},
        "vent": {"etco2": 38},
        "nibp": {"nbp_sys": 120},
        "pump": {"fio2": 40},
    }
    for at_s in range(60):
        for i, device in enumerate(others):
            beds.frame(at_s + 0.01 * i, device, **said[device])
        beds.frame(at_s + 0.1, "oxi", clock_s=-3600, spo2=97 if at_s < 17 else 70)
        beds.tick(at_s + 0.5)
    assert beds.starts()["bed-1", DESAT] == 22.1


def test_sixteen_devices_are_remembered_and_one_more_makes_the_longest_unused_give_way(beds):
    for at_s in range(30):
        for i in range(16):
            beds.frame(at_s + 0.01 * i, f"dev-{i}", temp=37.0)
        beds.tick(at_s + 0.5)
    assert beds.starts() == {}
    beds.frame(30, "one-more", temp=37.0)
    beds.tick(35.5)
    assert ("bed-1", "too-many-devices") in beds.starts()
    assert beds.alert("too-many-devices").type == "technical"


def test_a_frame_is_late_only_against_its_own_device(beds):
    for at_s in range(30):
        beds.frame(at_s, "mon-a", clock_s=4, spo2=97)
        beds.frame(at_s + 0.1, "mon-b", clock_s=-50, spo2=70)
        beds.tick(at_s + 0.5)
    beds.told()
    assert since_start_s(beds, DESAT) == 5.1
