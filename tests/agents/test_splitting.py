"""Patients whose state was split are judged on as by one judge of the whole log, whom nothing was split."""

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from logs import worlds
from worker_model import WorkerModel

from clinical.defaults import DEFAULT_RULES
from streams.contracts.partitions import partition_of
from tables.changelog.partition_split import Whole, split


def whole_of(entries):
    whole = Whole()
    for patient, record in entries:
        whole.take(patient, record)
    return whole


def of(patient, home, count):
    return patient.startswith("~") or partition_of(patient, count) == home


def renumbered(log, home, count):
    """Return the records of a log that concern a new partition, at offsets from 0 on."""
    kept = [record for record in log if of(record.key.decode(), home, count)]
    return [replace(record, offset=2 * place) for place, record in enumerate(kept)]


@given(worlds(), st.integers(0, 150), st.integers(2, 5))
def test_patients_are_judged_on_after_a_split_as_by_one_judge_of_the_whole_log(world, cut, count):
    time, log = world
    old = WorkerModel(DEFAULT_RULES, time)
    old.take(log[:cut])
    old.checkpoint()
    whole = whole_of(old.changelog.records)
    assert whole.missing(old.committed) == ""
    parts = list(split(whole, 0, 1, count))
    for home in range(count):
        new, plain = WorkerModel(DEFAULT_RULES, time), WorkerModel(DEFAULT_RULES, time)
        new.changelog.records = [(key.decode(), value) for to, key, value in parts if to == home]
        new.restart()
        new.take(renumbered(log[cut:], home, count))
        plain.take(renumbered(log, home, count))
        before = {name: alert for name, alert in old.alerts.items() if of(alert.patient, home, count)}
        told = [name for name in before if not before[name].patient.startswith("~")] + list(new.alerts)
        assert len(told) == len(set(told))  # nothing is told twice
        assert before | new.alerts == plain.alerts
        assert {**new.state()}.keys() == {**plain.state()}.keys()
