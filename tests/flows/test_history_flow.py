"""The history from topics to answers, with the process killed on the way."""

import json
import signal

import pytest
from history_flow import BEGUN_MS, Archive
from worker_flow import wait_until

from edge.cli import main
from edge.history.process import Writer
from edge.history.readings_store import ReadingsStore
from edge.history.sqlite_ledger import SqliteLedger
from streams.errors import VigilError


@pytest.fixture
def archive(broker, tmp_path):
    made = Archive(broker.bootstrap, tmp_path / "history")
    yield made
    made.close()


def vigil(archive, *arguments):
    settings = archive.settings
    where = ["--dir", str(archive.folder), "--prefix", settings.topic_prefix]
    return main([*arguments[:2], *where, *arguments[2:]])


def test_what_was_killed_again_and_again_holds_what_the_topics_hold(archive, capsys, monkeypatch):
    monkeypatch.setenv("VIGIL_TIME_BASE", "recorded")
    brokers = ["--brokers", archive.settings.brokers]
    for round_ in range(3):
        process = archive.start()
        archive.send(400, start=round_ * 400)
        archive.tell(30, start=round_ * 30)
        if round_ < 2:
            wait_until(lambda before=round_ * 400: archive.rows() > before, "something new is on the disk")
            process.kill()
            process.wait(10)
    wait_until(lambda: archive.rows() == 1200, "all is kept")
    process.send_signal(signal.SIGTERM)
    assert process.wait(20) == 0, archive.log()
    assert vigil(archive, "history", "verify", *brokers, "--json") == 0, capsys.readouterr()
    found = json.loads(capsys.readouterr().out)
    assert found["ok"]
    assert found["compared"] == 1200 + 3 * 90
    ledger = SqliteLedger(archive.folder / "ledger.sqlite")
    assert len(list(ledger.rows())) == 3 * 90
    ledger.close()
    assert vigil(archive, "audit", "verify") == 0
    assert "270 rows follow each other" in capsys.readouterr().out


@pytest.fixture(scope="module")
def written(broker, tmp_path_factory):
    made = Archive(broker.bootstrap, tmp_path_factory.mktemp("written") / "history", history_flush_s=3_600)
    made.send(100)
    made.tell(4)
    with Writer(made.settings) as writer:
        wait_until(
            lambda: (
                (writer.turn(0.2), writer.readings.rows, sum(writer.ledger.positions().values()))[1:]
                == (100, 12)
            ),
            "all is read",
        )
        writer.finish()
    yield made
    made.close()


def test_a_question_is_answered_at_the_command_line(written, capsys):
    arguments = [
        "--from",
        str(BEGUN_MS),
        "--until",
        str(BEGUN_MS + 60_000),
        "--step",
        "10s",
        "--signals",
        "hr,spo2",
    ]
    assert vigil(written, "history", "query", "bed-1", *arguments, "--json") == 0
    found = json.loads(capsys.readouterr().out)
    assert sum(step["count"] for step in found["signals"]["hr"]) == 20
    assert vigil(written, "history", "query", "bed-1", *arguments) == 0
    assert "/ 97.5 /" in capsys.readouterr().out
    assert vigil(written, "history", "query", "bed-99", *arguments) == 0
    assert "no reading of bed-99" in capsys.readouterr().out


@pytest.mark.parametrize("form", ["parquet", "csv", "fhir"])
def test_an_export_is_written_whole(written, capsys, tmp_path, form):
    arguments = ["--from", str(BEGUN_MS), "--until", str(BEGUN_MS + 60_000), "--out", str(tmp_path / "out")]
    assert vigil(written, "history", "export", "bed-1", "--format", form, *arguments) == 0
    assert "20 rows" in capsys.readouterr().out or form == "fhir"
    assert (tmp_path / "out").stat().st_size > 100


def test_the_load_and_the_audit_are_told_at_the_command_line(written, capsys):
    between = ["--from", str(BEGUN_MS - 1), "--until", str(BEGUN_MS + 60_000)]
    assert vigil(written, "history", "load", *between) == 0
    assert "bed-1: 1 alarms (1 high, 0 medium, 0 low), 0 acknowledged" in capsys.readouterr().out
    assert vigil(written, "audit", "list", *between) == 0
    assert "nurse-1  view  bed-1" in capsys.readouterr().out


def test_a_change_in_the_files_is_found_by_comparing_with_the_topics(written, capsys, monkeypatch):
    monkeypatch.setenv("VIGIL_TIME_BASE", "recorded")
    brokers = ["--brokers", written.settings.brokers]
    assert vigil(written, "history", "verify", *brokers) == 0
    capsys.readouterr()
    (path,) = written.folder.glob("readings/new/p00000-*.parquet")
    whole = path.read_bytes()
    from edge.history import narrow

    table = narrow.read(path)
    changed = table.set_column(table.column_names.index("hr"), "hr", narrow.pa.array([1.0] * len(table)))
    for name, wrong, said in (
        ("missing", table.slice(1), "1 missing"),
        ("twice", narrow.pa.concat_tables([table, table.slice(0, 1)]), "1 twice"),
        ("different", changed, "different"),
    ):
        with path.open("wb") as file:
            narrow.write(wrong, file, {})
        assert vigil(written, "history", "verify", *brokers) == 1, name
        assert said in capsys.readouterr().out
    path.write_bytes(whole)
    assert vigil(written, "history", "verify", *brokers) == 0


def test_the_folder_of_another_log_is_refused(written):
    other = Archive(written.settings.brokers, written.folder)
    with pytest.raises(VigilError, match="the history of another log"), Writer(other.settings):
        pass
    other.close()


def test_a_disk_that_is_full_is_told_and_nothing_is_lost(archive, caplog, monkeypatch):
    archive.send(100)
    archive.tell(3)
    with Writer(archive.settings) as writer:
        put, full = writer.readings._shelf.put, [True]

        def no_room(*arguments):
            if full[0]:
                raise OSError(28, "No space left on device")
            put(*arguments)

        monkeypatch.setattr(writer.readings._shelf, "put", no_room)
        wait_until(lambda: (writer.turn(0.2), writer.readings.retries.failing)[1], "the disk is full")
        assert writer.metrics.registry.get_sample_value("vigil_history_failing", {"store": "readings"}) == 1
        assert "No space left on device" in caplog.text
        full[0] = False
        wait_until(lambda: (writer.turn(0.2), archive.rows())[1] == 100, "it was written later")
        assert writer.metrics.registry.get_sample_value("vigil_history_failing", {"store": "readings"}) == 0
    assert archive.rows() == 100


def test_beyond_the_bound_no_more_is_read_until_there_is_room(archive, monkeypatch):
    monkeypatch.setattr("edge.history.readings_store.ROWS_MAX", 50)
    archive.send(300)
    with Writer(archive.settings) as writer:
        wait_until(lambda: (writer.turn(0.2), archive.rows())[1] == 300, "all is kept, in parts")
    assert ReadingsStore is type(writer.readings)
