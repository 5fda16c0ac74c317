"""The canary: who measures the way of an alert all the time."""

import asyncio
import itertools
import json

from hypothesis import given
from hypothesis import strategies as st
from logs import Record, tick_record

from agents.health.canary import CANARY, CANARY_RULE, EVERY_S, Canary, with_canary
from agents.judging.judge import Judge
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.lifecycle import Phase
from clinical.rules import RULES_MAX, LimitRule, RuleSet
from streams.contracts.frame import Frame
from streams.decoding.decoder import Decoder
from streams.kafka.publisher import Publisher
from tables.partition import Partition

START_S = 1_600_000_000
HR = LimitRule("hr-high", "hr", high=120.0)


def sung(seconds, partitions=(0, 3), owned=None):
    """Return what canaries write while the clock runs: (second, partition, key, value)."""
    now, written = [float(START_S)], []

    async def send(topic, key, value, partition, headers):
        written.append((int(now[0]) - START_S, partition, key, value))
        arrived = asyncio.get_running_loop().create_future()
        arrived.set_result(None)
        return arrived

    async def run():
        publisher = Publisher(send, None, 5.0, lambda why: None)
        held = {number: Partition(number, None) for number in range(EVERY_S)}
        canary = Canary(
            *(publisher, "vitals.readings"),
            *(lambda: [held[number] for number in (owned or {}).get(now[0], partitions)], lambda: now[0]),
        )
        for _ in range(seconds):
            await canary.probe()
            now[0] += 1.0

    asyncio.run(run())
    return written


def test_each_canary_crosses_its_limit_once_in_ten_seconds_and_comes_back_in_the_next():
    for partition in (0, 3):
        own = [
            (at_s, json.loads(value)["fio2"]) for at_s, of, _, value in sung(40, (0, 3)) if of == partition
        ]
        crossed = [at_s for at_s, fio2 in own if fio2 < CANARY_RULE.low]
        back = [at_s for at_s, fio2 in own if fio2 >= CANARY_RULE.low]
        assert len(crossed) in (3, 4)
        assert all(later - earlier == EVERY_S for earlier, later in itertools.pairwise(crossed))
        assert [at_s + 1 for at_s in crossed] == back


def test_canaries_take_turns():
    crossed = {
        of: at_s for at_s, of, _, value in sung(EVERY_S + 1, tuple(range(EVERY_S))) if b'"fio2":18' in value
    }
    assert len(set(crossed.values())) == EVERY_S


def test_its_frames_are_frames_of_the_contract_and_none_comes_twice():
    seen = set()
    for _, partition, key, value in sung(60):
        frame = Frame.model_validate_json(value)
        assert frame.patient.encode() == key == b"vigil-canary-%d" % partition
        seen.add((frame.device, frame.boot, frame.seq))
    assert len(seen) == len(sung(60))


def test_a_worker_that_owns_nothing_is_silent():
    assert sung(20, ()) == []


def test_a_canarys_crossing_is_an_alert_at_once_and_nothing_else_ever_alarms_on_it():
    judge = Judge(with_canary(DEFAULT_RULES), TimeRules(), 86_400_000)
    table, told = judge.new_table(), []
    log = [(at_s, key, value) for at_s, _, key, value in sung(60, (0,))]
    log += [(at_s, b"~tick", tick_record(0, (START_S + at_s) * 1000).value) for at_s in range(600)]
    records = [
        Record(offset, (START_S + at_s) * 1000, key, value)
        for offset, (at_s, key, value) in enumerate(sorted(log, key=lambda one: one[0]))
    ]
    told = judge.judge(table, Decoder().decode(records)).transitions
    assert {judge.alarms[one.column].id for one in told} == {CANARY}
    assert [one.phase for one in told] == [Phase.START, Phase.END] * (len(told) // 2)
    assert len(told) in (10, 12)


@given(rules=st.integers(0, RULES_MAX))
def test_its_rule_is_added_where_there_is_room(rules):
    limits = tuple(LimitRule(f"rule-{i}", "hr", high=120.0) for i in range(rules))
    found = with_canary(RuleSet(limits)).limits
    assert found == ((*limits, CANARY_RULE) if rules < RULES_MAX else limits)


def test_a_rule_of_the_hospitals_own_of_that_name_stays_as_it_is():
    rules = RuleSet((HR, LimitRule(CANARY, "hr", high=190.0)))
    assert with_canary(rules) == rules
