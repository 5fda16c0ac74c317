"""The ledger in PostgreSQL: the same rows and the same chain as in SQLite, on a real server."""

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ledger_model import row_of
from postgres_server import postgres

from edge.history.chain import Broken, Row, first_broken
from edge.history.ledger import open_ledger
from edge.history.postgres_ledger import CHAIN_LOCK, PostgresLedger
from edge.history.sqlite_ledger import SqliteLedger
from streams.config.settings import Settings
from streams.errors import VigilError

__all__ = ["postgres"]

ODD = [b'{"patient":"a\\u0000b","kind":"x"}', b'{"patient":"\\ud800","kind":"\\ud800"}', b'{"at_ts_ms":1e3}']
"""Values that are JSON and have in them what not every store takes."""


@pytest.fixture
def ledger(postgres):
    with psycopg.connect(postgres.conninfo, autocommit=True) as db:
        db.execute("DROP SCHEMA public CASCADE")
        db.execute("CREATE SCHEMA public")
    opened = PostgresLedger(postgres.conninfo, for_writing=True)
    yield opened
    opened.close()


def test_a_record_that_is_read_again_is_not_written_twice(ledger):
    assert ledger.append([row_of(0), row_of(1), row_of(1)]) == 2
    assert ledger.append([row_of(1), row_of(2), row_of(1, partition=3)]) == 2
    assert ledger.append([]) == 0
    assert [(row.partition, row.offset) for row in ledger.rows()] == [(0, 0), (0, 1), (0, 2), (3, 1)]
    assert ledger.positions() == {("vitals.alerts", 0): 3, ("vitals.alerts", 3): 2}
    assert first_broken(ledger.rows()) == ledger.head()


@settings(max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(
        st.builds(
            Row,
            st.sampled_from(["vitals.alerts", "vitals.commands"]),
            st.integers(0, 2),
            st.integers(0, 9),
            st.integers(0, 2**52),
            st.none() | st.binary(max_size=5),
            st.none() | st.binary(max_size=20) | st.sampled_from(ODD),
        ),
        max_size=12,
    )
)
def test_both_stores_hold_the_same_chain(tmp_path_factory, ledger, rows):
    with psycopg.connect(ledger._conninfo, autocommit=True) as db:
        db.execute("TRUNCATE vigil_records")
    other = SqliteLedger(tmp_path_factory.mktemp("other") / "ledger.sqlite", for_writing=True)
    for cut in (rows[:5], rows[3:]):
        assert ledger.append(cut) == other.append(cut)
    assert ledger.head() == other.head()
    assert [row.hash for row in ledger.rows()] == [row.hash for row in other.rows()]
    assert first_broken(ledger.rows()) == ledger.head()
    for patient in (None, "bed-1"):
        one, two = (list(found.between("vitals.alerts", 0, 2**53, patient)) for found in (ledger, other))
        assert [row.seq for row in one] == [row.seq for row in two]
    one, two = (list(found.taken("vitals.alerts", 9, 2**51)) for found in (ledger, other))
    assert [row.seq for row in one] == [row.seq for row in two]
    assert ledger.beginnings() == other.beginnings()
    other.close()


def test_tampering_with_the_table_is_found(ledger):
    ledger.append([row_of(n) for n in range(9)])
    with psycopg.connect(ledger._conninfo, autocommit=True) as db:
        db.execute("UPDATE vigil_records SET value = '{}' WHERE seq = 4")
    found = first_broken(ledger.rows())
    assert isinstance(found, Broken)
    assert found.seq == 4


def test_people_with_an_sql_client_read_what_records_say(ledger):
    ledger.append([row_of(0, reason="low"), Row("vitals.alerts", 0, 1, 5, None, b"\xff")])
    with psycopg.connect(ledger._conninfo) as db:
        found = db.execute("SELECT patient, kind, value::jsonb ->> 'reason' FROM vigil_alerts").fetchall()
    assert found == [("bed-1", "start", "low")]


def test_a_second_writer_waits_for_so_long_and_no_longer(ledger):
    with psycopg.connect(ledger._conninfo) as db:
        db.execute("SELECT pg_advisory_xact_lock(%s)", (CHAIN_LOCK,))
        ledger._db.execute("SET lock_timeout = 100")
        with pytest.raises(VigilError, match="lock timeout"):
            ledger.append([row_of(0)])
    assert ledger.append([row_of(0)]) == 1


def test_a_server_that_goes_away_is_told_and_found_again(postgres, ledger):
    ledger.append([row_of(0)])
    postgres.stop()
    try:
        for _ in range(2):
            with pytest.raises(VigilError, match="history_postgres"):
                ledger.append([row_of(1)])
    finally:
        postgres.start()
    assert ledger.append([row_of(0), row_of(1)]) == 1
    assert first_broken(ledger.rows()) == ledger.head()


def test_the_settings_choose_the_store_and_never_show_the_password(postgres, ledger):
    settings = Settings(history_postgres=postgres.conninfo + " password=hunter-7")
    assert "hunter-7" not in repr(settings)
    opened = open_ledger(settings)
    assert isinstance(opened, PostgresLedger)
    opened.close()


def test_a_server_that_is_not_there_is_told_in_one_line():
    with pytest.raises(VigilError, match="history_postgres: connection"):
        PostgresLedger("host=127.0.0.1 port=1 user=nobody dbname=none")
