"""Commands by the wire: into the log by one agent, judged by the other, answered where they came from."""

import json

from worker_flow import frame, tick, wait_until

from streams.commands import COMMAND_KEY
from streams.topics import COMMANDS

BED = b"bed-1"


def order(ward, name, kind, second, partition=0, **said):
    value = {"id": name, "kind": kind, "patient": "bed-1", "actor": "nurse-7", "issued_ts_ms": second * 1000}
    ward.send_to(COMMANDS, partition, BED, json.dumps(value | said).encode())


def answers(ward):
    said = [json.loads(record.value) for record in ward.read(COMMANDS)]
    return {one["id"]: one for one in said if one["kind"] == "answer"}


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
    ward.send_to(COMMANDS, 0, BED, b'{"kind": "sing"}')
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
    forwarded = [record for record in ward.log()[0] if record.key == COMMAND_KEY]
    assert [json.loads(record.value)["id"] for record in forwarded[:4]] == ["c1", "c1", "c2", "c3"]
