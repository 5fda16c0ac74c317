"""A discontinuous EDF+ file through a worker, and through the evaluation's judge: alarms at the recording's times."""

import pytest
from edf_writing import Written, edf, tal

from edge.evaluation.datasets import find_datasets
from edge.evaluation.judging import judge_under
from edge.replaying import run_replay
from streams.config.settings import Settings
from streams.kafka.log_file import write_log

RULES = """
[technical]
enabled = false
[news2]
enabled = false
[[rule]]
id = "hr-120-10"
signal = "hr"
high = 120
delay_s = 10
priority = "medium"
"""


@pytest.fixture
def dataset(tmp_path):
    """A heart rate of 10 s, nothing for 30.5 s, a high one for 20 s that is the physical minimum for 2 s."""
    high = [130] * 8 + [-1] * 2
    rates = Written("HR", "bpm", [[80] * 10, high, [130] * 10], ("-1", "300"), (-1, 300))
    data = edf([rates], [tal(0), tal(40.5), tal(50.5)], record_s="10", annotations_at=0)
    (tmp_path / "night.edf").write_bytes(data)
    (tmp_path / "rules.toml").write_text(RULES)
    [found] = find_datasets([tmp_path / "night.edf"])
    return found


def settings_in(folder):
    return Settings(rules=folder / "rules.toml", data_dir=folder / "data")


def test_a_replay_starts_the_alarm_after_the_gap_at_the_time_of_its_data_record(dataset, tmp_path):
    found = run_replay(dataset.recordings, settings_in(tmp_path))
    assert found.frames == 30
    assert [
        (one["patient"], one["rule"], one["onset_ts_ms"], one["event_ts_ms"])
        for one in found.alerts
        if one["phase"] == "start"
    ] == [("night", "hr-120-10", 40_500, 50_500)]


def test_the_evaluation_judges_it_the_same(dataset, tmp_path):
    write_log(tmp_path / "log", dataset.log())
    judged = judge_under(tmp_path / "log", {"own": tmp_path / "rules.toml"}, settings_in(tmp_path), tmp_path)
    starts = [one for one in judged["own"].alerts if one.phase == "start"]
    assert [(one.onset_ts_ms, one.event_ts_ms) for one in starts] == [(40_500, 50_500)]
