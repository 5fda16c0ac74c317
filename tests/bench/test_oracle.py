import json
from dataclasses import asdict, dataclass, replace

import pytest

from bench.drills.findings import FaultTime, gap_s, latency_by_phase
from bench.drills.ledger import Ledger, Outcome, fingerprint
from bench.drills.oracle import Oracle, Told
from bench.drills.shapes import SHAPES
from bench.drills.ward import LoadPlan, Ward
from clinical.rules import LimitRule, News2Rules, RuleSet, TechnicalRules
from streams.config.settings import Settings
from streams.contracts.frame import TICK_KEY, encode_tick

RULES = RuleSet(
    (LimitRule("hr-high", "hr", high=120, delay_s=2, priority="high"),),
    TechnicalRules(silent_device_s=10),
    News2Rules(enabled=False),
)
SETTINGS = Settings(partitions=2, time_base="recorded")
FAST = (80, 140, 140, 140, 140, 80, 80, 150, 150, 150, 80)


@dataclass(frozen=True)
class Captured:
    """A record as it was read back."""

    offset: int
    key: bytes | None
    value: bytes | None
    timestamp: int = 0
    headers: tuple[tuple[str, bytes], ...] = ()


def log_of(patient, readings=FAST):
    """One frame and one tick a second, and a record that is no frame at the end."""
    pairs = []
    for second, hr in enumerate(readings):
        head = {"patient": patient, "device": "mon", "boot": 1, "seq": second, "event_ts_ms": second * 1000}
        pairs.append((patient.encode(), json.dumps({**head, "hr": hr}).encode()))
        pairs.append((TICK_KEY, encode_tick(second * 1000)))
    pairs.append((patient.encode(), b"{"))
    return [Captured(i, key, value, i * 500) for i, (key, value) in enumerate(pairs)]


class Run:
    """A run in which nothing went wrong; tests then spoil one of its captured lists."""

    def __init__(self):
        self.readings = [log_of("bed-0"), log_of("bed-1")]
        self.ledger = Ledger()
        for partition, records in enumerate(self.readings):
            for record in records:
                if record.key != TICK_KEY:
                    mark = fingerprint(record.key, record.value)
                    self.ledger.enter(mark, partition, Outcome.ACCEPTED, record.offset)
        self.committed = [len(records) for records in self.readings]
        perfect = self.fed()
        self.alerts = [[], []]
        for expected in perfect.expected.values():
            to = self.alerts[expected.partition]
            to.append(Captured(len(to), b"", expected.value, 100_000 + len(to)))
        self.letters = [self.letter(partition, self.readings[partition][-1]) for partition in range(2)]

    def letter(self, partition, record):
        headers = {"partition": partition, "offset": record.offset, "reason": "not-json"}
        return Captured(
            partition,
            record.key,
            record.value,
            headers=tuple((name, str(value).encode()) for name, value in headers.items()),
        )

    def fed(self):
        oracle = Oracle(SETTINGS, RULES)
        for partition, records in enumerate(self.readings):
            oracle.take_readings(partition, records)
        return oracle

    def counts(self):
        """Return the counts that are not zero; what the oracle shows of them is kept."""
        oracle = self.fed()
        self.examples = oracle.examples
        for partition, records in enumerate(self.alerts):
            oracle.take_alerts(partition, records)
        oracle.take_letters(0, self.letters)
        found = asdict(oracle.judge(self.ledger, self.committed))
        return {name: count for name, count in found.items() if count}


@pytest.fixture
def run():
    return Run()


def test_a_run_in_which_nothing_went_wrong_has_zeros_everywhere(run):
    assert len(run.alerts[0]) >= 4
    assert run.counts() == {}


def test_a_missing_acknowledged_frame_is_counted(run):
    del run.readings[0][0]
    assert run.counts() == {"lost_readings": 1}


def test_a_frame_that_another_took_the_place_of_is_counted(run):
    first = run.readings[0][0]
    run.readings[0][0] = replace(first, value=first.value.replace(b"80", b"81"))
    assert run.counts() == {"lost_readings": 1}


def test_a_frame_without_an_answer_may_be_missing(run):
    run.ledger.enter(fingerprint(b"bed-0", b"unknown"), 0, Outcome.UNKNOWN)
    run.ledger.enter(fingerprint(b"bed-0", b"refused"), 0, Outcome.REFUSED)
    assert run.counts() == {}


@pytest.mark.parametrize("which", [0, 1, -1])
def test_a_missing_alert_is_counted(run, which):
    missing = run.alerts[1].pop(which)
    found = run.counts()
    assert found.pop("lost_alerts") == 1
    # Without its start the rest of an episode is out of order as well.
    assert found in ({}, {"order_violations": 1}), missing


def test_an_alert_beyond_what_was_committed_may_be_missing(run):
    run.alerts[1].clear()
    run.committed[1] = 0
    assert run.counts() == {}


def test_an_alert_that_the_log_does_not_lead_to_is_counted(run):
    alert = json.loads(run.alerts[0][0].value)
    invented = json.dumps({**alert, "id": "0123456789abcdef-0", "episode": "0123456789abcdef"}).encode()
    run.alerts[0].append(replace(run.alerts[0][0], value=invented))
    assert run.counts() == {"phantom_alerts": 1}


def test_an_alert_with_another_content_is_counted(run):
    first = run.alerts[0][0]
    run.alerts[0][0] = replace(first, value=first.value.replace(b'"priority":"high"', b'"priority":"low"'))
    assert run.counts() == {"altered_alerts": 1}


def test_what_broke_is_shown_as_it_was_told_each_time_and_as_it_should_be(run):
    first = run.alerts[0][0]
    run.alerts[0].append(replace(first, value=first.value.replace(b'"priority":"high"', b'"priority":"low"')))
    run.counts()
    (shown,) = run.examples
    assert (shown["kind"], shown["expected"]["priority"]) == ("altered", "high")
    assert [told["alert"]["priority"] for told in shown["told"]] == ["high", "low"]


def test_an_alert_that_came_again_unchanged_is_dropped_by_its_id(run):
    run.alerts[0] += run.alerts[0]
    assert run.counts() == {}


def test_one_id_with_two_contents_is_counted_as_repeated(run):
    first = run.alerts[0][0]
    run.alerts[0].append(replace(first, value=first.value.replace(b'"priority":"high"', b'"priority":"low"')))
    assert run.counts() == {"repeated_at_consumer": 1, "altered_alerts": 1}


def test_one_id_in_two_partitions_is_counted_as_repeated(run):
    run.alerts[1].append(run.alerts[0][0])
    assert run.counts() == {"repeated_at_consumer": 1}


def test_an_end_before_its_start_is_counted(run):
    run.alerts[0][0], run.alerts[0][1] = run.alerts[0][1], run.alerts[0][0]
    assert run.counts()["order_violations"] >= 1


def test_a_refused_record_that_is_not_in_the_dead_letters_is_counted(run):
    del run.letters[1]
    assert run.counts() == {"lost_bad_records": 1}


def test_a_dead_letter_that_does_not_carry_the_record_as_it_came_is_counted(run):
    run.letters[1] = replace(run.letters[1], value=b"")
    assert run.counts() == {"lost_bad_records": 1}


def test_a_dead_letter_of_a_good_record_is_counted(run):
    run.letters.append(run.letter(0, run.readings[0][0]))
    assert run.counts() == {"phantom_dead_letters": 1}


def test_latency_is_told_apart_before_during_and_after_the_fault():
    told = [
        Told("bed", at_ms, at_ms + late)
        for at_ms, late in ((0, 999), (10, 5), (50, 70), (90, 6), (99, 8), (101, 999))
    ]
    found = latency_by_phase(told, [FaultTime("kill", 40, 60)], settle_ms=20, from_ms=5, to_ms=100)
    assert {phase: latency["max"] for phase, latency in found.items()} == {
        "before": 5,
        "during": 70,
        "after": 8,
    }


def test_the_gap_is_the_longest_time_without_a_tick_or_an_alert():
    ticks_ms = {0: [1000, 2000, 7000, 8000], 1: [1000, 2000, 3000, 4000, 5000, 6000, 7000, 8000]}
    assert gap_s(ticks_ms, [], 1000, 8000) == 5.0
    assert gap_s(ticks_ms, [Told("bed", 1000, 7500)], 1000, 8000) == 6.5


def test_a_ledger_that_was_saved_is_read_back_whole(run, tmp_path):
    run.ledger.save(tmp_path / "ledger.npz")
    assert Ledger.load(tmp_path / "ledger.npz") == run.ledger


@pytest.mark.parametrize("shape", SHAPES)
def test_a_plan_leads_to_the_same_records_in_the_order_of_time_every_time(shape):
    plan = LoadPlan(
        "", "", 4, seconds=20, rate=40, patients=60, seed=5, start_ms=1_700_000_000_000, shape=shape
    )
    dues = list(SHAPES[shape](Ward(plan)))
    assert dues == list(SHAPES[shape](Ward(plan)))
    assert [due.due_s for due in dues] == sorted(due.due_s for due in dues)
    assert {due.partition for due in dues} == {0, 1, 2, 3}
    assert all(0 <= due.due_s < 20 for due in dues)
