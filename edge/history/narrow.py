"""Rows as they lie in a file: each column as narrow as its values allow without losing any of them."""

from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

ROW_GROUP: Final = 262_144
"""Rows that are read together, more than half an hour of 125 beds: a file's footer, read for every question, describes
every column of every group, and costs more than the names that are looked through [M] (docs/history.md)."""

SOUGHT: Final = ("patient", "ts_ms")
"""Columns by which questions choose: of these alone a footer says the lowest and the highest."""

ZSTD_LEVEL: Final = 3
TENTHS: Final = pa.decimal128(9, 1)
SMALL: Final = 32_767
TENTHS_MAX: Final = 99_999_999


def narrowed(values: Any) -> Any:
    """Return numbers as int16 where all are whole, as tenths where all are, else as the narrowest float that is exact.

    What is null stays null; the numbers that come back (`widened`) are the same ones, bit for bit.
    """
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    numbers = array.to_numpy(zero_copy_only=False)
    without = np.isnan(numbers)
    known = np.where(without, 0.0, numbers)
    negative_zero = bool((np.signbit(known) & (known == 0)).any())
    if not negative_zero and np.array_equal(known, np.rint(known)) and np.abs(known).max(initial=0) <= SMALL:
        return pa.array(known.astype(np.int16), mask=without)
    tenths = np.rint(known * 10)
    if (
        not negative_zero
        and np.abs(tenths).max(initial=0) <= TENTHS_MAX
        and np.array_equal(tenths / 10, known)
    ):
        return _as_tenths(tenths, without)
    single = known.astype(np.float32)
    if np.array_equal(single.astype(np.float64), known):
        return pa.array(single, mask=without)
    return pa.array(known, mask=without)


def _as_tenths(tenths: NDArray[np.float64], without: NDArray[np.bool_]) -> Any:
    """Return tenths as decimals; a decimal of 128 bits is its whole number, low half first."""
    halves = np.empty((len(tenths), 2), np.int64)
    halves[:, 0] = tenths.astype(np.int64)
    halves[:, 1] = halves[:, 0] >> 63
    bits = pa.py_buffer(np.packbits(~without, bitorder="little").tobytes()) if without.any() else None
    return pa.Array.from_buffers(TENTHS, len(tenths), [bits, pa.py_buffer(halves.tobytes())])


def widened(values: Any) -> Any:
    """Return a narrow column as float64, null where it is."""
    array = values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values
    if isinstance(array, pa.ChunkedArray):
        array = array.chunk(0) if array.num_chunks else pa.array([], array.type)
    if not pa.types.is_decimal(array.type):
        return array.cast(pa.float64())
    halves = np.frombuffer(array.buffers()[1], np.int64).reshape(-1, 2)
    tenths = halves[array.offset : array.offset + len(array), 0]
    return pa.array(tenths / 10, mask=array.is_null().to_numpy(zero_copy_only=False))


def write(table: pa.Table, sink: Any, said: dict[str, str]) -> None:
    """Write a table as a Parquet file: names as dictionaries, numbers that count up as steps, all by zstd.

    Args:
        table: float64 columns are made narrow.
        sink: where to, an open file.
        said: what the file says of itself, beside the Parquet schema.
    """
    columns = [
        narrowed(table.column(field.name)) if pa.types.is_float64(field.type) else table.column(field.name)
        for field in table.schema
    ]
    narrow = pa.table(columns, names=table.column_names).replace_schema_metadata(said)
    pq.write_table(
        narrow,
        sink,
        row_group_size=ROW_GROUP,
        compression="zstd",
        compression_level=ZSTD_LEVEL,
        write_statistics=[name for name in SOUGHT if name in narrow.column_names],
        use_dictionary=[f.name for f in narrow.schema if pa.types.is_dictionary(f.type)],
        column_encoding={
            f.name: _encoding(f.type) for f in narrow.schema if not pa.types.is_dictionary(f.type)
        },
        store_decimal_as_integer=True,
    )


def _encoding(kind: Any) -> str:
    if pa.types.is_int64(kind):
        return "DELTA_BINARY_PACKED"
    return "BYTE_STREAM_SPLIT"  # against whole and as steps, dictionary or plain: docs/history.md


def read(source: Any) -> pa.Table:
    """Return what a file of ours holds, with float64 for every narrow number, and names as dictionaries."""
    found = pq.read_table(source, read_dictionary=["patient", "device"])
    columns = [
        column if pa.types.is_int64(field.type) or pa.types.is_dictionary(field.type) else widened(column)
        for field, column in zip(found.schema, found.columns, strict=True)
    ]
    return pa.table(columns, names=found.column_names).unify_dictionaries().combine_chunks()
