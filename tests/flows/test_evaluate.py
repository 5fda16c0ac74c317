"""Evaluating recordings: the offline judge gives what a worker gives, and the report holds it."""

import json
from html.parser import HTMLParser
from pathlib import Path

import pytest

from edge import cli
from edge.evaluation.datasets import find_datasets
from edge.evaluation.judging import judge_under
from edge.readers import open_recording
from edge.replaying import run_replay
from streams.config.rulesets import path_of
from streams.config.settings import Settings
from streams.errors import UsageError
from streams.kafka.log_file import write_log

HEADER = "Time [s], HR, PULSE, RESP, SpO2\n"


def write_recording(path, spo2):
    rows = [f"{second},80,80,15,{'' if value is None else value}\n" for second, value in enumerate(spo2)]
    path.write_text(HEADER + "".join(rows))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two patients: one dips for 4 s and later for 30 s, the other loses the sensor for 30 s."""
    folder = tmp_path_factory.mktemp("ward")
    write_recording(folder / "dips.csv", [97] * 10 + [85] * 4 + [97] * 30 + [84] * 30 + [97] * 46)
    write_recording(folder / "loses.csv", [97] * 40 + [None] * 30 + [97] * 50)
    (folder / "notes.csv").write_text("nothing,of,ours\n1,2,3\n")
    return folder


def test_the_offline_judge_gives_the_alerts_of_a_worker_on_a_broker(folder, tmp_path):
    (dataset,) = find_datasets([folder])
    assert dataset.passed_over == 1
    write_log(tmp_path / "log", dataset.log())
    judged = judge_under(tmp_path / "log", {"vigil": path_of(Path("vigil"))}, Settings(), tmp_path)["vigil"]
    recordings = [open_recording(folder / name) for name in ("dips.csv", "loses.csv")]
    replayed = run_replay(recordings, Settings(data_dir=tmp_path / "data"))

    def told(alerts):
        return {alert["id"]: {**alert, "append_ts_ms": 0} for alert in alerts}

    offline = told(alert.model_dump(mode="json") for alert in judged.alerts)
    assert offline
    assert offline == told(replayed.alerts)
    assert judged.tally["judged"] == replayed.frames


def test_the_report_says_what_each_rule_set_does(folder, tmp_path, capsys):
    assert cli.main(["evaluate", str(folder), "--report", str(tmp_path / "report")]) == 0
    assert "report: " in capsys.readouterr().out
    data = json.loads((tmp_path / "report" / "report.json").read_text())
    (found,) = data["datasets"]
    assert (data["rules"], data["against"], found["recordings"]) == ("classic", "vigil", 2)
    assert found["patient_hours"] == pytest.approx(240 / 3600, abs=1e-5)
    spo2 = next(line for line in found["by_rule"] if line["rule"] == "spo2-low")
    assert (spo2["classic"]["alarms"], spo2["vigil"]["alarms"], spo2["reduction"]) == (2, 1, 0.5)
    assert (spo2["classic"]["brief_share"], spo2["added_latency_s"], spo2["removed"]) == (0.5, 15.0, 1)
    (gone,) = [one for one in found["removed"] if one["rule"] == "spo2-low"]
    assert (gone["patient"], gone["onset_s"], gone["violated_s"]) == ("dips", 10.0, 3.0)
    (missing,) = found["missing"]
    assert (missing["signal"], missing["missing"], missing["longest_s"]) == ("spo2", 30, 30.0)
    assert missing["technical"] == {"classic": 1, "vigil": 1}
    assert missing["physiological"] == {"classic": 0, "vigil": 0}
    page = (tmp_path / "report" / "index.html").read_text()
    HTMLParser().feed(page)
    assert page.count("<svg") == page.count("</svg>") == 3
    assert "http" not in page.replace('xmlns="http://www.w3.org/2000/svg"', "")


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        (["--rules", "classic", "--against", "classic"], "the same"),
        (["--rules", "nowhere.toml"], "nowhere.toml"),
    ],
)
def test_wrong_rule_sets_are_wrong_usage(folder, tmp_path, capsys, arguments, names):
    assert cli.main(["evaluate", str(folder), "--report", str(tmp_path), *arguments]) == 2
    assert names in capsys.readouterr().err


def test_a_folder_without_recordings_is_refused(tmp_path):
    (tmp_path / "notes.csv").write_text("nothing,of,ours\n")
    with pytest.raises(UsageError, match="no recording in"):
        find_datasets([tmp_path])
