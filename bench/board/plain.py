"""A plain reading of whole logs: what a board must show in the end, written from docs/board.md as loops and ifs.

Each patient of these worlds lies in one partition, and every alarm's events in one log.
"""

from typing import Any

from bench.board.worlds import World


def plain_beds(world: World) -> dict[str, dict[str, Any]]:
    """Return every bed as it must be shown."""
    found = dict[str, dict[str, Any]]()
    for patient in sorted(world.patients):
        if (bed := _bed(world, patient)) is not None:
            found[patient] = bed
    return found


def _of(world: World, topic: str, patient: str) -> list[tuple[int, Any]]:
    """Return the partition and the record of all that a topic says of a patient, in its order."""
    return [
        (log.partition, heard)
        for log, records in sorted(world.logs.items())
        if log.topic == topic
        for heard in records
        if heard.key == patient
    ]


def _bed(world: World, patient: str) -> dict[str, Any] | None:
    own, partition, said_ms = None, 0, -1
    for number, heard in _of(world, "patients", patient):
        own, partition = heard.found, number
        said_ms = heard.ts_ms if own is None else own.judged_ts_ms
    if own is None:  # where alerts name the patient
        partition = max((number for number, _ in _of(world, "alerts", patient)), default=0)
    events = dict[str, dict[str, Any]]()
    for _, heard in _of(world, "alerts", patient):
        events.setdefault(heard.found.episode, {})[heard.found.id] = heard.found
    alarms = list[dict[str, Any]]()
    listed = {alarm.episode: alarm for alarm in own.alarms} if own is not None else {}
    for episode, told in events.items():
        alerts = sorted(told.values(), key=lambda alert: int(alert.id.split("-")[1]))
        if alerts[-1].phase == "end":
            continue
        if episode not in listed and alerts[-1].append_ts_ms < said_ms:
            continue
        alarms.append(_alarm(world, patient, alerts))
    if own is None and not alarms:
        return None
    rank = {"high": 0, "medium": 1, "low": 2, "technical": 3}
    alarms.sort(
        key=lambda one: (
            3 if one["type"] == "technical" else rank[one["priority"]],
            one["onset_ts_ms"],
            one["episode"],
        )
    )
    worst = "none"
    if alarms:
        worst = "technical" if alarms[0]["type"] == "technical" else alarms[0]["priority"]
    return {
        "patient": patient,
        "ward": own.ward if own else "",
        "bed": None,
        "seen_ts_ms": own.seen_ts_ms if own else None,
        "partition": partition,
        "severity": worst,
        "pause": None,
        "limits_widened": [],
        "values": {name: {"value": v.value, "ts_ms": v.ts_ms} for name, v in own.values.items()}
        if own
        else {},
        "scores": {},
        "alarms": alarms,
    }


def _alarm(world: World, patient: str, alerts: list[Any]) -> dict[str, Any]:
    last, measured, asked, known = alerts[-1], None, None, None
    for alert in alerts:
        measured = alert if alert.evidence.value is not None else measured
        asked = alert.responsibility or asked
        known = alert.acknowledged_by or known
    measured = measured or last
    deliveries = dict[str, dict[str, Any]]()
    for _, heard in _of(world, "deliveries", patient):
        if heard.found.episode == last.episode:
            deliveries[heard.found.milestone] = {
                "recipient": heard.found.recipient,
                "channel": heard.found.channel,
                "milestone": heard.found.milestone,
                "at_ts_ms": heard.found.at_ts_ms,
            }
    return {
        "episode": last.episode,
        "alert": last.id,
        "rule": last.rule,
        "event": last.event,
        "priority": last.priority,
        "type": last.type,
        "state": "acknowledged" if "acknowledged" in last.inactivation else "active",
        "inactivation": last.inactivation,
        "onset_ts_ms": last.onset_ts_ms,
        "value": measured.evidence.value,
        "bound": None,
        "low": None,
        "high": None,
        "unit": "%",
        "signal": "spo2",
        "reason": last.reason,
        "asked": {"to": asked.to, "status": asked.status, "step": asked.step} if asked else None,
        "acknowledged_by": known,
        "deliveries": sorted(deliveries.values(), key=lambda one: (one["at_ts_ms"], one["milestone"])),
    }
