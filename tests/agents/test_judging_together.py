"""Partitions that are judged together: each comes to what it would by itself, whatever the others do."""

import random

import numpy as np
import pytest
from engines import judge_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from logs import TTL_S, worlds
from orders_log import with_orders
from random_rules import rule_sets

from agents.judging.verdict import Tally
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from streams.decoding.decoder import Decoder
from tables.changelog.column_store import ColumnStore
from tables.changelog.record import encode
from tables.changelog.record_layout import alarm_key

pytestmark = pytest.mark.usefixtures("engine")

PARTITIONS = 3


class Partition:
    """What the judging of one partition came to."""

    def __init__(self, table):
        self.table = table
        self.transitions, self.answers, self.dropped = [], [], []

    def take(self, verdict, records):
        self.table.processed = max(self.table.processed, records[-1].offset)
        self.transitions += verdict.transitions
        self.answers += verdict.answers
        self.dropped += verdict.dropped

    def outcome(self):
        keys = np.array([alarm_key(alarm) for alarm in self.table.alarms], dtype=np.uint64)
        rows = self.table.occupied()
        records = encode(self.table, rows, keys) if len(rows) else []
        state = {self.table.patients[row]: record for row, record in zip(rows, records, strict=True)}
        # Of several patients one tick tells in the order of their rows, which their neighbours have a part in.
        transitions = sorted(self.transitions, key=lambda transition: transition.patient)
        return list(map(repr, transitions)), self.answers, sorted(self.dropped), state


def shared_tables(judge):
    store = ColumnStore(judge.new_table)
    return [store.state(partition) for partition in range(PARTITIONS)]


def cut(rng, logs):
    """Yield what several fetches bring: for some partitions, the records that come next there."""
    places = [0] * len(logs)
    while left := [p for p, log in enumerate(logs) if places[p] < len(log)]:
        brought = []
        for partition in rng.sample(left, rng.randint(1, len(left))):
            begin = places[partition]
            places[partition] = begin + rng.choice((1, 1, 2, 5, 40))
            brought.append((partition, logs[partition][begin : places[partition]]))
        yield brought


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    rules=rule_sets(),
    found=st.lists(worlds(), min_size=PARTITIONS, max_size=PARTITIONS),
    seed=st.integers(0, 2**32 - 1),
)
def test_partitions_that_are_judged_together_come_to_what_each_does_by_itself(rules, found, seed):
    rng, time = random.Random(seed), found[0][0]
    logs = [with_orders(rng, log, rules, time) for _, log in found]
    judge, decoder = judge_of(rules, time, TTL_S * 1000), Decoder()
    tally_alone, tally_together = Tally(), Tally()
    alone = [Partition(judge.new_table()) for _ in logs]
    for partition, log in zip(alone, logs, strict=True):
        for record in log:
            verdict = judge.judge(partition.table, decoder.decode([record]))
            partition.take(verdict, [record])
            tally_alone.add(verdict.tally)
    together = [Partition(table) for table in shared_tables(judge)]
    for brought in cut(rng, logs):
        runs = [(together[partition].table, decoder.decode(records)) for partition, records in brought]
        for (partition, records), verdict in zip(brought, judge.judge_together(runs), strict=True):
            together[partition].take(verdict, records)
            tally_together.add(verdict.tally)
    assert [partition.outcome() for partition in together] == [partition.outcome() for partition in alone]
    assert tally_together == tally_alone


def test_tables_whose_rows_mean_nothing_to_each_other_are_not_judged_together():
    judge, nothing = judge_of(DEFAULT_RULES, TimeRules(), TTL_S * 1000), Decoder().decode([])
    mine, theirs = judge.new_table(), judge.new_table()
    with pytest.raises(ValueError, match="share columns"):
        judge.judge_together([(mine, nothing), (theirs, nothing)])
    assert judge.judge_together([(mine, nothing), (mine.beside(), nothing)])
    assert judge.judge_together([]) == []
