"""`vigil audit`: a whole chain has a head, a broken one an exit code and the first wrong row."""

import json
import sqlite3

import pytest
from ledger_model import row_of

from edge.cli import main
from edge.history.sqlite_ledger import SqliteLedger


@pytest.fixture
def folder(tmp_path):
    ledger = SqliteLedger(tmp_path / "ledger.sqlite", for_writing=True)
    ledger.append([row_of(n) for n in range(5)])
    ledger.close()
    return tmp_path


def audit(folder, *arguments):
    return main(["audit", *arguments, "--dir", str(folder)])


def test_the_head_that_was_kept_is_found_again(folder, capsys):
    assert audit(folder, "head") == 0
    head = capsys.readouterr().out.strip()
    assert audit(folder, "verify", "--head", head) == 0
    assert f"5 rows follow each other; head {head}" in capsys.readouterr().out
    assert audit(folder, "verify", "--json") == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "rows": 5, "head": head}


def test_a_changed_row_is_named(folder, capsys):
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        db.execute("UPDATE records SET append_ts_ms = 0 WHERE seq = 3")
    db.close()
    assert audit(folder, "verify") == 1
    assert "row 3: vitals.alerts, partition 0, offset 2: changed" in capsys.readouterr().err


def test_rows_that_were_cut_off_the_end_are_found_by_the_head(folder, capsys):
    audit(folder, "head")
    head = capsys.readouterr().out.strip()
    with sqlite3.connect(folder / "ledger.sqlite") as db:
        db.execute("DELETE FROM records WHERE seq = 5")
    db.close()
    assert audit(folder, "verify") == 0
    assert audit(folder, "verify", "--head", head) == 1
    assert "rows 5 to 5 were removed from the end" in capsys.readouterr().err


@pytest.mark.parametrize("head", ["5", "5:xyz", "-1:" + "0" * 64, "5:00"])
def test_what_is_no_head_is_refused(folder, head):
    assert audit(folder, "verify", f"--head={head}") == 2


def test_where_no_history_was_written_is_said(tmp_path, capsys):
    assert audit(tmp_path / "none", "verify") == 2
    assert "vigil history run writes one" in capsys.readouterr().err
