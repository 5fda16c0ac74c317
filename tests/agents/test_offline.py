"""The judge without a broker: the alerts of a worker, and an end at the first record that is none of ours."""

import io
import json

import pytest
from logs import Record, frame, tick_record
from worker_model import WorkerModel

from agents import offline
from agents.judging.verdict import Tally
from clinical.defaults import DEFAULT_RULES
from streams.errors import BadData
from streams.kafka.log_file import write_log

LOG = [
    record
    for second in range(120)
    for record in (
        Record(
            2 * second,
            second * 1000,
            b"bed-1",
            frame(seq=second, event_ms=second * 1000, hr=80 if second < 30 else 130),
        ),
        tick_record(2 * second + 1, second * 1000),
    )
]
TTL_S = 3600


@pytest.mark.parametrize("block", [4_000, 7])
def test_it_tells_what_a_worker_tells(monkeypatch, block):
    monkeypatch.setattr(offline, "BLOCK_RECORDS", block)
    worker, tally = WorkerModel(DEFAULT_RULES, patient_ttl_s=TTL_S), Tally()
    worker.take(LOG)
    alerts = list(offline.judge_log(LOG, DEFAULT_RULES, TTL_S, tally))
    assert {alert.rule for alert in alerts} == {"hr-high"}
    assert alerts == list(worker.alerts.values())
    assert (tally.judged, tally.ticks) == (120, 120)


def test_a_record_that_is_no_frame_ends_it():
    with pytest.raises(BadData, match=r"record 240: not-json"):
        list(offline.judge_log([*LOG, Record(240, 0, b"bed-1", b"{")], DEFAULT_RULES, TTL_S, Tally()))


def test_alerts_are_lines_of_json_and_the_last_line_is_the_tally(tmp_path):
    write_log(tmp_path / "log", ((r.timestamp, r.key, r.value) for r in LOG))
    output = io.BytesIO()
    assert offline.main([str(tmp_path / "log")], output) == 0
    *alerts, tally = (json.loads(line) for line in output.getvalue().splitlines())
    assert alerts[0]["phase"] == "start"
    assert tally["tally"]["judged"] == 120


def test_a_log_that_is_not_there_is_one_line_and_exit_code_4(tmp_path, capsys):
    assert offline.main([str(tmp_path / "none")], io.BytesIO()) == 4
    assert (
        capsys.readouterr().err == f"vigil: {tmp_path / 'none'}: cannot be read: No such file or directory\n"
    )
