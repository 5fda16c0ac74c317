"""Questions to the history: the same answer wherever the rows are, a gap is a gap, no file in the making harms."""

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shelf_model import HOUR_0_MS, frames_of, log_of, plain_levels, work

from edge.history.disk import LOOKS_MAX
from edge.history.query import History, trend
from edge.history.rows import HOUR_MS
from edge.history.shelf import Shelf
from streams.errors import UsageError


def plain_trend(table, patient, from_ms, until_ms, signal, step_s):
    """Return what `trend` should, by loops and ifs over the rows."""
    buckets = plain_levels(table, step_s)
    first_ms = from_ms // (step_s * 1000) * step_s * 1000
    steps = range(first_ms, until_ms, step_s * 1000)
    found = [(ts, buckets.get((patient, ts, signal), (0, 0, None, 0))[2]) for ts in steps]
    return found if any(mean is not None for _, mean in found) else []


@settings(max_examples=6)
@given(seed=st.integers(0, 10_000), share=st.floats(0.2, 1.0), step_s=st.sampled_from([60, 120, 900, 1800]))
def test_the_answer_is_the_same_wherever_the_rows_are(tmp_path_factory, seed, share, step_s):
    root, table = tmp_path_factory.mktemp("shelf"), log_of(seed, 80)
    shelf, rng = Shelf(root), random.Random(seed)
    cut = int(len(table) * share)
    work(shelf, table.slice(0, cut), rng)  # merged and thinned
    if cut < len(table):  # hours that reach further than their levels, and what is only new
        offsets = table["offset"].to_pylist()
        middle = (cut + len(table)) // 2
        if middle > cut:
            shelf.put(0, shelf.positions()[0], offsets[middle - 1] + 1, table.slice(cut, middle - cut))
            shelf.merge(0)
        shelf.put(0, shelf.positions()[0], offsets[-1] + 1, table.slice(middle))
    from_ms, until_ms = HOUR_0_MS - 6 * HOUR_MS + 1_234, HOUR_0_MS + 6 * HOUR_MS - 4_321
    for signal in ("hr", "spo2", "etco2"):
        found = trend(root, "bed-1", from_ms, until_ms, [signal], step_s)[signal]
        plain = plain_trend(table, "bed-1", from_ms, until_ms, signal, step_s)
        assert [ts for ts, _ in found] == [ts for ts, _ in plain]
        for (_, mean), (_, expected) in zip(found, plain, strict=True):
            assert mean == (None if expected is None else pytest.approx(expected, rel=1e-6))


def test_a_merge_that_was_broken_off_doubles_nothing(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 2, frames_of([(n, "bed-1", n, HOUR_0_MS + n * 1000, {"hr": 70.0 + n}) for n in range(2)]))
    new = {path: path.read_bytes() for path in tmp_path.rglob("new/*.parquet")}
    shelf.merge(0)
    for path, content in new.items():
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(content)
    rows = History(tmp_path).raw("bed-1", HOUR_0_MS, HOUR_0_MS + HOUR_MS)
    assert rows["hr"].to_pylist() == [70.0, 71.0]


def test_a_file_that_is_being_written_is_not_looked_at(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 1, frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})]))
    (path,) = tmp_path.rglob("*.parquet")
    path.with_name(path.name + ".part").write_bytes(b"PAR1")
    assert trend(tmp_path, "bed-1", HOUR_0_MS, HOUR_0_MS + 2000, ["hr"], 1) == {
        "hr": [(HOUR_0_MS, 70.0), (HOUR_0_MS + 1000, None)]
    }


def test_a_file_that_is_replaced_while_it_is_asked_for_is_looked_for_again(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 1, frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})]))

    class MovedOn(History):
        looks = 0

        def index(self, *between):
            found = super().index(*between)
            self.looks += 1
            if self.looks == 1:
                shelf.merge(0)
            return found

    history = MovedOn(tmp_path)
    assert history.raw("bed-1", HOUR_0_MS, HOUR_0_MS + 1)["hr"].to_pylist() == [70.0]
    assert history.looks >= 2


def test_a_writer_that_works_off_a_backlog_may_replace_a_file_at_each_of_many_looks(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 1, frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})]))

    class Busy(History):
        looks = 0

        def index(self, *between):
            found = super().index(*between)
            self.looks += 1
            if self.looks < LOOKS_MAX:
                at = self.looks
                shelf.put(0, at, at + 1, frames_of([(at, "bed-1", at, HOUR_0_MS + at, {"hr": 70.0 + at})]))
                shelf.merge(0)
            return found

    rows = Busy(tmp_path).raw("bed-1", HOUR_0_MS, HOUR_0_MS + HOUR_MS)
    assert rows["hr"].to_pylist() == [70.0 + at for at in range(LOOKS_MAX)]


def test_a_column_that_only_later_files_have_is_there(tmp_path):
    shelf = Shelf(tmp_path)
    shelf.put(0, 0, 1, frames_of([(0, "bed-1", 0, HOUR_0_MS, {"hr": 70.0})]))
    shelf.put(0, 1, 2, frames_of([(1, "bed-1", 1, HOUR_0_MS + HOUR_MS, {"temp": 36.6})]))
    shelf.merge(0)
    rows = History(tmp_path).raw("bed-1", HOUR_0_MS, HOUR_0_MS + 2 * HOUR_MS)
    assert rows["temp"].to_pylist() == [None, 36.6]
    assert rows["hr"].to_pylist() == [70.0, None]


def test_nothing_comes_of_a_patient_or_a_folder_that_is_not_there(tmp_path):
    assert trend(tmp_path / "none", "bed-1", 0, 1000, ["hr"], 1) == {"hr": []}


@pytest.mark.parametrize(("signals", "step_s"), [(["hr; DROP"], 1), (["hr"], 0)])
def test_what_there_is_not_is_refused(tmp_path, signals, step_s):
    with pytest.raises(UsageError):
        trend(tmp_path, "bed-1", 0, 1000, signals, step_s)
