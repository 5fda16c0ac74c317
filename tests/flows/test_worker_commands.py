"""Commands by the wire: into the log by one agent, judged by the other, answered where they came from."""

import json

from signing import signed
from worker_flow import frame, tick, wait_until

from streams.contracts.command import COMMAND_KEY
from streams.contracts.partitions import partitions_of
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.contracts.topics import COMMANDS

BED = b"bed-1"


def order(ward, name, kind, second, partition=0, **said):
    value = {"id": name, "kind": kind, "patient": "bed-1", "actor": "nurse-7", "issued_ts_ms": second * 1000}
    ward.send_to(COMMANDS, partition, BED, signed(value | said))


def answers(ward):
    said = [json.loads(record.value) for record in ward.read(COMMANDS)]
    return {one["id"]: one for one in said if one.get("kind") == "answer"}


def wait_for_answers(ward, *names):
    wait_until(lambda: answers(ward).keys() >= {*names}, f"answers to {names}")
    return answers(ward)


def told(ward):
    """Return what was told of the heart rate and the pause, in the order of the log, repeats left out."""
    once = {alert["id"]: alert for alert in ward.alerts()}
    chosen = [alert for alert in once.values() if alert["rule"] in ("hr-high", "alarms-paused")]
    return [
        (alert["rule"], alert["phase"], alert["inactivation"], alert["acknowledged_by"]) for alert in chosen
    ]


def test_a_pause_covers_an_acknowledged_alarm_until_it_starts_anew_and_every_command_is_answered_once(
    make_ward,
):
    ward = make_ward()
    worker = ward.start_ready_worker()
    ward.send_all((0, *frame("bed-1", second, hr=140)) for second in range(5))
    ward.wait_for_alerts(ward.expected())
    (alert,) = ward.alerts()
    order(ward, "c1", "acknowledge", 5, episode=alert["episode"])
    order(ward, "c1", "acknowledge", 5, episode=alert["episode"])
    order(ward, "c2", "acknowledge", 5, episode="0" * 16)
    order(ward, "c3", "pause", 5, mode="alarm-off", reason="transport")
    ward.send_to(COMMANDS, 0, BED, DEVELOPMENT.sign(BED, b'{"kind": "sing"}'))
    found = wait_for_answers(ward, "c1", "c2", "c3")
    assert {name: one["outcome"] for name, one in found.items()} == {
        "c1": "accepted",
        "c2": "refused",
        "c3": "accepted",
    }
    assert found["c1"]["alerts"] == [f"{alert['episode']}-1"]
    assert "no open alarm" in found["c2"]["reason"]
    wait_until(lambda: len(ward.dead_letters()) == 1, "a dead letter for what is no command")
    assert ward.dead_letters()[0][2]["reason"] == "invalid"
    worker.kill()
    ward.send_all((0, *frame("bed-1", second, hr=80 if second == 6 else 140)) for second in range(6, 12))
    ward.start_ready_worker()
    order(ward, "c4", "resume", 12)
    wait_for_answers(ward, "c4")
    ward.send_all([(0, *tick(12))])
    ward.wait_for_alerts(ward.expected())
    assert told(ward) == [
        ("hr-high", "start", "enabled", None),
        ("hr-high", "update", "alert-acknowledged", "nurse-7"),
        ("alarms-paused", "start", "enabled", None),
        ("hr-high", "update", "alarm-off~alert-acknowledged", None),
        ("hr-high", "end", "alarm-off", None),
        ("hr-high", "start", "enabled", None),
        ("alarms-paused", "end", "enabled", None),
    ]
    for log in ward.log():
        sealed = [json.loads(record.value) for record in log if record.key == COMMAND_KEY]
        assert [one["content"]["order"]["id"] for one in sealed[:4]] == ["c1", "c1", "c2", "c3"]
    assert_that_every_applied_command_is_in_the_audit_trail(ward)


def assert_that_every_applied_command_is_in_the_audit_trail(ward):
    """Look up the record of the command that each answer names."""
    trail = {(record.partition, record.offset): json.loads(record.value) for record in ward.read(COMMANDS)}
    said = [value for value in trail.values() if value.get("kind") == "answer"]
    assert said
    for answer in said:
        order = trail[answer["order_partition"], answer["order_offset"]]["content"]["order"]
        assert (order["id"], order["patient"], order["kind"]) == (
            answer["id"],
            answer["patient"],
            answer["command"],
        )


def test_an_order_that_somebody_writes_into_the_readings_is_a_dead_letter_and_told_of(make_ward):
    ward = make_ward()
    ward.start_ready_worker()
    said = {"id": "x1", "kind": "discharge", "patient": "bed-1", "actor": "nobody", "issued_ts_ms": 5000}
    forged = json.dumps(said).encode()
    guessed = Seals([b"guessed, and longer than 32 bytes"]).seal(COMMAND_KEY, Place(0, 0), forged)
    ward.send_all([(0, *frame("bed-1", 1, hr=140)), (0, *frame("bed-1", 5, hr=140))])
    ward.send_all([(0, COMMAND_KEY, forged), (0, COMMAND_KEY, guessed), (0, *tick(6))])
    ward.wait_for_alerts(ward.expected())
    told = [(alert["patient"], alert["rule"], alert["phase"]) for alert in ward.alerts()]
    assert ("~partition/0", "unproven-command", "start") in told
    assert ("bed-1", "hr-high", "end") not in told
    wait_until(lambda: len(ward.dead_letters()) == 2, "two dead letters")
    assert [(value, headers["reason"]) for _, value, headers in ward.dead_letters()] == [
        (forged, "unproven-command"),
        (guessed, "unproven-command"),
    ]
    assert answers(ward) == {}


def test_orders_reach_a_patient_whose_frames_another_partitioner_placed(make_ward):
    ward = make_ward()
    ward.start_ready_worker()
    (home,) = partitions_of(["bed-1"], 2).tolist()
    there = 1 - home
    ward.send_all((there, *frame("bed-1", second, spo2=85)) for second in range(7))
    ward.send_all([(there, *tick(7))])
    ward.wait_for_alerts(ward.expected())
    told = {alert["rule"]: alert for alert in ward.alerts()}
    assert told["misplaced-patient"]["priority"] == "medium"
    episode = told["spo2-low"]["episode"]
    order(ward, "m1", "acknowledge", 8, home, episode=episode)
    order(ward, "m2", "set-limits", 8, home, rule="spo2-low", low=84, reason="as ordered")
    found = [
        record
        for name in ("m1", "m2")
        for record in wait_for_all_answers(ward, name, 2)
        if record["monitored"]
    ]
    assert [(one["command"], one["outcome"]) for one in found] == [
        ("acknowledge", "accepted"),
        ("set-limits", "accepted"),
    ]
    ward.send_all([(there, *frame("bed-1", second, spo2=85)) for second in range(9, 14)])
    ward.wait_for_alerts(ward.expected())
    ended = [a for a in ward.alerts() if (a["episode"], a["phase"]) == (episode, "end")]
    assert ended


def wait_for_all_answers(ward, name, count):
    """Return the answers of several partitions to one command."""

    def found():
        said = [json.loads(record.value) for record in ward.read(COMMANDS)]
        return [one for one in said if one.get("kind") == "answer" and one["id"] == name]

    wait_until(lambda: len(found()) >= count, f"{count} answers to {name}")
    return found()
