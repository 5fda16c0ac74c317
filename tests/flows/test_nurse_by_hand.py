"""The command line as a nurse uses it against a worker: what is open and for whom, short ids, patients, charting."""

import json
import time

import pytest
from worker_flow import frame, wait_until

from edge import cli


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live")
    ward.start_ready_worker()
    now_s = int(time.time())
    for second in range(8):
        ward.send_all([(0, *frame("bed-1", now_s - 8 + second, hr=140, spo2=80))])
    wait_until(lambda: {"hr-high", "spo2-low"} <= {alert["rule"] for alert in ward.alerts()}, "two alarms")
    return ward


@pytest.fixture
def vigil(ward, capsys):
    def run(*arguments):
        where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
        code = cli.main([*arguments, *where])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_open_alarms_are_listed_with_value_limit_and_nothing_is_said_to_be_old(vigil):
    wait_until(lambda: "nothing has been judged" not in vigil("alarms", "list")[1], "heartbeats")
    code, out, err = vigil("alarms", "list", "--patient", "bed-1")
    assert (code, err) == (0, "")
    first, second = out.splitlines()[:2]
    assert "high       bed-1  -" in first
    assert "heart rate (ECG) 140 bpm, limit 120  [nurse asked]" in first
    assert "medium     bed-1  -" in second
    assert "oxygen saturation 80 %, limit 90" in second
    assert "nothing has been judged" not in out
    for kind in ("alarms", "patients"):  # a mistyped ward is no all-clear
        code, out, err = vigil(kind, "list", "--ward", "nowhere")
        assert (code, out, "no patient is in ward nowhere; there are patients in: " in err) == (1, "", True)


def test_several_open_alarms_are_named_and_one_is_acknowledged_by_the_beginning_of_its_id(vigil):
    code, _, err = vigil("alarms", "ack", "bed-1")
    assert code == 2
    assert " open alarms, name one or say --all: " in err
    short = vigil("alarms", "list", "--patient", "bed-1")[1].split()[0]
    assert f"{short} (high: heart rate (ECG) 140 bpm, limit 120)" in err
    code, _, err = vigil("alarms", "ack", "bed-1", "zz")
    assert (code, "has no open alarm whose id begins with 'zz'; open are" in err) == (2, True)
    assert vigil("alarms", "ack", "bed-1", short)[0] == 0
    wait_until(
        lambda: "[known to development]" in vigil("alarms", "list")[1], "who knows of it, on the board"
    )


def test_the_only_open_alarm_needs_no_id(vigil):
    """Charted, with no other value to come for hours: told at once, and not silent meanwhile."""
    said = ["--hr", "150", "--next-in", "23", "--new"]
    assert vigil("patients", "observe", "bed-3", *said)[0] == 0
    listed = ["alarms", "list", "--patient", "bed-3"]
    wait_until(
        lambda: "heart rate (ECG) 150 bpm, limit 120" in vigil(*listed)[1], "the alarm of what was charted"
    )
    assert vigil("alarms", "ack", "bed-3") == (
        0,
        "accepted: acknowledge by development\n",
        "",
    )
    wait_until(lambda: "[known to development]" in vigil(*listed)[1], "the acknowledgement")
    code, _, err = vigil("alarms", "ack", "bed-3")
    assert (code, err) == (1, "vigil: bed-3 has no open alarm that nobody has acknowledged\n")


def test_all_open_alarms_of_a_patient_are_acknowledged_together(vigil):
    code, out, err = vigil("alarms", "ack", "bed-1", "--all")
    assert (code, err) == (0, "")
    assert set(out.splitlines()) == {"accepted: acknowledge by development"}


def test_patients_are_listed_with_last_frame_ward_and_alarms_off(vigil):
    assert vigil("patients", "transfer", "bed-1", "icu")[0] == 0
    pause = ["alarms", "pause", "bed-1", "--mode", "alarm-paused", "--seconds", "300"]
    assert vigil(*pause)[0] == 0
    wait_until(lambda: "alarm-paused" in vigil("patients", "list")[1], "the pause on the board")
    (line,) = [
        one for one in vigil("patients", "list", "--ward", "icu")[1].splitlines() if one.startswith("bed-1")
    ]
    assert " ago " in line
    assert "1 high, 1 medium" in line
    assert "(alarm-paused, 4 min left; nobody has said the age)" in line
    assert vigil("alarms", "resume", "bed-1")[0] == 0
    (shown,) = (
        one
        for one in map(json.loads, vigil("patients", "list", "--json")[1].splitlines())
        if one["patient"] == "bed-1"
    )
    assert (shown["ward"], shown["age_band"], shown["age_known"]) == ("icu", "adult", False)


def test_what_is_charted_is_judged_and_news2_takes_it(vigil):
    charted = ["--consciousness", "V", "--on-oxygen", "--temp", "38.4"]
    code, _, err = vigil("patients", "observe", "bed-2", *charted)
    assert (code, err.startswith("vigil: nobody called bed-2 is monitored; --new")) == (1, True)
    code, out, err = vigil("patients", "observe", "bed-2", "--new", *charted)
    assert (code, err) == (0, "")
    assert out == "charted for bed-2: consciousness V, on_oxygen yes, temp 38.4; Kafka has it\n"

    def shown():
        found = [json.loads(line) for line in vigil("patients", "list", "--json")[1].splitlines()]
        return next((one for one in found if one["patient"] == "bed-2"), None)

    wait_until(lambda: shown() and "news2" in shown()["scores"], "the charted patient")
    score = shown()["scores"]["news2"]
    assert (score["total"], score["band"]) == (6, None)
    assert set(score["missing"]) == {"resp", "spo2", "sbp", "pulse"}
    assert shown()["values"]["temp"]["value"] == 38.4


def test_nothing_charted_and_impossible_values_are_wrong_usage(vigil):
    assert vigil("patients", "observe", "bed-2")[0] == 2
    code, _, err = vigil("patients", "observe", "bed-2", "--temp", "384")
    assert (code, "384" in err) == (2, True)


def test_alerts_are_told_by_rule_priority_ward_and_time_and_no_canary_s(vigil, ward):
    def rules(*options):
        return [json.loads(line)["rule"] for line in vigil("alerts", "--json", *options)[1].splitlines()]

    wait_until(lambda: any(alert["rule"] == "canary" for alert in ward.alerts()), "a canary")
    assert "canary" not in rules()
    assert "canary" in rules("--canary")
    assert set(rules("--rule", "hr-high", "--priority", "high")) == {"hr-high"}
    assert rules("--priority", "low", "--rule", "hr-high") == []
    assert set(rules("--ward", "icu", "--rule", "spo2-low")) == {"spo2-low"}
    assert rules("--ward", "nowhere") == []
    assert rules("--since", "15m", "--rule", "hr-high")
    assert rules("--since", "2020-01-01T00:00:00Z", "--rule", "hr-high")
    assert vigil("alerts", "--since", "yesterday")[0] == 2


def test_a_list_without_a_worker_says_that_nothing_is_judged(vigil, ward):
    ward.workers[-1].kill()
    wait_until(lambda: "what stands here may be old" in vigil("alarms", "list")[1], "the warning")
    assert vigil("alarms", "list")[1].startswith("nothing has been judged for 1")
    code, out, err = vigil("alarms", "list", "--json")
    assert (code, "what stands here may be old" in err) == (0, True)
    assert all(json.loads(line) for line in out.splitlines())
