"""What a frame is to its device: next, late, a repeat or a count that begins again; by a slow reference, in any cut."""

from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from clinical.vitals import ABSENT, INDEX
from streams.decoding.decoded import Frames
from streams.decoding.name_column import NameColumn
from tables.columns.log_columns import DEVICES
from tables.device_rows import NOBODY, SEEN
from tables.groups import Groups
from tables.identification import News, device_name, digests, find_devices, remember
from tables.patients import PatientTable, lap

PATIENTS = 2
NEXT, LATE, REPEAT, AGAIN = "next", "late", "repeat", "again"

steps = st.one_of(
    st.integers(-3, 3), st.sampled_from((-SEEN - 1, -SEEN, -SEEN + 1, SEEN - 1, SEEN, 5000, 65_535 * SEEN))
)
names = st.one_of(
    st.sampled_from(("mon", "mon", "mon", "cuff")), st.integers(0, DEVICES + 2).map("dev-{}".format)
)
said = st.sampled_from((0, 0, 0, 1))
many = st.lists(st.tuples(st.integers(0, PATIENTS - 1), names, st.integers(0, 2), steps, said), max_size=100)
few = st.lists(
    st.tuples(st.just(0), st.sampled_from(("mon", "cuff")), st.just(0), steps, said), min_size=20, max_size=80
)
logs = st.one_of(many, few)
"""(patient, device, boot, step, what it says): devices that push each other out, and long stories of two."""


@dataclass(frozen=True)
class Said:
    """One frame of a log."""

    patient: int
    device: str
    boot: int
    seq: int
    event_ms: int = 0
    hr: float = 80.0


class Numbers:
    """Gives names numbers in the order in which they come."""

    def __init__(self):
        self.texts = [""]

    def column(self, names):
        self.texts += [name for name in dict.fromkeys(names) if name not in self.texts]
        return NameColumn(self, np.array([self.texts.index(name) for name in names], np.int64))


@pytest.fixture(autouse=True, scope="module", params=["texts", "numbers", "numbers of another"])
def _how_devices_come(request):
    """Devices by name, by number, and by numbers that begin anew now and then."""
    by["numbers"] = None if request.param == "texts" else Numbers()
    by["anew"] = request.param == "numbers of another"


by = {"numbers": None, "anew": False, "blocks": 0}


def names_of(names):
    """Return names as the fixture says."""
    by["blocks"] += 1
    if by["anew"] and by["blocks"] % 3 == 0:
        by["numbers"] = Numbers()
    return names if by["numbers"] is None else by["numbers"].column(names)


def new_table():
    table = PatientTable(())
    table.rows([f"bed-{i}" for i in range(PATIENTS)])
    return table


def log_of(drawn):
    """Return the frames of a log: each number is drawn relative to the last of its boot, and so is its time."""
    last, log = {}, []
    for patient, device, boot, step, other in drawn:
        seq = max(0, last.get((patient, device, boot), 10) + step)
        last[patient, device, boot] = seq
        log.append(Said(patient, device, boot, seq, (seq % 1000 + other) * 1000, 80.0 + other))
    return log


def frames_of(log, offset=0):
    def ints(name):
        return np.array([getattr(frame, name) for frame in log], np.int64)

    return Frames(
        patient=[f"bed-{frame.patient}" for frame in log],
        device=names_of([frame.device for frame in log]),
        boot=ints("boot"),
        seq=ints("seq"),
        event_ts_ms=ints("event_ms"),
        interval_ms=np.full(len(log), 1000),
        append_ts_ms=ints("event_ms"),
        offset=np.arange(offset, offset + len(log)),
        values=np.array([[frame.hr] for frame in log]),
        carried=np.array([INDEX["hr"]]),
    )


def plainly(log):
    """Return what each frame is and whether it is a conflict, with a memory of `DEVICES` devices a patient."""
    memory, found = {}, []
    for at, frame in enumerate(log):
        devices = memory.setdefault(frame.patient, {})
        if frame.device not in devices and len(devices) == DEVICES:
            del devices[min(devices, key=lambda name: devices[name]["used"])]
        known = devices.setdefault(frame.device, {"boot": frame.boot, "top": -1, "said": {}, "event_ms": -1})
        what = to_its_device(frame, known)
        conflict = what == AGAIN or (what == LATE and frame.event_ms > known["event_ms"])
        if what != REPEAT:
            known["used"], known["event_ms"] = at, frame.event_ms
        found.append((what, conflict))
    return found


def to_its_device(frame, known):
    """Return what a frame is, and let its device remember it."""
    if frame.boot < known["boot"]:
        return LATE if frame.event_ms > known["event_ms"] else REPEAT
    content, what = (frame.event_ms, frame.hr), NEXT
    if frame.boot == known["boot"] and frame.seq <= known["top"]:
        if frame.seq <= known["top"] - SEEN:
            what = AGAIN
        elif frame.seq not in known["said"]:
            what = LATE
        else:
            what = REPEAT if known["said"][frame.seq] == content else AGAIN
    if what == AGAIN or frame.boot > known["boot"]:
        known["said"] = {}
    if what != LATE and what != REPEAT:
        known["boot"], known["top"] = frame.boot, frame.seq
    known["said"][frame.seq] = content
    return what


def all_next(count):
    """Return what `remember` tells by None: every frame comes next."""
    return News(np.ones(count, np.bool_), np.ones(count, np.bool_))


def admit(table, log, offset=0):
    """Put one block through the memory as the judge does; return of each frame (news?, next?, conflict?)."""
    frames, found, done = frames_of(log, offset), [], 0
    rows = np.array([frame.patient for frame in log], np.int64)
    while done < len(log):
        rest = slice(done, None)
        at = find_devices(table, rows[rest], frames.take(rest)).devices
        assert 0 < len(at) <= len(log) - done
        assert (at != NOBODY).all()
        assert (table.devices.owner[at] == rows[done : done + len(at)]).all()
        part = frames.take(slice(done, done + len(at)))
        news = remember(table.devices, Groups(at), part)
        news = news or all_next(len(at))
        conflicts = [i in news.conflicts for i in range(len(at))]
        found += zip(news.fresh.tolist(), news.next.tolist(), conflicts, strict=True)
        for i in np.flatnonzero(news.fresh).tolist():
            table.devices.used[at[i]], table.devices.event_ms[at[i]] = part.offset[i], part.event_ts_ms[i]
        done += len(at)
    return found


@settings(max_examples=300, deadline=None)
@given(drawn=logs, cuts=st.lists(st.integers(0, 100), max_size=6))
def test_a_frame_is_what_a_slow_reference_says_in_any_cut(drawn, cuts):
    log = log_of(drawn)
    table = new_table()
    edges = [0, *sorted(cut % (len(log) + 1) for cut in cuts), len(log)]
    found = [
        each for start, end in pairwise(edges) if end > start for each in admit(table, log[start:end], start)
    ]
    assert found == [(what != REPEAT, what in (NEXT, AGAIN), conflict) for what, conflict in plainly(log)]


def classes(*numbers, table=None):
    """Return what frames of one device with these numbers are; each number is said at its own time."""
    log = [Said(0, "mon", 0, seq, seq * 1000) for seq in numbers]
    return [class_of(each) for each in admit(new_table() if table is None else table, log)]


def class_of(found):
    fresh, comes_next, conflict = found
    if not fresh:
        return REPEAT
    if comes_next:
        return AGAIN if conflict else NEXT
    return LATE


def test_a_number_is_news_once_in_whatever_order_numbers_come():
    assert classes(5, 3, 4, 3, 5, 6) == [NEXT, LATE, LATE, REPEAT, REPEAT, NEXT]


def test_a_number_far_below_the_highest_begins_the_count_again():
    assert classes(SEEN, 1, 0, 2) == [NEXT, LATE, AGAIN, NEXT]


def test_what_a_count_that_began_again_says_next_is_news_though_the_numbers_were_used():
    log = [Said(0, "mon", 0, seq, at * 1000) for at, seq in enumerate((7, 8, 9, 7, 8, 9))]
    found = [class_of(each) for each in admit(new_table(), log)]
    assert found == [NEXT, NEXT, NEXT, AGAIN, NEXT, NEXT]


def test_a_counter_of_sixteen_bits_that_wraps_delays_nothing():
    assert classes(65_534, 65_535, 0, 1) == [NEXT, NEXT, AGAIN, NEXT]


@pytest.mark.parametrize("change", [{"event_ms": 1}, {"hr": 81.0}])
def test_a_number_that_comes_again_with_other_content_is_judged_and_a_conflict(change):
    first = Said(0, "mon", 0, 7)
    assert admit(new_table(), [first, first, replace(first, **change)]) == [
        (True, True, False),
        (False, False, False),
        (True, True, True),
    ]


def test_a_late_number_with_a_newer_time_is_a_conflict_too():
    log = [Said(0, "mon", 0, 5, 5000), Said(0, "mon", 0, 3, 3000), Said(0, "mon", 0, 4, 6000)]
    assert [conflict for _, _, conflict in admit(new_table(), log)] == [False, False, True]


def test_numbers_far_apart_are_not_taken_for_each_other():
    assert classes(0, SEEN, 2 * SEEN, 2 * SEEN, SEEN + 1) == [NEXT, NEXT, NEXT, REPEAT, LATE]


@pytest.mark.parametrize("cut", [1, 2])
def test_what_was_remembered_before_a_jump_is_not_taken_for_a_number_after_it(cut):
    table, far = new_table(), 65_535 * SEEN  # where the turns of the ring have the same mark again
    numbers = [5, far + 6, far + 5]
    assert classes(*numbers[:cut], table=table) + classes(*numbers[cut:], table=table) == [NEXT, NEXT, LATE]


def test_a_lap_is_never_the_mark_of_an_empty_place():
    assert min(lap(seq) for seq in range(0, 70_000 * SEEN, SEEN)) == 1


def test_a_reboot_may_count_from_the_start_again_and_what_is_older_counts_once_if_it_is_newer_by_its_time():
    older = Said(0, "mon", 0, 7, 5_000)
    log = [older, Said(0, "mon", 1, 0, 6_000), Said(0, "mon", 1, 0, 6_000), older]
    assert [class_of(each) for each in admit(new_table(), log)] == [NEXT, NEXT, REPEAT, REPEAT]
    newer = Said(0, "mon", 0, 8, 7_000)
    assert [class_of(each) for each in admit(new_table(), [*log, newer, newer])][4:] == [LATE, REPEAT]


def test_patients_and_devices_do_not_share_numbers():
    log = [Said(0, "mon", 0, 1), Said(1, "mon", 0, 1), Said(0, "cuff", 0, 1)]
    assert [class_of(each) for each in admit(new_table(), log)] == [NEXT, NEXT, NEXT]


def full_table():
    table = new_table()
    assert all(fresh for fresh, _, _ in admit(table, [Said(0, f"dev-{i}", 0, 9) for i in range(DEVICES)]))
    return table


def test_a_patient_s_sixteen_devices_all_keep_their_memory():
    table = full_table()
    again = [Said(0, f"dev-{i}", 0, 9) for i in reversed(range(DEVICES))]
    assert {class_of(each) for each in admit(table, again, DEVICES)} == {REPEAT}


def test_beyond_sixteen_the_longest_unused_makes_room_and_the_run_of_frames_ends_there():
    table, frame = full_table(), Said(0, "other", 0, 9)
    admit(table, [Said(0, "dev-0", 0, 10)], DEVICES)
    found = find_devices(table, np.array([0]), frames_of([frame], DEVICES + 1))
    assert found.has_pushed_out
    names = set(table.devices.name[table.slots[0]].tolist())
    assert device_name("other") in names
    assert device_name("dev-0") in names
    assert device_name("dev-1") not in names
    assert not find_devices(table, np.array([0]), frames_of([frame], DEVICES + 2)).has_pushed_out


def test_frames_before_one_that_pushes_a_device_out_are_a_run_of_their_own():
    table = full_table()
    log = [Said(0, "dev-0", 0, 10), Said(0, "other", 0, 9), Said(0, "dev-1", 0, 9)]
    first = find_devices(table, np.zeros(3, np.int64), frames_of(log, DEVICES))
    assert (len(first.devices), first.has_pushed_out) == (1, False)
    second = find_devices(table, np.zeros(2, np.int64), frames_of(log[1:], DEVICES + 1))
    assert (len(second.devices), second.has_pushed_out) == (1, True)


def test_a_device_that_comes_back_in_the_block_that_pushes_it_out_starts_anew():
    log = [Said(0, "other", 0, 9), Said(0, "dev-0", 0, 9), Said(0, "other", 0, 9)]
    assert [class_of(each) for each in admit(full_table(), log, DEVICES)] == [NEXT, NEXT, REPEAT]


def test_nothing_of_a_device_that_made_room_is_left_to_the_one_that_takes_its_row():
    table = full_table()
    row = int(table.slots[0, 0])
    table.devices.run_onset_ms[row], table.devices.value[row], table.devices.conflict_ms[row] = 5, 70.0, 5
    at = find_devices(table, np.array([0]), frames_of([Said(0, "other", 0, 9)], DEVICES)).devices[0]
    assert at == row
    assert np.isnan(table.devices.value[at]).all()
    assert (table.devices.run_onset_ms[at] == -1).all()
    assert table.devices.conflict_ms[at] == -1


@pytest.mark.parametrize("device", ["mon", "cuff", ""])
def test_the_name_of_a_device_is_never_that_of_an_empty_slot(device):
    assert device_name(device) == device_name(device) != 0


def saying(interval_ms=1000, event_ms=5, carried=("hr", "spo2"), **signals):
    frames = frames_of([Said(0, "mon", 0, 1, event_ms)])
    columns = sorted(INDEX[name] for name in carried)
    values = np.full((1, len(columns)), ABSENT)
    for name, value in signals.items():
        values[0, columns.index(INDEX[name])] = value
    frames = replace(frames, values=values, carried=np.array(columns), interval_ms=np.array([interval_ms]))
    return int(digests(frames)[0])


def test_a_digest_is_of_what_is_said_and_not_of_who_says_it():
    log = [Said(0, "mon", 0, 1), Said(1, "cuff", 3, 9), Said(0, "mon", 0, 1, hr=81)]
    first, second, third = digests(frames_of(log)).tolist()
    assert first == second != third


def test_signals_that_are_absent_do_not_count_for_a_digest():
    assert saying(hr=80) == saying(hr=80, carried=("hr", "spo2", "temp"))


@pytest.mark.parametrize(
    "other",
    [
        {"hr": 81, "spo2": 97},
        {"hr": 97, "spo2": 80},
        {"hr": 80},
        {"hr": 80, "spo2": float("nan")},
        {"hr": 80, "spo2": 0},
        {"hr": 80, "spo2": 97, "event_ms": 6},
        {"hr": 80, "spo2": 97, "interval_ms": 999},
    ],
)
def test_whatever_else_a_frame_says_gives_another_digest(other):
    assert saying(hr=80, spo2=97) != saying(**other)


@pytest.mark.parametrize("value", [0.0, float("nan"), 1.0])
def test_a_reading_of_nought_or_a_missing_one_is_not_the_same_as_none(value):
    assert saying(hr=80, spo2=value) != saying(hr=80)
