"""The ledger in SQLite: each record once, all or none, safe beside readers, and tampering with the file is found."""

import sqlite3

import pytest
from ledger_model import row_of

from edge.history.chain import Broken, Head, Row, first_broken
from edge.history.sqlite_ledger import SqliteLedger
from streams.errors import VigilError


@pytest.fixture
def ledger(tmp_path):
    opened = SqliteLedger(tmp_path / "ledger.sqlite", for_writing=True)
    yield opened
    opened.close()


def test_a_record_that_is_read_again_is_not_written_twice(ledger):
    assert ledger.append([row_of(0), row_of(1), row_of(1)]) == 2
    assert ledger.append([row_of(1), row_of(2), row_of(1, partition=3)]) == 2
    assert [(row.partition, row.offset) for row in ledger.rows()] == [(0, 0), (0, 1), (0, 2), (3, 1)]
    assert ledger.positions() == {("vitals.alerts", 0): 3, ("vitals.alerts", 3): 2}
    assert first_broken(ledger.rows()) == ledger.head()


def test_rows_come_by_time_and_of_one_patient(ledger):
    ledger.append([row_of(n, event_ts_ms=1_000 * (5 - n), patient=f"bed-{n % 2}") for n in range(5)])
    ledger.append([row_of(0, topic="vitals.commands", event_ts_ms=2_000)])
    times = [row.at_ts_ms for row in ledger.between("vitals.alerts", 2_000, 5_000)]
    assert times == [2_000, 3_000, 4_000]
    assert [row.offset for row in ledger.between("vitals.alerts", 0, 9_000, "bed-1")] == [3, 1]


def test_rows_come_by_when_the_broker_took_them_whatever_they_say_of_themselves(ledger):
    ledger.append([row_of(n, event_ts_ms=9_000 - n) for n in range(2_500)])
    ledger.append([row_of(7, topic="vitals.commands"), row_of(3, partition=2)])
    taken = list(ledger.taken("vitals.alerts", 2_001, 4_400))
    assert sorted(row.offset for row in taken if row.partition == 0) == list(range(1, 2_400))
    assert [row.offset for row in taken if row.partition == 2] == [3]
    assert [row.append_ts_ms for row in taken] == sorted(row.append_ts_ms for row in taken)
    assert ledger.beginnings() == {
        ("vitals.alerts", 0): 0,
        ("vitals.alerts", 2): 3,
        ("vitals.commands", 0): 7,
    }


def test_pages_leave_nothing_out(ledger):
    ledger.append([row_of(n, event_ts_ms=n // 700) for n in range(2_500)])
    assert [row.offset for row in ledger.between("vitals.alerts", 0, 9_000)] == list(range(2_500))
    assert len(list(ledger.rows())) == 2_500


def test_a_value_that_nobody_can_read_is_kept_all_the_same(ledger):
    ledger.append(
        [Row("vitals.alerts", 0, 0, 5, None, b"\xff\0"), Row("vitals.limits", 0, 0, 6, b"bed-1", None)]
    )
    assert [row.value for row in ledger.rows()] == [b"\xff\0", None]
    assert first_broken(ledger.rows()) == ledger.head()


def test_a_reader_with_an_open_page_keeps_nobody_from_writing(tmp_path, ledger):
    ledger.append([row_of(n) for n in range(2_000)])
    reader = SqliteLedger(tmp_path / "ledger.sqlite")
    reading = reader.rows()
    next(reading)
    ledger.append([row_of(5_000)])
    assert len(list(reading)) == 2_000
    reader.close()


def test_a_commit_is_on_the_disk_when_it_returns(ledger):
    assert ledger._db.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert ledger._db.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL


def test_what_cannot_be_written_is_told_and_can_be_given_again(tmp_path, ledger):
    ledger.append([row_of(0)])
    other = sqlite3.connect(tmp_path / "ledger.sqlite", isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    ledger._db.execute("PRAGMA busy_timeout = 1")
    with pytest.raises(VigilError, match="locked"):
        ledger.append([row_of(1)])
    other.execute("ROLLBACK")
    other.close()
    assert ledger.append([row_of(1)]) == 1
    ledger._db.execute("PRAGMA max_page_count = 1")
    with pytest.raises(VigilError, match="full"):
        ledger.append([row_of(2, reason="x" * 100_000)])
    ledger._db.execute("PRAGMA max_page_count = 100000")
    assert ledger.append([row_of(2)]) == 1
    assert first_broken(ledger.rows()) == ledger.head()


@pytest.mark.parametrize(
    ("tamper", "seq"),
    [
        ("UPDATE records SET value = X'7b7d' WHERE seq = 4", 4),
        ("UPDATE records SET patient = 'bed-9' WHERE seq = 4", 4),
        ("DELETE FROM records WHERE seq = 4", 4),
        ("UPDATE records SET seq = -seq WHERE seq > 3", 1),
        ("UPDATE records SET offset = 99 WHERE seq = 2", 2),
    ],
)
def test_tampering_with_the_file_is_found(tmp_path, ledger, tamper, seq):
    ledger.append([row_of(n) for n in range(9)])
    other = sqlite3.connect(tmp_path / "ledger.sqlite")
    other.execute(tamper)
    other.commit()
    other.close()
    found = first_broken(ledger.rows())
    assert isinstance(found, Broken)
    assert found.seq == seq


def test_an_empty_ledger_has_an_empty_head(ledger):
    assert ledger.head() == Head()
    assert ledger.positions() == {}


def test_a_file_that_is_no_ledger_is_told(tmp_path):
    (tmp_path / "ledger.sqlite").write_text(
        "no database at all, but text that is long enough to be looked at" * 9
    )
    with pytest.raises(VigilError, match=r"ledger\.sqlite"):
        SqliteLedger(tmp_path / "ledger.sqlite")
