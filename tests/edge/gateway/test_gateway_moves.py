"""What has to be filed anew, found among the records of the readings, and what streams are told of it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.adt_stays import FOREVER
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.moves import AHEAD_MS, Changes, Move, Sweep, moves_between
from edge.gateway.refiler import SETTLE_MS, Refiler
from streams.contracts.association import KEPT_MS, Association, Departure

OWN = "~device/mon"


def frame(stream, ms, device="mon", **more):
    said = {"patient": stream, "device": device, "boot": 0, "seq": ms, "event_ts_ms": ms, **more}
    return stream.encode(), json.dumps(said).encode()


def association(patient, start, end=None, name="r"):
    said = {"id": name, "device": "mon", "patient": patient, "reporter": "nurse", "source": "pcim"}
    return Association(**said, from_ts_ms=start, until_ts_ms=end, validated=True)


class Log:
    """The readings as a list; a device's streams lie in one partition."""

    def __init__(self):
        self.records, self.fails = [], False

    def ends(self):
        return {0: len(self.records)}

    def scan(self, streams, from_ms, marks, ends):
        start, marks[0] = marks.get(0, 0), ends[0]
        for key, value in self.records[start : ends[0]]:
            if isinstance(value, bytes) and (streams is None or key.decode() in streams):
                yield key, value

    def copy(self, stream, value):
        self.records.append((stream.encode(), value))

    def depart(self, departure, cause):
        self.records.append((departure.patient.encode(), departure))

    def settle(self):
        if self.fails:
            raise ConnectionError

    def times(self, stream):
        found = [json.loads(v) for k, v in self.records if k == stream.encode() and isinstance(v, bytes)]
        return [said["event_ts_ms"] for said in found]

    def departures(self):
        return [
            (d.patient, d.from_ts_ms, d.until_ts_ms, d.withdrawn)
            for _, d in self.records
            if isinstance(d, Departure)
        ]


class Owner:
    def __init__(self, log=None, done=0):
        self.log = log or Log()
        self.refiler = Refiler(Changes(Filing(Facts(900_000))), self.log, done)
        self.told, self.unread, self.owns = 0, [], True

    def work(self, now_ms):
        self.refiler.work(now_ms, self.catch_up)

    def catch_up(self):
        while self.unread:
            self.unread.pop(0)()
        return self.owns

    def tell(self, fact, append_ms=10_000):
        self.refiler.take(self.told, fact.key, fact, append_ms)
        self.told += 1


def test_views_that_agree_move_nothing():
    assert moves_between("mon", ((1, 5, "a"),), ((1, 5, "a"),)) == []


def test_a_later_beginning_an_earlier_end_and_another_patient_are_moves():
    before, after = ((1, 9, "a"), (9, FOREVER, "")), ((3, 7, "a"), (7, 9, "b"), (9, FOREVER, ""))
    assert moves_between("mon", before, after) == [Move("mon", 1, 3, "a"), Move("mon", 7, 9, "a")]


def test_what_nobody_knew_of_may_lie_anywhere():
    assert moves_between("mon", (), ((3, FOREVER, "a"),)) == [Move("mon", 3, FOREVER, None)]


def test_who_was_on_it_and_never_was_leaves():
    assert moves_between("mon", ((3, FOREVER, "a"),), ()) == [Move("mon", 3, FOREVER, "a")]


spans = st.lists(st.tuples(st.integers(0, 9), st.sampled_from(["a", "b", ""])), max_size=4)


def streams_of(drawn):
    starts = sorted(dict(drawn).items())
    ends = [*(start for start, _ in starts[1:]), FOREVER]
    return tuple((start, end, patient) for (start, patient), end in zip(starts, ends, strict=False))


@given(spans, spans)
def test_at_each_moment_a_move_says_where_frames_lay_if_that_has_changed(before, after):
    before, after = streams_of(before), streams_of(after)
    moves = moves_between("mon", before, after)
    for ms in range(12):
        old = next((p or OWN for a, b, p in before if a <= ms < b), None)
        new = next((p or OWN for a, b, p in after if a <= ms < b), None)
        found = [move.old for move in moves if move.holds("mon", ms)]
        assert found == ([old] if old != (new or OWN) and (old or new) else [])


def test_frames_are_copied_to_the_patient_with_the_same_identity_and_then_the_stream_ends():
    owner = Owner()
    owner.log.records += [frame(OWN, ms, hr=80) for ms in (1, 5, 9)]
    owner.tell(association("a", 5))
    owner.work(10_000)
    assert owner.log.times("a") == [5, 9]
    copy = json.loads(owner.log.records[3][1])
    assert copy == {**json.loads(owner.log.records[1][1]), "patient": "a", "refiled": True}
    assert owner.log.departures() == [(OWN, 5, None, False)]


def test_readings_on_a_patient_whose_interval_was_cut_back_are_withdrawn():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.work(10_000)
    owner.log.records += [frame("a", ms) for ms in (2, 5, 9)]
    owner.tell(association("a", 1, 4))
    owner.tell(association("b", 4, name="other"))
    owner.work(10_001)
    assert owner.log.times("b") == [5, 9]
    assert ("a", 4, None, True) in owner.log.departures()


def test_a_device_that_is_taken_off_in_time_leaves_without_a_withdrawal():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.log.records += [frame("a", ms) for ms in (2, 5, 9)]
    owner.work(10_000)
    owner.tell(association("a", 1, 10))
    owner.work(10_001)
    assert owner.log.departures()[-1] == ("a", 10, None, False)


def test_what_a_gateway_that_knew_less_has_filed_meanwhile_is_found_when_all_has_settled():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.work(10_000)
    owner.log.records.append(frame(OWN, 7))
    owner.work(10_000 + SETTLE_MS - 1)
    assert owner.log.times("a") == []
    owner.work(10_000 + SETTLE_MS)
    assert owner.log.times("a") == [7]


def test_what_was_filed_by_a_report_that_the_refiling_has_yet_to_read_stays_where_it_lies():
    owner = Owner()
    owner.log.records += [frame(OWN, 3), frame("b", 7)]  # whose gateway knows already that b is on it
    owner.tell(association("a", 1))
    owner.unread += [
        lambda: owner.tell(association("a", 1, 5)),
        lambda: owner.tell(association("b", 5, name="b")),
    ]
    owner.work(10_000)
    assert (owner.log.times("a"), owner.log.times("b")) == ([3], [7])
    assert [departure for departure in owner.log.departures() if departure[-1]] == []
    owner.work(10_000 + SETTLE_MS)
    assert owner.refiler.committed == 3


def test_what_comes_after_the_end_that_was_noted_waits_for_the_second_look():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.unread.append(lambda: owner.log.records.append(frame(OWN, 7)))
    owner.work(10_000)
    assert owner.log.times("a") == []
    owner.work(10_000 + SETTLE_MS)
    assert owner.log.times("a") == [7]


def test_who_cannot_read_what_is_known_looks_through_nothing():
    owner = Owner()
    owner.log.records.append(frame(OWN, 7))
    owner.tell(association("a", 1))
    owner.owns = False
    owner.work(10_000)
    assert (len(owner.log.records), owner.refiler.committed) == (1, 0)
    owner.owns = True
    owner.work(10_000)
    assert owner.log.times("a") == [7]


def test_only_what_was_looked_through_twice_is_done():
    owner = Owner()
    owner.tell(association("a", 1))
    assert owner.refiler.committed == 0
    owner.work(10_000)
    assert owner.refiler.committed == 0
    owner.work(10_000 + SETTLE_MS)
    assert owner.refiler.committed == 1


def test_who_takes_over_knows_what_was_known_and_does_what_was_not_done():
    first = Owner()
    first.log.records += [frame("a", ms) for ms in (2, 8)]
    facts = [association("a", 1), association("a", 1, 5)]
    second = Owner(first.log, done=1)
    for fact in facts:
        second.tell(fact)
    second.work(10_000)
    assert second.log.times(OWN) == [8]
    assert ("a", 5, None, True) in second.log.departures()


def test_who_takes_over_does_not_do_again_what_is_done():
    first = Owner()
    first.tell(association("a", 1))
    first.work(10_000)
    second = Owner(Log(), done=1)
    second.tell(association("a", 1))
    second.tell(association("a", 1, 20_000))
    second.work(10_000)
    assert second.log.departures() == [("a", 20_000, None, False)]


def test_a_frame_that_was_filed_by_what_held_only_between_two_reports_is_found():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.work(10_000)
    owner.tell(association("a", 1, 5))
    owner.tell(association("b", 5, name="other"))
    owner.log.records += [frame("a", 6), frame(OWN, 7)]
    owner.work(10_000)
    assert owner.log.times("b") == [6, 7]


def test_what_was_not_stored_is_not_done():
    owner = Owner()
    owner.log.records.append(frame(OWN, 5))
    owner.log.fails = True
    owner.tell(association("a", 1))
    with pytest.raises(ConnectionError):
        owner.work(10_000)
    assert owner.refiler.committed == 0


def test_what_is_older_than_the_log_is_not_looked_for():
    owner = Owner()
    owner.tell(association("a", 1, 5), append_ms=KEPT_MS + 5)
    owner.work(KEPT_MS)
    assert owner.log.records == []


def test_of_a_time_that_is_still_far_ahead_no_frame_is_looked_for():
    owner = Owner()
    owner.tell(association("a", 10_000 + AHEAD_MS + 1))
    owner.work(10_000)
    assert owner.log.records == []
    assert owner.refiler.committed == 1


def test_a_device_that_came_back_before_anybody_looked_has_not_left():
    owner = Owner()
    owner.tell(association("a", 1))
    owner.work(10_000)
    owner.log.records.append(frame("a", 5))
    owner.tell(association("b", 1))
    owner.tell(association("a", 1))
    before = len(owner.log.records)
    owner.work(10_001)
    assert [patient for patient, *_ in owner.log.departures()[1:] if patient == "a"] == []
    assert owner.log.times("a") == [5]
    assert len(owner.log.records) >= before


def test_ticks_orders_and_what_is_no_frame_are_passed_over():
    sweep = Sweep([Move("mon", 0, FOREVER, None)], Filing(Facts(1)))
    for key, value in (
        (b"~tick", b"{}"),
        (None, b"{}"),
        (b"a", None),
        (b"a", b"{"),
        (b"a", b"\xff"),
        (b"a", b"[]"),
    ):
        assert sweep.find(key, value) is None


def test_a_frame_under_whom_its_sender_named_stays_where_nothing_was_known():
    filing = Filing(Facts(1))
    fact = association("a", 5)
    filing.apply(fact.key, fact, 10)
    sweep = Sweep([Move("mon", 0, FOREVER, None)], filing)
    assert sweep.find(*frame("named", 3)) is None
    assert sweep.find(*frame("named", 7))[0] == "a"
    assert [(d.patient, d.from_ts_ms, d.withdrawn) for d in sweep.departures()] == [
        ("named", 5, True),
    ]
