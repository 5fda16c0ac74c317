"""The ledger in SQLite: one file, one writer, any number of readers beside it.

WAL, so that readers and the writer do not wait for each other; synchronous=FULL, so that a commit is on the disk; BEGIN
IMMEDIATE, because a transaction that reads first and writes then fails at once where another one has written. Readers
take whole pages of rows and leave no cursor half read, which would keep the log from being checkpointed.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final

from edge.history.chain import Row, chained
from edge.history.sql_ledger import SqlLedger
from streams.errors import VigilError

BUSY_S_MAX: Final = 5.0
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS records (
    seq INTEGER PRIMARY KEY,
    topic TEXT NOT NULL,
    partition INTEGER NOT NULL,
    offset INTEGER NOT NULL,
    append_ts_ms INTEGER NOT NULL,
    key BLOB,
    value BLOB,
    hash BLOB NOT NULL,
    patient TEXT,
    kind TEXT,
    at_ts_ms INTEGER,
    UNIQUE (topic, partition, offset)
) STRICT;
CREATE INDEX IF NOT EXISTS records_by_time ON records (topic, at_ts_ms, seq);
CREATE INDEX IF NOT EXISTS records_by_append ON records (topic, append_ts_ms, seq);
CREATE INDEX IF NOT EXISTS records_by_patient ON records (topic, patient, at_ts_ms, seq);
"""
VIEW: Final = """
CREATE VIEW IF NOT EXISTS {name} AS
SELECT partition, offset, append_ts_ms, patient, kind, at_ts_ms, CAST(value AS TEXT) AS value
FROM records WHERE topic = '{topic}';
"""
VIEWS: Final = {
    "alerts": "vitals.alerts",
    "commands": "vitals.commands",
    "deliveries": "vitals.deliveries",
    "audit": "vitals.audit",
    "limits": "vitals.limits",
}
"""Names for people with an SQL client; each record's own words are in `value`, as JSON."""


class SqliteLedger(SqlLedger):
    """A ledger in one file.

    Raises:
        VigilError: the file cannot be opened or is no ledger.
    """

    TABLE, OFFSET = "records", "offset"

    def __init__(self, path: Path, for_writing: bool = False) -> None:
        self._path = path
        try:
            if for_writing:
                path.parent.mkdir(parents=True, exist_ok=True)
                self._db = _connect(path.absolute().as_uri())
                self._prepare()
            else:
                self._db = _connect(f"{path.absolute().as_uri()}?mode=ro")
                self._db.execute("SELECT count(*) FROM records WHERE seq < 1").fetchone()
        except (sqlite3.Error, OSError) as error:
            raise VigilError(f"{path}: {error}") from None

    def _prepare(self) -> None:
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = FULL")
        self._db.executescript(
            SCHEMA + "".join(VIEW.format(name=name, topic=topic) for name, topic in VIEWS.items())
        )

    def append(self, rows: Iterable[Row]) -> int:
        """Put rows behind the chain, all or none; a record that is there already counts once.

        Raises:
            VigilError: the disk is full, or another process writes; nothing was written.
        """
        with self._said():
            self._db.execute("BEGIN IMMEDIATE")
            try:
                new = [row for row in _once_each(rows) if not self._has(row)]
                columns = self._columns()
                marks = ", ".join("?" * len(columns))
                values = [self._values(row) for row in chained(new, self.head())]
                self._db.executemany(
                    f"INSERT INTO {self.TABLE} ({', '.join(columns)}) VALUES ({marks})", values
                )
                self._db.execute("COMMIT")
            except BaseException:
                with suppress(sqlite3.Error):
                    self._db.execute("ROLLBACK")
                raise
        return len(new)

    @contextmanager
    def _said(self) -> Iterator[None]:
        """Tell what SQLite says in one line with the file."""
        try:
            yield
        except sqlite3.Error as error:
            raise VigilError(f"{self._path}: {error}") from None

    @staticmethod
    def _mark(name: str) -> str:
        return f":{name}"

    def _ask(self, asked: str, given: Mapping[str, Any]) -> list[Any]:
        with self._said():
            return self._db.execute(asked, given).fetchall()

    def _has(self, row: Row) -> bool:
        asked = "SELECT 1 FROM records WHERE topic = ? AND partition = ? AND offset = ?"
        return self._db.execute(asked, (row.topic, row.partition, row.offset)).fetchone() is not None

    def close(self) -> None:
        """Close the file."""
        self._db.close()


def _connect(uri: str) -> sqlite3.Connection:
    # Without an isolation level of its own it begins no transaction by itself.
    return sqlite3.connect(uri, timeout=BUSY_S_MAX, isolation_level=None, uri=True, check_same_thread=False)


def _once_each(rows: Iterable[Row]) -> Iterable[Row]:
    return {(row.topic, row.partition, row.offset): row for row in rows}.values()
