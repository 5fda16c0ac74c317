"""The judge of a partition of the wards' topic: what it takes, and that a restart anywhere tells the same again."""

import json
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from logs import Record, sealed

from agents.judging.alert_facts import report
from agents.judging.catalogue import alarms_of
from agents.judging.ward_log import WardLog, state_of
from clinical.defaults import DEFAULT_RULES
from clinical.limits import NEVER
from streams.contracts.alert import episode_id
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.partition_alerts import NOTE_KEY

START_MS = 1_700_000_000_000
ALARMS = alarms_of(DEFAULT_RULES)
COLUMNS = tuple([alarm.id for alarm in ALARMS].index(name) for name in ("ward-silent", "break-glass"))
LAG_MS = 3_600_000
"""What is younger is never compacted away, as the topic is configured."""
COUNTS_MS = 1_800_000
"""The longest that a count counts."""


def counted(partition, tick_ms, patients, silent, first_ms=-1, last_ms=-1, ward="icu"):
    """Return key and value of what a partition says."""
    times = {"tick_ts_ms": tick_ms, "first_ts_ms": first_ms, "last_ts_ms": last_ms}
    said = {"kind": "report", "ward": ward, "partition": partition, "patients": patients, "silent": silent}
    return f"{ward}/{partition}".encode(), json.dumps(said | times).encode()


def acknowledgement(number, onset_ms, now_ms, ward="icu"):
    patient = f"~ward/{ward}"
    said = {"kind": "acknowledge", "id": f"c{number}", "patient": patient, "actor": "nurse-7"}
    episode = episode_id(patient, "ward-silent", onset_ms)
    return COMMAND_KEY, sealed(COMMAND_KEY, {**said, "issued_ts_ms": now_ms, "episode": episode})


def course(rng, length):
    """Return (time, key, value) of what three partitions say of two wards, of ticks and of people."""
    now_ms, found = START_MS, []
    onsets = [-1]
    for _ in range(length):
        now_ms += 900_000 if rng.random() < 0.1 else rng.choice((0, 200, 1000, 1000, 5000, 20_000))
        what, ward = rng.random(), rng.choice(("icu", "icu", "er"))
        if what < 0.7:
            silent = rng.choice((0, 0, 1, 2, 3))
            first_ms = now_ms - rng.choice((15_000, 16_000, 60_000)) if silent else -1
            last_ms = rng.choice((first_ms, now_ms - 15_000)) if silent else -1
            onsets.append(first_ms)
            late_ms = rng.choice((0, 0, 0, 3000))
            said = counted(
                rng.randrange(3), now_ms - late_ms, max(silent, 2), silent, first_ms, last_ms, ward
            )
        elif what < 0.85:
            said = TICK_KEY, encode_tick(now_ms)
        elif what < 0.97:
            said = acknowledgement(rng.randrange(8), rng.choice(onsets[-4:]), now_ms, ward)
        else:
            said = b"icu/0", b"{"
        found.append((now_ms, *said))
    return found


class Topic:
    """One partition of the topic and whoever judges it; what was told outlives him."""

    def __init__(self):
        self.log, self.committed, self.alerts, self.outcomes = [], 0, {}, {}
        self.durable = 0
        self.begin()

    def begin(self):
        end = self.log[-1].offset + 1 if self.log else 0
        self.judge, self.position = WardLog(0, COLUMNS, False, self.committed, end), 0

    def append(self, now_ms, key, value):
        self.log.append(Record(self.log[-1].offset + 1 if self.log else 0, now_ms, key, value))

    def work(self, count, arrive=None):
        """Judge some records; of what follows from them only the first `arrive` writes do arrive."""
        records = self.log[self.position : self.position + count]
        self.position += len(records)
        found = self.judge.take(records)
        writes = [(self.tell, transition) for transition in found.transitions]
        writes += [(self.answer, answer) for answer in found.answers]
        writes += [(self.keep, state_of(name, self.judge.wards[name])) for name in found.changed]
        for write, what in writes[:arrive]:
            write(what)
        if arrive is None:
            self.durable = max(self.durable, self.judge.durable)

    def tell(self, transition):
        alert = report(ALARMS[transition.column], transition)
        assert self.alerts.setdefault(alert.id, alert) == alert

    def answer(self, answer):
        self.outcomes.setdefault((answer.patient, answer.id), answer.outcome)

    def keep(self, state):
        self.append(self.log[-1].timestamp, state.key, state.model_dump_json().encode())

    def compact(self, now_ms):
        """Leave the newest of each key, as brokers do, of what is old and does not count for what is not judged yet."""
        behind = [record.timestamp for record in self.log if record.offset >= self.committed]
        keep_ms = min([now_ms - LAG_MS, *(at_ms - COUNTS_MS for at_ms in behind)])
        newest = {record.key: record for record in self.log if record.timestamp < keep_ms}
        self.log = [r for r in self.log if r.timestamp >= keep_ms or newest[r.key] is r]
        self.position = 0  # whoever reads now begins anew
        self.begin()


def straight(found):
    topic = Topic()
    for each in found:
        topic.append(*each)
        topic.work(len(topic.log))
    return topic


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.integers(1, 80))
def test_a_restart_anywhere_tells_the_same_whatever_of_its_writes_had_arrived(seed, length):
    rng = random.Random(seed)
    found = course(rng, length)
    topic = Topic()
    topic.append(
        START_MS, TICK_KEY, encode_tick(START_MS)
    )  # who has committed nothing decides from the end on
    topic.work(1)
    topic.committed = topic.durable
    for each in found:
        topic.append(*each)
        what = rng.random()
        if what < 0.5:
            topic.work(rng.choice((1, 2, 3, 100)))
        elif what < 0.6:
            topic.committed = topic.durable
        elif what < 0.65:
            topic.work(rng.choice((1, 2, 100)), rng.randrange(4))
            topic.begin()
        elif what < 0.7:
            topic.begin()
        elif what < 0.75 and topic.durable:
            topic.committed = topic.durable
            topic.compact(each[0])
    for _ in range(100):
        topic.work(100)
    whole = straight(found)
    assert topic.alerts == whole.alerts
    assert topic.outcomes == whole.outcomes


def test_courses_are_rich_enough():
    phases = [
        alert.phase
        for seed in range(30)
        for alert in straight(course(random.Random(seed), 80)).alerts.values()
    ]
    assert {"start", "continue", "update", "escalate", "end"} <= set(phases)


@pytest.fixture
def topic():
    topic = Topic()
    topic.append(START_MS, *counted(0, START_MS, 4, 0))
    topic.append(START_MS, *counted(1, START_MS, 4, 0))
    topic.work(2)
    return topic


def say(topic, *said, later_s=0):
    topic.append(START_MS + round(later_s * 1000), *said)
    return topic.judge.take(topic.log[-1:])


def test_who_waits_is_answered_when_the_loss_begins_and_when_it_ends_and_who_says_it_again_meanwhile(topic):
    def answered(found):
        return [(partition, ruling.ward, ruling.lost) for partition, ruling in found.rulings]

    assert answered(say(topic, *counted(0, START_MS + 1000, 4, 3, START_MS, START_MS))) == []
    begun = say(topic, *counted(1, START_MS + 1000, 4, 2, START_MS, START_MS))
    assert answered(begun) == [(0, "icu", True), (1, "icu", True)]
    assert {(ruling.partition, ruling.offset) for _, ruling in begun.rulings} == {(0, 3)}
    again = say(topic, *counted(0, START_MS + 11_000, 4, 3, START_MS, START_MS), later_s=10)
    assert (answered(again), again.transitions) == ([(0, "icu", True)], [])
    assert answered(say(topic, *counted(2, START_MS + 11_000, 1, 0))) == []
    ended = say(topic, *counted(0, START_MS + 12_000, 4, 0), later_s=12)
    assert answered(ended) == [(1, "icu", False)]


def test_a_count_that_is_not_newer_changes_nothing(topic):
    assert say(topic, *counted(0, START_MS, 4, 4, START_MS, START_MS)).transitions == []
    say(topic, *counted(0, START_MS + 1, 4, 4, START_MS, START_MS))
    assert topic.judge.is_lost
    assert say(topic, *counted(0, START_MS - 9, 4, 0)).transitions == []


def test_a_group_that_has_committed_nothing_decides_nothing_of_what_is_there():
    topic = Topic()
    topic.append(START_MS, *counted(0, START_MS, 4, 4, START_MS, START_MS))
    topic.begin()
    topic.work(1)
    assert topic.alerts == {}
    say(topic, *counted(0, START_MS + 10_000, 4, 4, START_MS, START_MS), later_s=10)
    assert topic.judge.is_lost


def test_a_state_that_the_end_of_the_log_did_not_count_in_is_taken_over_when_it_comes(topic):
    say(topic, *counted(0, START_MS + 1, 4, 4, START_MS, START_MS))
    topic.append(START_MS, b"icu", state_of("icu", topic.judge.wards["icu"]).model_dump_json().encode())
    topic.judge = WardLog(0, COLUMNS, False, committed=3, end=3)  # as the embedded broker tells it
    topic.judge.take(topic.log[:3])
    assert not topic.judge.is_lost
    topic.judge.take(topic.log[3:])
    assert topic.judge.is_lost


def test_nothing_is_decided_before_the_log_was_read_to_its_end():
    topic = Topic()
    topic.append(START_MS, *counted(0, START_MS, 4, 4, START_MS, START_MS))
    topic.append(START_MS, *counted(0, START_MS + 1, 4, 0))
    topic.committed = 1
    topic.begin()
    topic.work(1)
    assert topic.durable <= 0
    assert not topic.judge.is_lost
    topic.work(1)
    assert topic.durable == 2


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (b"icu/0", b"{", "invalid"),
        (b"icu/0", b"\xff", "invalid"),
        (b"icu/0", None, "invalid"),
        (b"icu/9", counted(0, START_MS, 1, 0)[1], "key-mismatch"),
        (b"icu/0", counted(0, START_MS, 1, -1)[1], "invalid"),
        (b"icu/0", counted(0, START_MS, 1, 0)[1] + b" " * 5000, "too-large"),
        (TICK_KEY, b"{}", "invalid"),
        (COMMAND_KEY, b"{}", "unproven-command"),
        (COMMAND_KEY, b'{"kind":"acknowledge"}', "unproven-command"),
        (
            COMMAND_KEY,
            sealed(
                COMMAND_KEY,
                b'{"kind":"resume","id":"c","patient":"bed-1","actor":"n","issued_ts_ms":1}',
            ),
            "invalid",
        ),
    ],
)
def test_what_is_no_record_of_wards_is_refused_once(topic, key, value, reason):
    assert [reject.reason for reject in say(topic, key, value).rejects] == [reason]
    topic.committed = topic.log[-1].offset + 1
    topic.begin()
    assert topic.judge.take(topic.log).rejects == []


def test_the_log_is_read_to_its_end_though_what_ends_it_was_compacted_away(topic):
    key, value = counted(0, START_MS, 4, 4, START_MS - 15_000, START_MS - 15_000)
    judge = WardLog(0, COLUMNS, False, committed=2, end=9)
    assert judge.take([], until=3).transitions == []
    assert judge.take([Record(5, START_MS, key, value)], until=5).transitions == []
    assert (judge.durable, len(judge.take([], until=8).transitions)) == (NEVER, 1)
    assert judge.durable == 9


def test_a_note_about_the_partition_is_told_once(topic):
    note = {"rule": "partition-unreadable", "topic": "vitals.wards", "partition": 0, "first": 3, "end": 3}
    value = sealed(NOTE_KEY, {**note, "onset_ts_ms": START_MS})
    assert [noted.note.first for noted in say(topic, NOTE_KEY, value).notes] == [3]
    topic.committed = topic.log[-1].offset + 1
    topic.begin()
    assert topic.judge.take(topic.log).notes == []
