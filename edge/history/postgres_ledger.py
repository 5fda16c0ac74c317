"""The ledger in PostgreSQL, or Timescale, which is one: the same rows and the same chain, by psycopg 3 (an extra).

One connection, made again when it is lost, and a bound on every wait: for the server, for a lock, for an answer.
"""

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

from edge.history.chain import Head, Row, chained
from edge.history.sql_ledger import SqlLedger
from edge.history.sqlite_ledger import VIEWS
from streams.errors import UsageError, VigilError

CONNECT_S_MAX: Final = 5
STATEMENT_S_MAX: Final = 15
LOCK_S_MAX: Final = 5
CHAIN_LOCK: Final = 0x7669_6761_6C  # "vigal"
"""Number of the lock that only one writer holds: two would make two rows of one number."""

_OPTIONS: Final = (
    f"-c statement_timeout={STATEMENT_S_MAX}s -c lock_timeout={LOCK_S_MAX}s "
    f"-c idle_in_transaction_session_timeout={STATEMENT_S_MAX}s"
)
SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS vigil_records (
    seq bigint NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    offset_ bigint NOT NULL,
    append_ts_ms bigint NOT NULL,
    key bytea,
    value bytea,
    hash bytea NOT NULL,
    patient text,
    kind text,
    at_ts_ms bigint,
    PRIMARY KEY (seq),
    UNIQUE (topic, partition, offset_)
);
CREATE INDEX IF NOT EXISTS vigil_records_by_time ON vigil_records (topic, at_ts_ms, seq);
CREATE INDEX IF NOT EXISTS vigil_records_by_append ON vigil_records (topic, append_ts_ms, seq);
CREATE INDEX IF NOT EXISTS vigil_records_by_patient ON vigil_records (topic, patient, at_ts_ms, seq);
"""
VIEW: Final = """
CREATE OR REPLACE VIEW vigil_{name} AS
SELECT partition, offset_, append_ts_ms, patient, kind, at_ts_ms, convert_from(value, 'UTF8') AS value
FROM vigil_records WHERE topic = '{topic}' AND kind IS NOT NULL;
"""


class PostgresLedger(SqlLedger):
    """A ledger in a database.

    Args:
        conninfo: how the server is reached, as libpq reads it; holds a password.
        for_writing: whether tables are made where there are none.

    Raises:
        UsageError: psycopg is not installed.
        VigilError: the server does not answer, or lets us not in.
    """

    TABLE, OFFSET = "vigil_records", "offset_"

    def __init__(self, conninfo: str, for_writing: bool = False) -> None:
        try:
            import psycopg
        except ImportError:
            raise UsageError(
                "history_postgres needs psycopg: pip install 'psycopg[binary]>=3.3,<4'"
            ) from None
        self._psycopg, self._conninfo = psycopg, conninfo
        self._db: Any = None
        try:
            if for_writing:
                self._prepare()
            else:
                self._ask("SELECT 1 FROM vigil_records LIMIT 1", {})
        except VigilError:
            self.close()
            raise

    def _prepare(self) -> None:
        with self._connected() as db, db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (CHAIN_LOCK,))
            db.execute(SCHEMA)
            for name, topic in VIEWS.items():
                db.execute(VIEW.format(name=name, topic=topic))

    def _connected(self) -> "_Use":
        return _Use(self)

    def append(self, rows: Iterable[Row]) -> int:
        """Put rows behind the chain, all or none; a record that is there already counts once.

        Raises:
            VigilError: the server did not take them within the bounds; it may have, and then they count once.
        """
        with self._connected() as db, db.transaction():
            db.execute("SELECT pg_advisory_xact_lock(%s)", (CHAIN_LOCK,))
            given = {(row.topic, row.partition, row.offset): row for row in rows}
            there = self._places(db, given)
            new = [row for place, row in given.items() if place not in there]
            columns = self._columns()
            marks = ", ".join(["%s"] * len(columns))
            asked = f"INSERT INTO {self.TABLE} ({', '.join(columns)}) VALUES ({marks}) ON CONFLICT DO NOTHING"
            end = db.execute(self._head_asked()).fetchone()
            with db.cursor() as cursor:
                rows = chained(new, Head(*end) if end else Head())
                cursor.executemany(asked, [self._values(row) for row in rows])
        return len(new)

    @staticmethod
    def _places(db: Any, given: Iterable[tuple[str, int, int]]) -> set[tuple[str, int, int]]:
        topics, partitions, offsets = zip(*given, strict=True) if given else ((), (), ())
        asked = (
            "SELECT topic, partition, offset_ FROM vigil_records WHERE (topic, partition, offset_) IN "
            "(SELECT * FROM unnest(%s::text[], %s::int[], %s::bigint[]))"
        )
        return set(db.execute(asked, (list(topics), list(partitions), list(offsets))).fetchall())

    @staticmethod
    def _mark(name: str) -> str:
        return f"%({name})s"

    def _ask(self, asked: str, given: Mapping[str, Any]) -> list[Any]:
        with self._connected() as db:
            return list(db.execute(asked, given).fetchall())

    def close(self) -> None:
        """Leave the server."""
        if self._db is not None:
            with suppress(self._psycopg.Error):
                self._db.close()
            self._db = None


class _Use:
    """The connection while a `with` block lasts: made where there is none, given up where it failed."""

    def __init__(self, ledger: PostgresLedger) -> None:
        self._ledger = ledger

    def __enter__(self) -> Any:
        ledger = self._ledger
        try:
            if ledger._db is None or ledger._db.closed:
                ledger._db = ledger._psycopg.connect(
                    ledger._conninfo, connect_timeout=CONNECT_S_MAX, options=_OPTIONS, autocommit=True
                )
        except ledger._psycopg.Error as error:
            raise VigilError(f"history_postgres: {_line(error)}") from None
        return ledger._db

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, self._ledger._psycopg.Error):
            self._ledger.close()
            raise VigilError(f"history_postgres: {_line(error)}") from None


def _line(error: Exception) -> str:
    return " ".join(str(error).split())
