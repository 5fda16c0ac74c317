"""The ledger: alerts, commands and answers, deliveries, limits and the audit, each record once, none thinned."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final, Protocol

from edge.history.chain import Head, Row
from streams.config.secret_settings import is_given, secret_of
from streams.config.settings import Settings
from streams.contracts.topics import ALERTS, AUDIT, COMMANDS, DELIVERIES, LIMITS
from streams.errors import UsageError

KEPT: Final = (ALERTS, COMMANDS, DELIVERIES, AUDIT, LIMITS)
"""Topics whose every record is kept. Of the limits, which are compacted, each state that was read while it stood."""

BATCH_ROWS_MAX: Final = 5_000
"""Rows of one transaction."""


class Ledger(Protocol):
    """Where the rows are; one process appends, any number read. Topics are named without the prefix."""

    def append(self, rows: Iterable[Row]) -> int:
        """Put rows behind the chain, all or none, on the disk when this returns; return how many were new.

        Raises:
            VigilError: the store did not take them; they can be given again.
        """
        ...

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the offset behind the last row of each topic and partition."""
        ...

    def head(self) -> Head:
        """Return the end of the chain."""
        ...

    def rows(self) -> Iterator[Row]:
        """Yield every row in the order of the chain."""
        ...

    def between(
        self, topic: str, from_ts_ms: int, until_ts_ms: int, patient: str | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a topic with a time from `from_ts_ms` up to but not including `until_ts_ms`, by time."""
        ...

    def taken(self, topic: str, from_ts_ms: int, until_ts_ms: int) -> Iterator[Row]:
        """Yield the rows of a topic that the broker took from `from_ts_ms` up to but not including `until_ts_ms`."""
        ...

    def beginnings(self) -> dict[tuple[str, int], int]:
        """Return the offset of the first row of each topic and partition."""
        ...

    def count(self, topic: str, partition: int, first: int, behind: int) -> int:
        """Return how many offsets from `first` up to but not including `behind` are there."""
        ...

    def stretch(self, topic: str, partition: int, first: int, behind: int) -> list[Row]:
        """Return the rows of offsets from `first` up to but not including `behind`, by offset."""
        ...

    def close(self) -> None:
        """Let go of the store."""
        ...


def ledger_path(settings: Settings) -> Path:
    """Return where the SQLite file is."""
    return folder(settings) / "ledger.sqlite"


def folder(settings: Settings) -> Path:
    """Return the folder of the history."""
    return settings.history_dir or settings.data_dir / "history"


def readings_folder(settings: Settings) -> Path:
    """Return the folder of the Parquet files."""
    return folder(settings) / "readings"


def is_kept(settings: Settings) -> bool:
    """Tell whether there is a ledger to read where the settings say."""
    return is_given(settings, "history_postgres") or ledger_path(settings).is_file()


def open_ledger(settings: Settings, for_writing: bool = False) -> Ledger:
    """Open the ledger that the settings name: PostgreSQL where they do, else SQLite.

    Raises:
        UsageError: there is none to read, or the package for PostgreSQL is missing.
        VigilError: it cannot be opened.
    """
    if (conninfo := secret_of(settings, "history_postgres")) is not None:
        from edge.history.postgres_ledger import PostgresLedger

        return PostgresLedger(conninfo, for_writing)
    from edge.history.sqlite_ledger import SqliteLedger

    path = ledger_path(settings)
    if not for_writing and not is_kept(settings):
        raise UsageError(f"no history in {path.parent}: vigil history run writes one")
    return SqliteLedger(path, for_writing)
