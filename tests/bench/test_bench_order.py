"""The order of a bench: rounds over all systems, what the targets need first, and no more than there is time for."""

from types import SimpleNamespace

import numpy as np
import pytest

from bench.suite.burst import HEADLINE_S, HEADLINE_WAKE_S, Bursts
from bench.suite.driver import FRAMES_MAX, check_plan
from bench.suite.fill import Log, log_requests, mark_at
from bench.suite.order import (
    AGAIN,
    COMPARED,
    FIRST,
    MINUTES,
    PHASES,
    REPEATS,
    SLOW,
    SLOW_REPEATS,
    base_hz,
    expected_base_hz,
    fitting,
    items,
    table,
)
from bench.suite.results import Results
from bench.suite.run import Run, Wanted
from bench.suite.sustainable import sustained_hz
from bench.suite.systems import SYSTEMS
from streams.errors import VigilError

ALL = [system for name, system in SYSTEMS.items() if name != "vigil-1"]


def names(found):
    return [item.name for item in found]


@pytest.mark.parametrize("engines", [("numpy",), ("numba", "numpy")])
def test_all_that_targets_are_about_fits_into_a_benchs_time(monkeypatch, engines):
    monkeypatch.setattr("bench.suite.order.ENGINES", engines)
    every = items(ALL, PHASES, REPEATS, 1.0, False)
    fit = fitting(every, MINUTES)
    assert {item.phase for item in fit} == {*PHASES, "memory"}
    for name in COMPARED:
        for base in ("low", "high"):
            mine = [
                item for item in fit if (item.phase, item.system.name, item.variant) == ("burst", name, base)
            ]
            assert sum(item.bursts.headlines for item in mine) >= 3
    assert {"burst faust low 1", "growth vigil 10000-8 1", "growth vigil 100000-8 1"} <= set(names(fit))
    assert {"takeover vigil 1", "memory vigil 10000 1", *(f"start vigil {one} 3" for one in engines)} <= set(
        names(fit)
    )
    assert fitting(every, 2 * MINUTES) == every
    quick = items(ALL, PHASES, 1, 0.4, True)
    assert {item.variant for item in quick if item.phase == "burst"} == {"low", "high"}
    assert not [item for item in quick if item.phase in ("sustainable", "growth")]
    assert f"minutes of {MINUTES:g}" in table(every, MINUTES)
    assert not fitting(every, 0.0)


def test_equality_comes_first_and_every_round_of_drains_goes_over_all_systems():
    found = names(items(ALL, PHASES, 2, 1.0, False))
    assert found[:6] == [f"equality {system.name} 1" for system in ALL if system.alarms]
    drains = [name for name in found if name.startswith("drain")]
    there, back = ([f"drain {system.name} {repeat}" for system in ALL] for repeat in (1, 2))
    assert drains == [*there, *reversed(back)]
    assert found.index("burst vigil high 4") > found.index("growth vigil 100000-8 1")
    assert found.index("burst flink low 1") > found.index("burst kafka-streams high 5")


def test_in_later_rounds_the_systems_that_are_far_away_are_not_drained_again():
    found = items(ALL, ["drain"], REPEATS, 1.0, False)
    for system in ALL:
        wanted = SLOW_REPEATS if system.name in SLOW else REPEATS
        assert sum(item.system is system for item in found) == wanted


def test_a_part_of_a_bench_holds_only_what_was_asked_for():
    assert names(items([SYSTEMS["quix"]], ["drain", "growth"], 1, 1.0, False)) == ["drain quix 1"]
    assert {item.phase for item in items([SYSTEMS["flink"]], PHASES, 1, 0.4, True)} == {"equality", "drain"}


def run(results, minutes=MINUTES, stop_after=None, trouble_at=None):
    """Run two rounds of Vigil's drains with a stand-in for the drain; return what it took, and the run."""
    wanted = Wanted(["vigil"], ["drain"], 2, 8, 1.0, False, None, None, minutes)
    bench = Run(SimpleNamespace(bootstrap="127.0.0.1:1", pids=[]), wanted, results)
    taken = []

    def drain(item):
        if len(taken) == stop_after:
            raise KeyboardInterrupt
        taken.append(item.repeat)
        if len(taken) == trouble_at:
            raise VigilError("the broker refused a batch")
        results.save(item.phase, item.system.name, item.variant, item.repeat, {"per_core_s": 1.0})

    bench._drain = drain
    try:
        bench.all()
    except KeyboardInterrupt:
        taken.append("cut off")
    return taken, bench


def test_a_run_that_was_cut_off_goes_on_with_what_is_missing(tmp_path):
    results = Results(tmp_path)
    assert run(results, stop_after=1)[0] == [1, "cut off"]
    assert run(results)[0] == [2]
    assert run(results)[0] == []


def test_a_run_that_the_driver_spoiled_is_tried_again_when_all_else_is_there(tmp_path):
    results = Results(tmp_path)
    results.save("drain", "vigil", "", 1, {"driver": {"void": True}})
    assert run(results)[0] == [2, 1]


def test_a_base_rate_comes_from_the_median_of_several_searches(tmp_path):
    found = [item.name for item in items(ALL, ["sustainable"], 1, 1.0, False)]
    assert found[:3] == ["sustainable vigil 1", "sustainable faust 1", "sustainable vigil 2"]
    assert len(found) == len(set(found)) == 7
    results = Results(tmp_path)
    for repeat, rate in enumerate((2_700.0, 1_900.0, 2_500.0), start=1):
        results.save("sustainable", "faust", "", repeat, {"frames_s": rate})
    assert run(results, stop_after=0)[1]._found_hz("low") == 250.0


@pytest.mark.parametrize(
    ("searches", "sustained"),
    [
        ([], None),
        ([400.0], 400.0),
        ([400.0, None, 500.0], 400.0),
        ([400.0, None], None),
        ([None, 400.0, None], None),
        ([300.0, 500.0], 300.0),
    ],
)
def test_a_search_in_which_no_rate_was_held_counts_as_the_lowest(searches, sustained):
    assert sustained_hz(searches) == sustained


def test_trouble_with_what_a_measurement_needs_leaves_the_others_alone(tmp_path):
    taken, bench = run(Results(tmp_path), trouble_at=1)
    assert (taken, bench.failed) == ([1, 2], 1)
    assert run(Results(tmp_path))[0] == [1]


def test_a_run_leaves_out_what_there_is_no_time_for_and_names_it(tmp_path):
    taken, bench = run(Results(tmp_path), minutes=0.1)
    assert not taken
    assert bench.left_out == ["drain vigil 1", "drain vigil 2"]


def test_bases_are_of_the_slowest_python_peer_and_of_vigil():
    sustained = {"vigil": 90.0, "quix": 50.0, "faust": 20.0, "flink": 10.0}
    assert base_hz("low", sustained) == pytest.approx(2.0)
    assert base_hz("high", sustained) == pytest.approx(7.5)
    assert base_hz("high", {"quix": 1.0}) is None
    assert base_hz("low", {"flink": 1.0}) is None


def test_a_run_holds_its_bursts_one_after_the_other_and_fits_the_driver():
    plan = Bursts(True, 2).plan(expected_base_hz("low"), 10.0, 8)
    check_plan(plan)
    assert [burst.factor for burst in plan.bursts] == [2.0, 5.0, 10.0, 10.0]
    assert plan.flood_s > 0
    assert plan.bursts[1].end_s < plan.flood_at_s < plan.bursts[2].start_s
    assert plan.length_s == plan.bursts[-1].start_s + HEADLINE_S + HEADLINE_WAKE_S
    assert [burst.factor for burst in Bursts(True, 1).plan(1.0, 3.0, 8).bursts] == [2.0, 3.0, 3.0]


def test_ten_times_the_second_base_is_less_than_vigil_sustains_and_fits_the_driver_twice_over():
    base = base_hz("high", {"vigil": 1.0})
    assert 0.8 < 10 * base < 0.9
    plan = AGAIN["high"].plan(base, 10.0, 8)
    assert [(burst.factor, burst.length_s) for burst in plan.bursts] == [(10.0, 10.0)]
    for runs in (FIRST, AGAIN):
        assert 2 * runs["high"].plan(expected_base_hz("high"), 10.0, 8).frames_about < FRAMES_MAX


@pytest.mark.parametrize(
    ("lags", "factor", "refused"),
    [
        ([0.4], 10.0, []),
        ([9.0, 0.4], 10.0, []),
        ([9.0, 7.0, 0.4], 7.0, [(10.0, 7.0)]),
        ([9.0, 8.0, 7.0, 6.0, 5.0], 5.0, [(10.0, 8.0), (7.0, 6.0)]),
    ],
)
def test_a_base_says_at_which_factors_the_driver_was_late(tmp_path, monkeypatch, lags, factor, refused):
    bench, left = run(Results(tmp_path), stop_after=0)[1], iter(lags)
    monkeypatch.setattr("bench.suite.run.rehearse", lambda stage, plan: next(left))
    base = bench._rehearsed("high", 20_000.0)
    assert (base.factor, [(one.factor, one.lag_ms) for one in base.refused]) == (factor, refused)
    assert list(left) == []


def test_a_burst_of_more_frames_than_the_driver_holds_is_offered_fewer_times_without_a_rehearsal(
    tmp_path, monkeypatch
):
    bench = run(Results(tmp_path), stop_after=0)[1]
    monkeypatch.setattr("bench.suite.run.rehearse", lambda stage, plan: 0.1)
    base = bench._rehearsed("high", FRAMES_MAX / 140)
    assert (base.factor, base.refused[0].factor, base.refused[0].lag_ms) == (7.0, 10.0, None)


def test_a_slow_system_is_measured_up_to_an_early_mark_of_the_common_log():
    log = Log(400_000, 10_000, 2)
    done = np.zeros((2, log.marks + 1), dtype=np.int64)
    for _ in log_requests("readings", log, done, 0):
        pass
    reached = done.sum(axis=0)
    assert reached[mark_at(done, 40_000)] == 40_000
    assert reached[mark_at(done, 0.2 * 40_000)] == 10_000  # the first mark with at least 8,000
    assert mark_at(done, 10**9) == log.marks
    assert reached[-1] == log.frames
