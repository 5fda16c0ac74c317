"""Numbers in a file: as narrow as they allow, and back as the same ones; whose clock is believed."""

import io
import math

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.history import narrow
from edge.history.file_names import HOUR, LEVELS_S, NEW, Named, named, period_of
from edge.history.rows import HOUR_MS, Believed

NUMBERS = st.one_of(
    st.integers(-40_000, 40_000).map(float),
    st.integers(-1_000_000, 1_000_000).map(lambda tenths: tenths / 10),
    st.floats(-10_000, 10_000, width=32),
    st.floats(-10_000, 10_000),
)


def same(one, two):
    return one == two and math.copysign(1, one) == math.copysign(1, two)


@given(st.lists(st.none() | NUMBERS, max_size=30))
@example([-0.0])
@example([None, 0.1, -0.0])
@example([32_767.0, -32_768.0])
@example([9_999_999.9, None])
def test_numbers_come_back_bit_for_bit_and_null_as_null(values):
    table = pa.table({"hr": pa.array(values, pa.float64())})
    file = io.BytesIO()
    narrow.write(table, file, {})
    file.seek(0)
    back = narrow.read(file)["hr"].to_pylist()
    assert len(back) == len(values)
    for one, two in zip(values, back, strict=True):
        assert (one is None) == (two is None)
        assert one is None or same(one, two)


def test_a_footer_says_the_range_of_what_questions_choose_by_and_of_nothing_else():
    rows = 1_000
    table = pa.table(
        {
            "patient": pa.array(["bed-1"] * rows).dictionary_encode(),
            "ts_ms": np.arange(rows),
            "offset": np.arange(rows),
            "hr": np.full(rows, 70.0),
        }
    )
    file = io.BytesIO()
    narrow.write(table, file, {})
    group = pq.read_metadata(file).row_group(0)
    told = [group.column(place) for place in range(group.num_columns)]
    assert [one.path_in_schema for one in told if one.is_stats_set] == ["patient", "ts_ms"]
    assert group.num_rows == rows


@pytest.mark.parametrize(
    ("values", "kind"),
    [
        ([70.0, None, 97.0], pa.int16()),
        ([36.6, 37.0], pa.decimal128(9, 1)),
        ([0.25], pa.float32()),
        ([1 / 3], pa.float64()),
        ([40_000.0], pa.decimal128(9, 1)),
        ([None, None], pa.int16()),
    ],
)
def test_a_column_is_as_narrow_as_its_numbers_allow(values, kind):
    assert narrow.narrowed(pa.array(values, pa.float64())).type == kind


def test_a_clock_that_cannot_be_right_does_not_say_in_which_hour_a_frame_counts():
    believed = Believed(late_ms_max=1_000, ahead_ms_max=10)
    event, append = np.array([5_000, 3_999, 5_010, 5_011, 0]), np.full(5, 5_000)
    assert believed.times(event, append).tolist() == [5_000, 5_000, 5_010, 5_000, 5_000]
    assert Believed(0, 0, recorded=True).times(event, append).tolist() == event.tolist()


@given(
    st.sampled_from([NEW, HOUR, *map(str, LEVELS_S)]),
    st.integers(0, 4_000_000_000_000),
    st.integers(0, 1_023),
    st.integers(0, 2**62),
)
def test_a_file_is_known_by_its_name(tmp_path_factory, kind, ts_ms, partition, first):
    root = tmp_path_factory.getbasetemp()
    hour_ms = ts_ms // HOUR_MS * HOUR_MS
    start_ms = 0 if kind == NEW else hour_ms if kind == HOUR else period_of(int(kind), hour_ms)
    one = Named(kind, start_ms, partition, first, first + 7)
    assert named(one.path(root)) == one
    assert named(root / kind / "strange.parquet") is None
