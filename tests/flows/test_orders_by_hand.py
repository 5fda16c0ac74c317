"""The command line against a worker: what is open, acknowledging it, limits, profile, and the watcher outside."""

import json
import time

import pytest
from kafka.partitioner.default import murmur2
from worker_flow import frame, wait_until

from edge import cli


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live")
    ward.start_ready_worker()
    now_s = int(time.time())
    ward.send_all((0, *frame("bed-1", now_s - 5 + second, hr=140, spo2=97)) for second in range(5))
    wait_until(lambda: any(alert["rule"] == "hr-high" for alert in ward.alerts()), "an alarm")
    return ward


@pytest.fixture
def vigil(ward, capsys):
    def run(*arguments):
        where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
        code = cli.main([*arguments, *where])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


def test_an_open_alarm_is_listed_and_acknowledged_once(vigil):
    def listed():
        code, out, err = vigil("alarms", "list", "--json")
        assert (code, err) == (0, "")
        return [alarm for line in out.splitlines() for alarm in json.loads(line)["alarms"]]

    wait_until(lambda: any(alarm["rule"] == "hr-high" for alarm in listed()), "the alarm on the board")
    (alarm,) = (alarm for alarm in listed() if alarm["rule"] == "hr-high")
    order = ["alarms", "ack", "bed-1", alarm["episode"], "--reason", "at the bedside"]
    assert vigil(*order) == (0, "accepted: acknowledge by development\n", "")
    code, _, err = vigil(*order)
    assert (code, err) == (1, "vigil: refused: already acknowledged\n")
    assert "acknowledged" in vigil("alarms", "list")[1]


def test_limits_are_set_for_one_patient_and_shown(vigil):
    code, _, err = vigil("limits", "show", "bed-1")
    assert code == 1
    assert "the rules' own limits" in err
    order = ["limits", "set", "bed-1", "hr-high"]
    code, _, err = vigil(*order, "--high", "150")
    assert code == 1
    assert "refused: hr-high: high 150 is more than half the way from the unit's 120 to the bound 160" in err
    assert vigil(*order, "--high", "135")[0] == 0
    shown = "hr-high: - to 135, set for this patient, wider than the unit's 120\n"
    wait_until(lambda: shown in vigil("limits", "show", "bed-1")[1], "the limit")
    wait_until(lambda: "limits-widened" in vigil("alarms", "list")[1], "the advisory alarm")
    assert "bed-1  limits wider than the unit's: hr-high\n" in vigil("alarms", "list")[1]
    code, _, err = vigil(*order, "--high", "500")
    assert code == 1
    assert "refused: hr-high: high may be at most 160 bpm, got 500; the unit's is 120" in err


def test_alarms_are_not_switched_off_by_accident(vigil):
    off = ["alarms", "pause", "bed-1", "--mode", "audio-off"]
    code, _, err = vigil(*off, "--reason", "transport", "--seconds", "60")
    assert (code, err) == (
        2,
        "vigil: pause: audio-off takes no seconds: it ends when the rules file says so\n",
    )
    assert vigil(*off)[0] == 2
    assert vigil(*off, "--reason", "transport")[0] == 0
    assert vigil("alarms", "resume", "bed-1")[0] == 0


def test_a_profile_needs_a_reason_where_it_is_an_order(vigil):
    code, _, err = vigil("patients", "profile", "bed-1", "--spo2-scale2")
    assert (code, err) == (
        2,
        "vigil: set-profile: spo2_scale2 needs a reason: it is by a clinician's order\n",
    )
    assert vigil("patients", "profile", "bed-1", "--spo2-scale2", "--reason", "COPD")[0] == 0


def test_the_alarm_of_a_lost_ward_is_listed_and_acknowledged_once(vigil, ward):
    names = [f"icu-{n}" for n in range(20)]
    beds = [name for name in names if (murmur2(name.encode()) & 0x7FFFFFFF) % 2 == 1][:3]
    for bed in beds:
        assert vigil("patients", "admit", bed, "--ward", "icu")[0] == 0
    ward.send_all((1, *frame(bed, int(time.time()), hr=80)) for bed in beds)

    def listed():
        found = [
            json.loads(line)
            for line in vigil("alarms", "list", "--patient", "~ward/icu", "--json")[1].splitlines()
        ]
        return [alarm for one in found for alarm in one["alarms"]]

    wait_until(listed, "the ward's alarm on the board")
    (alarm,) = listed()
    order = ["alarms", "ack", "~ward/icu", alarm["episode"]]
    assert vigil(*order) == (0, "accepted: acknowledge by development\n", "")
    code, _, err = vigil(*order)
    assert code == 1
    assert "refused" in err
    wait_until(lambda: listed()[0]["state"] == "acknowledged", "the acknowledgement on the board")


def test_the_watcher_is_content_while_a_worker_judges_and_alarms_when_none_does(vigil, ward):
    code, out, err = vigil("watch", "--for", "6", "--silent", "5", "--group", ward.settings.group)
    assert (code, out, err) == (0, "", "")
    ward.workers[-1].kill()
    code, out, err = vigil("watch", "--for", "30", "--silent", "3", "--alert")
    assert code == 1
    assert "monitoring lost: partition 0, no heartbeat for 3 s" in out
    assert err.startswith("vigil: monitoring lost: ")
    lost = [alert for alert in ward.alerts() if alert["rule"] == "monitoring-lost"]
    assert [(alert["phase"], alert["priority"]) for alert in lost][:1] == [("start", "high")]
    assert lost[0]["reason"].startswith("no patient of partition 0 is monitored: no heartbeat for 3 s")
