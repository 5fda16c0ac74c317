"""The shelf: nothing missing and nothing twice in whatever order things come, and wherever the process is killed."""

import errno
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf_model import HOUR_0_MS, KEEP_MS, all_rows, frames_of, log_of, plain_levels, stored_levels, work

from edge.history.disk import PART, Disk, held
from edge.history.file_names import LEVELS_S
from edge.history.rows import HOUR_MS, in_order, joined
from edge.history.shelf import DAY_MS, Shelf
from streams.errors import VigilError


class Killed(BaseException):
    """The process is gone at this point."""


class FaultyDisk(Disk):
    """Ends the process, or has no room, before its n-th step; a file that was not finished is half there."""

    def __init__(self, steps=None, fault=Killed):
        self.steps, self.fault = steps, fault

    def _step(self):
        if self.steps is not None:
            self.steps -= 1
            if self.steps < 0:
                if self.fault is not Killed:
                    self.steps = None
                raise self.fault

    def write(self, path, fill):
        if self.fault is Killed:
            self._step()
            if self.steps == 0:  # killed in the midst of it
                self.make_folder(path.parent)
                path.with_name(path.name + PART).write_bytes(b"PAR1 half of it")
                self._step()
        super().write(path, fill)

    def sync(self, file):  # a process that is killed leaves what it wrote; power that fails is not tried here
        self._step()

    def rename(self, old, new):
        self._step()
        super().rename(old, new)

    def sync_folder(self, folder):
        self._step()

    def remove(self, path):
        self._step()
        super().remove(path)


def no_room():
    return OSError(errno.ENOSPC, "No space left on device")


@settings(max_examples=8)
@given(seed=st.integers(0, 10_000), kills=st.lists(st.integers(0, 40), max_size=12))
def test_wherever_the_process_is_killed_nothing_is_missing_and_nothing_is_there_twice(
    tmp_path_factory, seed, kills
):
    root, table, rng = tmp_path_factory.mktemp("shelf"), log_of(seed, 60), random.Random(seed)
    for steps in kills:
        try:
            work(Shelf(root, FaultyDisk(steps)), table, rng)
        except Killed:
            seen = all_rows(Shelf(root))
            behind = Shelf(root).positions().get(0, 0)
            kept = [offset for offset in table["offset"].to_pylist() if offset < behind]
            assert sorted(seen["offset"].to_pylist()) == kept
    shelf = Shelf(root)
    work(shelf, table, rng)
    assert all_rows(shelf).equals(in_order(table))
    assert not list(root.rglob(f"*{PART}"))
    assert shelf.index.new == {}


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000), steps=st.integers(0, 200))
def test_a_full_disk_loses_nothing_and_the_same_process_goes_on(tmp_path_factory, seed, steps):
    root, table, rng = tmp_path_factory.mktemp("shelf"), log_of(seed, 60), random.Random(seed)
    disk = FaultyDisk(steps, no_room())
    try:
        shelf = Shelf(root, disk)
    except OSError:
        shelf = Shelf(root, disk)
    for _ in range(3):
        try:
            work(shelf, table, rng)
        except OSError:
            continue
        break
    assert all_rows(shelf).equals(in_order(table))
    assert all_rows(Shelf(root)).equals(in_order(table))


@settings(max_examples=5)
@given(seed=st.integers(0, 10_000))
def test_levels_are_what_loops_and_ifs_make_of_the_rows(tmp_path_factory, seed):
    root, table = tmp_path_factory.mktemp("shelf"), log_of(seed, 80)
    shelf = Shelf(root)
    work(shelf, table, random.Random(seed))
    for step_s in LEVELS_S:
        files = shelf.index.of_kind(str(step_s))
        stored = {key: row for found in files for key, row in stored_levels(shelf.read(found)).items()}
        plain = plain_levels(table, step_s)
        assert stored.keys() == plain.keys()
        for key, (low, high, mean, count) in plain.items():
            assert stored[key][:2] == (low, high)
            assert stored[key][2] == pytest.approx(mean, rel=1e-6)
            assert stored[key][3] == count
            assert low <= stored[key][2] <= high or stored[key][2] == pytest.approx(mean, rel=1e-6)


def test_a_late_frame_comes_into_the_file_of_its_hour_which_is_written_again(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(
        0,
        0,
        2,
        frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0}), (1, "bed-1", 1, HOUR_0_MS + HOUR_MS, {})]),
    )
    shelf.merge(0)
    shelf.put(0, 2, 3, frames_of([(2, "bed-1", 2, HOUR_0_MS + 1000, {"hr": 90.0})]))
    assert shelf.merge(0) == 1
    hours = sorted(shelf.index.of_kind("hour"), key=lambda found: found.start_ms)
    assert [(found.first, found.behind) for found in hours] == [(0, 3), (0, 2)]
    assert shelf.read(hours[0])["hr"].to_pylist() == [70.0, 90.0]
    assert len(list(tmp_path.rglob("*.parquet"))) == 2


def test_raw_hours_go_when_their_time_is_over_and_every_level_has_them(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 1, frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})]))
    shelf.merge(0)
    late_ms = HOUR_0_MS + 3 * DAY_MS
    assert shelf.retain(late_ms, KEEP_MS) == 0
    shelf.thin(0)
    assert shelf.retain(late_ms, KEEP_MS) == 1
    assert shelf.index.of_kind("hour") == []
    assert len(shelf.index.of_kind("900")) == 1
    assert shelf.positions() == {0: 1}


def test_a_file_says_in_its_name_and_in_itself_which_offsets_it_holds(tmp_path):
    import pyarrow.parquet as pq

    shelf = Shelf(tmp_path)
    shelf.put(3, 5, 9, frames_of([(6, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})], partition=3))
    shelf.merge(3)
    (path,) = tmp_path.rglob("*.parquet")
    assert path.name == "p00003-00000000000000000005-00000000000000000009.parquet"
    said = pq.read_schema(path).metadata
    assert (said[b"vigil.partition"], said[b"vigil.from"], said[b"vigil.until"]) == (b"3", b"5", b"9")


def test_where_there_is_no_reading_a_file_has_null_and_never_nan(tmp_path):
    shelf = Shelf(tmp_path)
    readings = [(0, "a", 0, HOUR_0_MS, {"hr": None, "temp": 36.65}), (1, "b", 0, HOUR_0_MS, {"temp": 1e-7})]
    shelf.put(0, 0, 2, frames_of([*readings, (2, "b", 1, HOUR_0_MS, {"hr": 1 / 3})]))
    (found,) = shelf.index.new[0]
    table = shelf.read(found)
    assert table["hr"].to_pylist() == [None, None, 1 / 3]
    assert table["temp"].to_pylist() == [36.65, 1e-7, None]
    assert table["unread"].to_pylist() == [1, 0, 0]


def test_only_one_process_writes_a_folder(tmp_path):
    with held(tmp_path), pytest.raises(VigilError, match="another vigil history run"), held(tmp_path):
        pass
    with held(tmp_path):
        pass


def test_tables_with_different_signals_are_joined_with_null(tmp_path):
    one, two = (
        frames_of([(0, "a", 0, HOUR_0_MS, {"hr": 1.0})]),
        frames_of([(1, "b", 0, HOUR_0_MS, {"spo2": 90.0})]),
    )
    table = joined([two, one])
    assert table.column_names[-2:] == ["hr", "spo2"]
    assert in_order(table)["spo2"].to_pylist() == [None, 90.0]
