"""The promises, checked on what came out: alerts against the oracle's, and the state that a next worker would find."""

import json
from collections.abc import Sequence
from typing import Any, Final

from agents.judging.alert_facts import report
from bench.simulation.broker import Broker
from bench.simulation.clock import run_now
from bench.simulation.worker import Parts, Worker, new_judge
from streams.decoding.decoder import Decoder
from tables.changelog.column_store import ColumnStore
from tables.patients import PatientTable

AFTER_POSITION: Final = 9
"""Bytes of a record that say its version and position; the position depends on when it was written."""


def check(broker: Broker, owners: Sequence[Worker], parts: Parts) -> list[str]:
    """Return every broken promise, one line each."""
    expected: dict[str, dict[str, Any]] = {}
    answers: set[bytes] = set()
    broken: list[str] = []
    for partition in range(len(broker.readings)):
        alerts, answered, state = oracle(broker, partition)
        expected |= alerts
        answers |= answered
        owner = next(worker for worker in owners if partition in worker.held)
        broken += _compare_state(f"state of worker {owner.number}", records_of(owner.store, partition), state)
        broken += _compare_state(
            "changelog", records_of(recovered(broker, partition, parts), partition), state
        )
    for what, others in (("lost", answers - {*broker.answers}), ("invented", {*broker.answers} - answers)):
        broken += [f"answer {answer.decode()} is {what}" for answer in sorted(others)]
    return broken + check_alerts([json.loads(alert) for alert in broker.alerts], expected)


def oracle(broker: Broker, partition: int) -> tuple[dict[str, dict[str, Any]], set[bytes], dict[str, bytes]]:
    """Judge the whole log in one go; return the alerts by id, the answers and the patients' records."""
    judge = new_judge("numpy")
    store = ColumnStore(judge.new_table)
    table: PatientTable = store.state(partition)
    verdict = judge.judge(table, Decoder().decode(broker.readings[partition]))
    alerts = [report(judge.alarms[one.column], one).model_dump(mode="json") for one in verdict.transitions]
    answers = {answer.model_dump_json().encode() for answer in verdict.answers}
    return {alert["id"]: alert for alert in alerts}, answers, records_of(store, partition)


def recovered(broker: Broker, partition: int, parts: Parts) -> ColumnStore:
    """Return the state that the next worker would find."""
    worker = Worker(0, broker, parts)
    run_now(worker.take_over(broker.generation, {partition}))
    return worker.store


def records_of(store: ColumnStore, partition: int) -> dict[str, bytes]:
    """Return the records of a partition's patients, without version and position."""
    return {patient: store[patient][AFTER_POSITION:] for patient in store.state(partition).row_of}


def check_alerts(written: Sequence[dict[str, Any]], expected: dict[str, dict[str, Any]]) -> list[str]:
    """Return what is wrong with the alerts as a consumer sees them that drops repeated ids."""
    first: dict[str, dict[str, Any]] = {}
    broken = []
    for alert in written:
        if first.setdefault(alert["id"], alert) != alert:
            broken.append(f"alert {alert['id']} was written with two contents")
    for what, ids in (("lost", expected.keys() - first.keys()), ("invented", first.keys() - expected.keys())):
        broken += [f"alert {name} is {what}" for name in sorted(ids)]
    both = sorted(expected.keys() & first.keys())
    broken += [f"alert {name} differs" for name in both if first[name] != expected[name]]
    told: set[tuple[str, str]] = set()
    for alert in first.values():
        told.add((alert["episode"], alert["phase"]))
        if alert["phase"] in ("end", "reset") and (alert["episode"], "start") not in told:
            broken.append(f"episode {alert['episode']} ends before it starts")
    return broken


def _compare_state(whose: str, found: dict[str, bytes], expected: dict[str, bytes]) -> list[str]:
    broken = [f"{whose}: patient {patient} is missing" for patient in sorted(expected.keys() - found.keys())]
    broken += [
        f"{whose}: patient {patient} is too many" for patient in sorted(found.keys() - expected.keys())
    ]
    broken += [
        f"{whose}: patient {patient} differs"
        for patient in sorted(found.keys() & expected.keys())
        if found[patient] != expected[patient]
    ]
    return broken
