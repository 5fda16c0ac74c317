"""A patient's readings out of the history: as Parquet, as CSV, as a FHIR Bundle."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Final, Literal

import pyarrow as pa

from clinical.vitals import SIGNALS
from edge.history import fhir, narrow
from edge.history.disk import Disk
from edge.history.levels import plausible
from edge.history.rows import readings, signals_of, whole
from edge.spreadsheet import Value, write_csv
from streams.errors import UsageError

Format = Literal["parquet", "csv", "fhir"]
FORMATS: Final[tuple[Format, ...]] = ("parquet", "csv", "fhir")
PLACE: Final = ("device", "boot", "seq")


def export(table: pa.Table, form: Format, path: Path, patient: str, now_ms: int) -> int:
    """Write a patient's rows to a file, whole or not at all, and return how many rows or resources it has.

    Raises:
        UsageError: too many readings for one bundle.
        OSError: the file cannot be written.
    """
    counts: list[int] = []

    def fill(file: IO[bytes]) -> None:
        if form == "parquet":
            narrow.write(table, file, {"vigil.patient": patient})
            counts.append(len(table))
            return
        text = _text(table, patient, now_ms, counts) if form == "fhir" else _csv(table, counts)
        file.write(text.encode())

    Disk().write(path.absolute(), fill)
    return counts[0]


def _csv(table: pa.Table, counts: list[int]) -> str:
    import io

    signals = signals_of(table)
    units = {signal.name: signal.unit for signal in SIGNALS}
    header = ["time", "ts_ms", "patient", *PLACE, *(f"{name} [{units[name]}]" for name in signals)]
    file = io.StringIO(newline="")
    counts.append(write_csv(file, header, _cells(table, signals)))
    return file.getvalue()


def _cells(table: pa.Table, signals: list[str]) -> Iterator[list[Value]]:
    columns = [table.column(name).to_pylist() for name in ("ts_ms", "patient", *PLACE, *signals)]
    for ts_ms, *rest in zip(*columns, strict=True):
        moment = datetime.fromtimestamp(ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%S")
        yield [f"{moment}.{ts_ms % 1000:03d}Z", ts_ms, *rest]


def _text(table: pa.Table, patient: str, now_ms: int, counts: list[int]) -> str:
    found = fhir.bundle(patient, list(single_readings(table)), now_ms)
    counts.append(len(found["entry"]))
    if counts[0] > fhir.ENTRIES_MAX:
        raise UsageError(
            f"{counts[0]} readings: a bundle takes {fhir.ENTRIES_MAX}; take less time, or --format parquet"
        )
    return json.dumps(found, allow_nan=False)


def single_readings(table: pa.Table) -> Iterator[fhir.Reading]:
    """Yield the readings of rows one by one, without what no sensor can report."""
    if len(table) == 0:
        return
    times = whole(table, "ts_ms").tolist()
    places = list(zip(whole(table, "partition").tolist(), whole(table, "offset").tolist(), strict=True))
    values = {name: readings(table, name) for name in signals_of(table)}
    known = {name: plausible(found, name) for name, found in values.items()}
    for i, ts_ms in enumerate(times):
        for name, found in values.items():
            if known[name][i]:
                yield ts_ms, name, float(found[i]), f"{places[i][0]}/{places[i][1]}"
