import json

import pytest

from bench.suite.report import build, write
from bench.suite.results import Results
from bench.suite.small_blocks import KINDS
from bench.suite.systems import SYSTEMS

REQUIRED = {"vigil", "faust", "quix", "bytewax", "kafka-streams", "flink", "raw-aiokafka", "raw-librdkafka"}
BURST = {"p50_ms", "p99_ms", "p999_ms", "max_ms", "missed", "recovery_s"}


def drain(per_core_s):
    return {
        "frames": 1_000,
        "cpu_s": 1.0,
        "broker_cpu_s": 1.0,
        "wall_s": 1.0,
        "rss_bytes": 10**8,
        "per_core_s": per_core_s,
        "per_s": 2 * per_core_s,
        "first_s": 6.0,
    }


def burst(p99_ms, missed=0, void=False):
    figures = dict.fromkeys(
        ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "worst_patient_p99_ms"), p99_ms
    )
    told = {"missed": missed, "onsets": 1_000, "recovery_s": 0.5}
    return {
        "base_hz": 100.0,
        "bursts": [
            {**figures, **told, "name": "5x5s", "headline": False, "start_s": 1.0, "end_s": 6.0},
            {**figures, **told, "name": "10x10s", "headline": True, "start_s": 8.0, "end_s": 18.0},
        ],
        "steady": figures,
        "unplanned": 0,
        "driver": {
            "void": void,
            "lag_ms": {"p50": 0.1, "p99": 0.2, "max": 1.0},
            "cpu_s": 1.0,
            "wall_s": 20.0,
            "priority": "nice 0",
        },
        "cpu_s": 1.0,
        "rss_bytes": 1,
        "second_p99_ms": [1.0, None, 2.0],
    }


@pytest.fixture
def results(tmp_path):
    return Results(tmp_path / "results")


def test_a_report_of_nothing_has_every_system_with_nulls(results):
    report = build(results, quick=True)
    assert set(report["systems"]) >= REQUIRED
    for system in report["systems"].values():
        assert system["drain_frames_per_core_s"] is None
        assert system["sustainable_frames_s"] is None
        assert system["burst"] == {"low": None, "high": None}
    assert report["vigil"]["growth"]["bytes_per_patient_100k"] is None
    assert set(report["peers"]) == set(SYSTEMS)
    assert {target["met"] for target in report["targets"]} == {None}
    assert build(results, quick=False)["kind"] == "partial"


def test_parts_that_were_measured_apart_merge_into_medians_and_ratios(results):
    for repeat, rate in enumerate((100.0, 300.0, 200.0), start=1):
        results.save("drain", "vigil", "", repeat, drain(rate))
    other = Results(results.folder)  # another run, later
    other.save("drain", "faust", "", 1, drain(2.0))
    other.save("drain", "quix", "", 1, {"failure": "it ended"})
    for base in ("low", "high"):
        other.save("burst", "vigil", base, 1, burst(50.0))
    other.save("burst", "faust", "low", 1, burst(None, missed=9))
    other.save("sustainable", "faust", "", 1, {"frames_s": 5.0, "steps": []})
    report = build(results, quick=False)
    vigil = report["systems"]["vigil"]
    assert vigil["drain_frames_per_core_s"] == 200.0
    assert (vigil["drain"]["lowest"], vigil["drain"]["highest"], vigil["drain"]["repeats"]) == (
        100.0,
        300.0,
        3,
    )
    assert report["ratios"]["faust"] == 100.0
    assert report["systems"]["faust"]["sustainable_frames_s"] == 5.0
    assert report["systems"]["quix"]["failures"][0]["failure"] == "it ended"
    assert set(vigil["burst"]["low"]) >= BURST
    assert report["systems"]["faust"]["burst"]["low"]["p99_ms"] is None  # infinite
    met = {target["target"]: target["met"] for target in report["targets"]}
    assert met["drain, frames/s per core, times faust"] is True
    assert met["burst on the low base, p99 in ms, times faust"] is True
    assert met["burst on the high base, p99 in ms, times faust"] is None
    assert met["missed alerts in any burst, low base"] is True


def test_an_infinite_figure_of_ours_misses_its_target(results):
    results.save("burst", "vigil", "low", 1, burst(None, missed=3))
    results.save("burst", "faust", "low", 1, burst(None, missed=9))
    met = {target["target"]: target["met"] for target in build(results, quick=False)["targets"]}
    assert met["burst on the low base, p99 in ms, times faust"] is False
    assert met["missed alerts in any burst, low base"] is False


def test_one_missed_alert_in_any_burst_misses_the_target(results):
    name = "missed alerts in any burst, low base"
    for missed in ((1, 0, 0, 0), (0, 0, 1, 0)):
        run = burst(10.0)
        run["bursts"] += [dict(run["bursts"][1]), dict(run["bursts"][1])]
        for one, count in zip(run["bursts"], missed, strict=True):
            one["missed"] = count
        results.save("burst", "vigil", "low", 1, run)
        met = {target["target"]: target["met"] for target in build(results, quick=False)["targets"]}
        assert met[name] is False


def test_runs_that_the_driver_could_not_keep_to_do_not_count(results):
    results.save("burst", "vigil", "low", 1, burst(900.0, void=True))
    results.save("burst", "vigil", "low", 2, burst(10.0))
    found = build(results, quick=False)["systems"]["vigil"]["burst"]["low"]
    assert (found["p99_ms"], found["repeats"], found["void"]) == (10.0, 1, 1)


def test_every_headline_burst_of_a_run_is_a_repeat_and_the_smaller_ones_stand_apart(results):
    run = burst(10.0)
    run["bursts"].append({**run["bursts"][1], "p99_ms": 30.0})
    results.save("burst", "vigil", "low", 1, run)
    results.save("burst", "vigil", "low", 2, burst(20.0))
    vigil = build(results, quick=False)["systems"]["vigil"]
    assert (vigil["burst"]["low"]["repeats"], vigil["burst"]["low"]["p99_ms"]) == (3, 20.0)
    assert vigil["burst"]["low"]["spread"]["p99_ms"] == [10.0, 30.0]
    assert set(vigil["shapes"]["low"]) == {"5x5s"}


def test_a_base_that_a_system_does_not_sustain_is_infinite_for_it_without_a_run(results, tmp_path):
    results.save("below", "faust", "high", 1, {"sustained_hz": 5.0, "base_hz": 100.0})
    results.save("burst", "vigil", "high", 1, burst(900.0))
    report = write(results, tmp_path, quick=False)
    assert report["systems"]["faust"]["burst"]["high"]["keeps_up"] is False
    assert report["systems"]["quix"]["burst"]["high"] is None
    met = {target["target"]: target["met"] for target in report["targets"]}
    assert met["burst on the high base, p99 in ms, times faust"] is True
    assert met["burst on the high base, p99 in ms, times kafka-streams"] is None
    assert "does not sustain the base" in (tmp_path / "report.md").read_text()


def test_a_report_names_the_commit_that_was_measured_and_says_when_there_are_several(results):
    Results(results.folder, {"id": "aaa", "changed": False}).save("drain", "vigil", "", 1, drain(1.0))
    assert build(results, quick=False)["commit"] == {"id": "aaa", "changed": False, "mixed": False}
    Results(results.folder, {"id": "bbb", "changed": True}).save("drain", "vigil", "", 2, drain(1.0))
    found = build(results, quick=False)["commit"]
    assert (found["changed"], found["mixed"]) == (True, True)


def test_only_what_succeeded_and_was_not_spoiled_by_the_driver_is_there_already(results):
    results.save("drain", "vigil", "", 1, drain(1.0))
    results.save("drain", "vigil", "", 2, {"failure": "it ended"})
    results.save("burst", "vigil", "low", 1, burst(1.0, void=True))
    results.save("burst", "vigil", "low", 2, burst(1.0))
    assert [results.has("drain", "vigil", "", repeat) for repeat in (1, 2, 3)] == [True, False, False]
    assert [results.has("burst", "vigil", "low", repeat) for repeat in (1, 2)] == [False, True]
    assert not results.has("burst", "vigil", "high", 2)


def test_figures_of_a_system_that_does_other_work_are_struck_out(results):
    results.save("equality", "quix", "", 1, {"equal": False, "starts": 9, "rules": 2, "differences": ["x"]})
    results.save("drain", "quix", "", 1, drain(50.0))
    results.save("drain", "vigil", "", 1, drain(100.0))
    report = build(results, quick=False)
    quix = report["systems"]["quix"]
    assert quix["drain_frames_per_core_s"] is None
    assert quix["struck_out"]["drain_frames_per_core_s"] == 50.0
    assert report["ratios"]["quix"] is None


def test_growth_is_memory_per_patient_and_the_drain_beside_the_usual_one(results):
    for patients, rss, rate in ((1_000, 1e8, 90.0), (10_000, 2e8, 100.0), (100_000, 10e8, 80.0)):
        point = {
            "patients": patients,
            "partitions": 8,
            "frames_per_core_s": rate,
            "rss_bytes": rss,
            "record_bytes": 100.0,
            "recovery_s": 1.0,
            "drains": [],
        }
        results.save("growth", "vigil", f"{patients}-8", 1, point)
        memory = {"patients": patients, "partitions": 8, "rss_bytes": 2 * rss}
        results.save("memory", "vigil", str(patients), 1, memory)
    growth = build(results, quick=False)["vigil"]["growth"]
    assert growth["bytes_per_patient_100k"] == pytest.approx(18e8 / 99_000)
    assert growth["drain_ratio_100k_to_10k"] == 0.8
    assert len(growth["points"]) == 3


def test_page_json_and_pictures_are_written_together(results, tmp_path):
    results.save("equality", "faust", "", 1, {"equal": False, "starts": 9, "rules": 2, "differences": ["x"]})
    for name in ("vigil", "faust"):
        results.save("drain", name, "", 1, drain(100.0))
        results.save("burst", name, "low", 1, burst(50.0))
        results.save("burst", name, "high", 1, burst(None, missed=1))
    results.save("drain", "quix", "", 3, {"failure": "it ended"})
    results.save("void", "vigil", "low-1", 1, {"driver": {}})
    refused = [{"factor": 10.0, "lag_ms": 12.34}, {"factor": 7.0, "lag_ms": None}]
    results.save("bases", "all", "", 1, {"high": {"hz": 100.0, "factor": 5.0, "refused": refused}})
    costs = {kind: {"best_us": 20.0, "median_us": 21.0, "calls": 9} for kind in KINDS}
    results.save("blocks", "vigil", "numpy", 1, costs)
    results.save("start", "vigil", "numpy", 1, {"first_s": 5.5, "cpu_s": 1.0})
    results.save("memory", "vigil", "10000", 1, {"patients": 10_000, "partitions": 8, "rss_bytes": 3e8})
    results.save("takeover", "vigil", "", 1, {"patients": 9, "gaps_s": [11.5], "longest_s": 11.5})
    write(results, tmp_path, quick=False)
    page = (tmp_path / "report.md").read_text()
    report = json.loads((tmp_path / "report.json").read_text())
    assert set(report["systems"]) == set(SYSTEMS)
    assert "| vigil | 100 |" in page
    assert "~~100~~" in page
    assert "∞" in page
    assert "- quix, drain 3: it ended" in page
    assert "1 runs were void" in page
    assert (
        "not offered 10 times: the driver was 12.3 ms late. It was not offered 7 times: too many frames"
        in page
    )
    assert "| vigil | 1,000 | 1,000 | 0.05 | 0.05 |" in page  # processor-seconds, and cores in bursts
    assert "| numpy | a block of one frame decoded | 21 | 20 |" in page
    for said in ("first alert came 5.5 s after the start", "300 MB resident", "for 11.5 s at most"):
        assert said in page
    for name in ("drain", "burst-low", "seconds-low"):
        assert f"![plots/{name}.svg](plots/{name}.svg)" in page
        assert (tmp_path / "plots" / f"{name}.svg").stat().st_size > 1_000
