"""The targets of a report: each is held or missed by what was measured, and nothing else."""

import pytest

from bench.suite.report import build
from bench.suite.results import Results
from bench.suite.small_blocks import KINDS
from bench.suite.targets import START_MORE_S_MAX, TAKEOVER_S_MAX

DRAINS = {
    "vigil": 160.0,
    "kafka-streams": 100.0,
    "flink": 110.0,
    "bytewax": 50.0,
    "quix": 30.0,
    "faust": 2.0,
    "raw-aiokafka": 300.0,
    "raw-librdkafka": 210.0,
}
"""Frames/s per core with which every target on them is just held."""


def drain(per_core_s, per_s, first_s=1.0):
    spent = {"frames": 1_000, "cpu_s": 2.0, "broker_cpu_s": 1.0, "wall_s": 1.0, "rss_bytes": 10**8}
    return spent | {"per_core_s": per_core_s, "per_s": per_s, "first_s": first_s}


def burst(p99_ms, p999_ms, missed=0, recovery_s=0.5):
    latency = dict.fromkeys(("p50_ms", "p90_ms", "p99_ms", "max_ms", "worst_patient_p99_ms"), p99_ms)
    told = latency | {"p999_ms": p999_ms, "missed": missed, "onsets": 1_000, "recovery_s": recovery_s}
    driver = {"void": False, "lag_ms": {"p50": 0.1, "p99": 0.2, "max": 1.0}, "cpu_s": 1.0, "wall_s": 20.0}
    return {
        "base_hz": 100.0,
        "bursts": [{**told, "name": "10x10s", "headline": True, "start_s": 8.0, "end_s": 18.0}],
        "steady": latency,
        "unplanned": 0,
        "driver": driver | {"priority": "nice 0"},
        "cpu_s": 10.0,
        "rss_bytes": 1,
        "second_p99_ms": [1.0],
    }


def blocks(us):
    return {kind: {"best_us": us / 2, "median_us": us, "calls": 9} for kind in KINDS}


@pytest.fixture
def results(tmp_path):
    """A bench in which every target is held."""
    found = Results(tmp_path)
    for name, per_core_s in DRAINS.items():
        found.save("drain", name, "", 1, drain(per_core_s, per_core_s))
    for base in ("low", "high"):
        found.save("burst", "vigil", base, 1, burst(10.0, 20.0))
        found.save("burst", "kafka-streams", base, 1, burst(10.0, 20.0))
        found.save("burst", "faust", base, 1, burst(None, None, missed=9))
    found.save("bases", "all", "", 1, {"high": {"hz": 100.0, "factor": 10.0, "refused": []}})
    found.save("blocks", "vigil", "numpy", 1, blocks(30.0))
    for engine, first_s in (("numpy", 5.0), ("numba", 5.0 + START_MORE_S_MAX)):
        found.save("start", "vigil", engine, 1, {"first_s": first_s, "cpu_s": 1.0})
    found.save("takeover", "vigil", "", 1, {"patients": 1, "gaps_s": [1.0], "longest_s": 1.0})
    found.save("memory", "vigil", "10000", 1, {"patients": 10_000, "partitions": 8, "rss_bytes": 350e6})
    for patients, rss in (("1000", 1e8), ("100000", 10e8)):
        found.save(
            "memory", "vigil", patients, 1, {"patients": int(patients), "partitions": 8, "rss_bytes": rss}
        )
    for patients, rate in ((10_000, 100.0), (100_000, 80.0)):
        point = {"patients": patients, "partitions": 8, "frames_per_core_s": rate, "rss_bytes": 1e8}
        point |= {"record_bytes": 100.0, "recovery_s": 1.0, "drains": []}
        found.save("growth", "vigil", f"{patients}-8", 1, point)
    return found


def verdicts(results):
    return {one["target"]: one["met"] for one in build(results, quick=False)["targets"]}


def missed(results):
    return {target for target, met in verdicts(results).items() if met is False}


def test_every_target_is_measured_and_can_be_held(results):
    assert set(verdicts(results).values()) == {True}


@pytest.mark.parametrize(
    ("peer", "bound"), [("kafka-streams", 1.6), ("flink", 1.4), ("raw-librdkafka", 0.75)]
)
def test_a_drain_just_below_the_wanted_multiple_is_missed(results, peer, bound):
    results.save("drain", peer, "", 1, drain(160.0 / bound * 1.001, 1.0))
    assert missed(results) == {f"drain, frames/s per core, times {peer}"}


def test_a_drain_on_the_wall_has_a_target_of_its_own(results):
    results.save("drain", "kafka-streams", "", 1, drain(100.0, 160.0 / 1.39))
    assert missed(results) == {"drain, frames/s on the wall, times kafka-streams"}


@pytest.mark.parametrize("base", ["low", "high"])
def test_a_tail_longer_than_that_of_kafka_streams_is_missed(results, base):
    results.save("burst", "vigil", base, 1, burst(10.0, 20.1))
    assert missed(results) == {f"burst on the {base} base, p99.9 in ms, times kafka-streams"}
    results.save("burst", "vigil", base, 1, burst(10.1, 20.0))
    assert missed(results) == {f"burst on the {base} base, p99 in ms, times kafka-streams"}


def test_more_than_a_second_at_the_high_base_is_missed_though_others_are_slower(results):
    results.save("burst", "kafka-streams", "high", 1, burst(5_000.0, 6_000.0))
    results.save("burst", "vigil", "high", 1, burst(1_001.0, 1_002.0))
    assert missed(results) == {"burst on the high base, p99 in ms"}


def test_an_alert_that_never_came_and_a_recovery_of_more_than_two_seconds_are_missed(results):
    results.save("burst", "vigil", "high", 1, burst(10.0, 20.0, missed=1, recovery_s=2.1))
    assert missed(results) == {
        "missed alerts in any burst, high base",
        "recovery from the burst, high base, s",
    }


def test_a_driver_that_could_offer_no_more_than_seven_times_the_base_is_a_missed_target(results):
    refused = [{"factor": 10.0, "lag_ms": 12.0}]
    results.save("bases", "all", "", 1, {"high": {"hz": 100.0, "factor": 7.0, "refused": refused}})
    assert missed(results) == {"times the high base that the driver offers on time"}


def test_small_blocks_are_judged_by_the_median_of_the_faster_engine(results):
    results.save("blocks", "vigil", "numba", 1, blocks(4.0))
    results.save("blocks", "vigil", "numpy", 1, blocks(400.0))
    assert missed(results) == set()
    results.save("blocks", "vigil", "numba", 1, blocks(31.0))
    assert missed(results) == {"a block of one frame judged, us of processor time"}
    results.save("blocks", "vigil", "numba", 1, blocks(151.0))
    assert len(missed(results)) == 3


def test_a_workers_memory_start_and_takeover_are_bounded(results):
    results.save("memory", "vigil", "10000", 1, {"patients": 10_000, "partitions": 8, "rss_bytes": 351e6})
    late = {"patients": 1, "gaps_s": [], "longest_s": TAKEOVER_S_MAX + 0.1}
    results.save("takeover", "vigil", "", 1, late)
    results.save("start", "vigil", "numba", 1, {"first_s": 5.1 + START_MORE_S_MAX, "cpu_s": 1.0})
    assert missed(results) == {
        "memory of a worker of 10,000 patients, MB",
        "longest gap when a worker is killed, s",
        "start to the first judged frame with numba, s more than with numpy",
    }


def test_a_start_without_a_choice_of_engines_says_nothing_about_compiled_ones(tmp_path):
    results = Results(tmp_path)
    results.save("start", "vigil", "numpy", 1, {"first_s": 5.0, "cpu_s": 1.0})
    report = build(results, quick=False)
    assert report["vigil"]["start"]["numpy"]["median"] == 5.0
    assert {one["met"] for one in report["targets"] if one["target"].startswith("start")} == {None}


def test_processor_seconds_of_every_system_stand_beside_each_other(results):
    peers = build(results, quick=False)["peers"]
    assert peers["flink"]["drain_s_per_million"] == 2_000.0
    assert peers["flink"]["drain_broker_s_per_million"] == 1_000.0
    assert peers["vigil"]["burst_cores"] == {"low": 0.5, "high": 0.5}
    assert peers["flink"]["burst_cores"] == {"low": None, "high": None}
