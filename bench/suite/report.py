"""The report: everything measured, as medians with their spread, ratios, and targets met or missed."""

import json
import math
import os
import re
import statistics
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from bench.machine import commit, memory_bytes, processor, versions
from bench.suite.burst import finite
from bench.suite.growth import SYSTEM
from bench.suite.order import MEMORY, PHASES
from bench.suite.page import page
from bench.suite.results import BELOW, VOID, Results
from bench.suite.small_blocks import KINDS
from bench.suite.sustainable import sustained_hz
from bench.suite.systems import SYSTEMS, System
from bench.suite.targets import BASES, WORKER_PATIENTS, targets

BURST_FIGURES: Final = (
    "p50_ms",
    "p90_ms",
    "p99_ms",
    "p999_ms",
    "max_ms",
    "worst_patient_p99_ms",
    "missed",
    "recovery_s",
)
PEERS: Final = Path(__file__).resolve().parent.parent / "peers"
PINS: Final = (
    ("quix/requirements.txt", r"(quixstreams)==(\S+)"),
    ("bytewax/requirements.txt", r"(bytewax)==(\S+)"),
    ("raw_librdkafka/requirements.txt", r"(confluent-kafka)==(\S+)"),
    ("kafka_streams/pom.xml", r"<(kafka)\.version>([^<]+)<"),
    ("flink/pom.xml", r"<(flink)\.version>([^<]+)<"),
)
"""Where the peers' libraries are pinned."""

LARGE, USUAL = "100000-8", "10000-8"
FULL, EMPTY = "100000", "1000"


def write(results: Results, folder: Path, quick: bool) -> dict[str, Any]:
    """Write report.json, report.md and plots/ into the folder and return the report."""
    report = build(results, quick)
    from bench.suite.plots import draw  # matplotlib: half a second that figures alone do not need

    plots = draw(report, results, folder / "plots")
    (folder / "report.json").write_text(
        json.dumps(report, indent=2, allow_nan=False) + "\n", encoding="utf-8"
    )
    (folder / "report.md").write_text(page(report, plots), encoding="utf-8")
    return report


def build(results: Results, quick: bool) -> dict[str, Any]:
    """Return the report as JSON holds it: null where a system has no figure, or where latency is infinite."""
    systems = {name: _system(results, system) for name, system in SYSTEMS.items()}
    growth = _growth(results)
    systems["vigil"]["growth"] = growth
    report: dict[str, Any] = {
        "kind": "quick" if quick else "full" if _whole(systems, growth) else "partial",
        "written_at": datetime.now(UTC).isoformat(timespec="seconds"),
        "commit": _measured(results),
        "machine": {
            "processor": processor(),
            "cores": os.cpu_count(),
            "memory_bytes": memory_bytes(),
            "also_on_it": "the broker and the driver",
        },
        "versions": versions() | peer_versions(),
        "systems": systems,
        "vigil": {
            "growth": growth,
            "blocks": _blocks(results),
            "start": _starts(results),
            "worker_bytes_10k": _worker_bytes(results),
            "takeover": spread(figures["longest_s"] for figures in results.good("takeover", "vigil")),
        },
        "peers": {name: processor_seconds(results, name) for name in SYSTEMS},
        "bases": next(iter(results.good("bases", "all")), {}),
        "driver": _driver(results),
    }
    report["ratios"] = _ratios(systems)
    report["targets"] = targets(report)
    checked: dict[str, Any] = finite(report)
    return checked


def _measured(results: Results) -> dict[str, Any]:
    """Return the commit that the measurements name; without any the present one. `mixed`: they name several."""
    named = [result.commit for phase in (*PHASES, MEMORY) for result in results.all(phase) if result.commit]
    if not named:
        return commit() | {"mixed": False}
    return {
        "id": named[-1]["id"],
        "changed": any(one["changed"] for one in named),
        "mixed": len({one["id"] for one in named}) > 1,
    }


def peer_versions() -> dict[str, str]:
    """Return the versions of the peers' main libraries, as their requirements and poms pin them."""
    found = {}
    for path, pattern in PINS:
        if pinned := re.search(pattern, (PEERS / path).read_text(encoding="utf-8")):
            found["kafka-streams" if pinned[1] == "kafka" else pinned[1]] = pinned[2]
    return found


def _whole(systems: Mapping[str, Any], growth: Mapping[str, Any]) -> bool:
    """Whether every system was drained and ours has its bursts and its growth."""
    drained = all(system["drain"] for name, system in systems.items() if name != SYSTEM)
    bursts = all(systems["vigil"]["burst"].values())
    return bool(drained and bursts and growth["bytes_per_patient_100k"] and growth["points"])


def _system(results: Results, system: System) -> dict[str, Any]:
    name = system.name
    equal = next((figures["equal"] for figures in results.good("equality", name)), None)
    drains, searches = results.good("drain", name), results.good("sustainable", name)
    drain = spread(figures["per_core_s"] for figures in drains)
    found: dict[str, Any] = {
        "equal": equal,
        "drain_frames_per_core_s": drain and drain["median"],
        "sustainable_frames_s": sustained_hz([figures["frames_s"] for figures in searches]),
        "burst": {base: _burst(results, name, base) for base in BASES},
    }
    if equal is False:  # figures of a system that does other work do not count
        found = {
            **found,
            "drain_frames_per_core_s": None,
            "sustainable_frames_s": None,
            "burst": dict.fromkeys(BASES),
            "struck_out": {
                key: found[key] for key in ("drain_frames_per_core_s", "sustainable_frames_s", "burst")
            },
        }
    failures = [
        {
            "phase": phase,
            "variant": result.variant,
            "repeat": result.repeat,
            "failure": result.figures["failure"],
        }
        for phase in ("prepare", *PHASES, MEMORY)
        for result in results.all(phase, name)
        if result.failed
    ]
    return found | {
        "drain": drain
        and drain
        | {
            "with_broker_frames_per_core_s": _median(
                figures["frames"] / (figures["cpu_s"] + figures["broker_cpu_s"]) for figures in drains
            ),
            "wall_frames_s": _median(figures["per_s"] for figures in drains),
            "frames": drains[0]["frames"],
            "first_s": _median(figures["first_s"] for figures in drains),
            "rss_bytes": _median(figures["rss_bytes"] for figures in drains),
        },
        "sustainable_steps": [step for figures in searches for step in figures["steps"]],
        "shapes": {base: _shapes(results, name, base) for base in BASES},
        "failures": failures,
    }


def _burst(results: Results, name: str, base: str) -> dict[str, Any] | None:
    """Return medians over the headline's bursts, of the missed the most; void runs are left out.

    What is infinite in most of them is null. A system that does not sustain the base is not run: `keeps_up` is
    false, and all of it is infinite.
    """
    runs = results.good("burst", name, base)
    valid = [run for run in runs if not run["driver"]["void"]]
    bursts = [burst for run in valid for burst in run["bursts"] if burst["headline"]]
    if not bursts:
        below = bool(results.good(BELOW, name, base))
        nothing = {"repeats": 0, "void": len(runs), "keeps_up": not below} | dict.fromkeys(BURST_FIGURES)
        return nothing if runs or below else None
    figures = {key: _median_or_infinite(burst[key] for burst in bursts) for key in BURST_FIGURES}
    figures["missed"] = max(burst["missed"] for burst in bursts)  # none may be, in any repeat
    return figures | {
        "spread": {key: _ends(burst[key] for burst in bursts) for key in BURST_FIGURES},
        "onsets": round(statistics.median(burst["onsets"] for burst in bursts)),
        "base_hz": valid[0]["base_hz"],
        "burst": bursts[0]["name"],
        "steady_p99_ms": _median_or_infinite(run["steady"]["p99_ms"] for run in valid),
        "unplanned": max(run["unplanned"] for run in valid),
        "repeats": len(bursts),
        "void": len(runs) - len(valid),
        "keeps_up": True,
    }


def _shapes(results: Results, name: str, base: str) -> dict[str, Any] | None:
    """Return the smaller bursts and the flood of the runs that have them and are not void; the first counts."""
    found: dict[str, Any] = {}
    for run in results.good("burst", name, base):
        for burst in run["bursts"] if not run["driver"]["void"] else ():
            if not burst["headline"]:
                found.setdefault(burst["name"], burst)
    return found or None


def _growth(results: Results) -> dict[str, Any]:
    points = {result.variant: result.figures for result in results.all("growth") if not result.failed}
    large, usual = points.get(LARGE), points.get(USUAL)
    memory = {result.variant: result.figures for result in results.all(MEMORY) if not result.failed}
    full, empty = memory.get(FULL), memory.get(EMPTY)
    more = full and empty and full["patients"] - empty["patients"]
    return {
        "bytes_per_patient_100k": full and empty and (full["rss_bytes"] - empty["rss_bytes"]) / more,
        "drain_ratio_100k_to_10k": large
        and usual
        and large["frames_per_core_s"] / usual["frames_per_core_s"],
        "points": [
            {key: value for key, value in point.items() if key != "drains"}
            for _, point in sorted(points.items())
        ],
    }


def _blocks(results: Results) -> dict[str, Any]:
    """Return what little costs, by engine: each figure the median of its repeats, us of processor time."""
    found = {}
    for engine in sorted({result.variant for result in results.all("blocks") if not result.failed}):
        repeats = results.good("blocks", "vigil", engine)
        found[engine] = {
            kind: {of: _median(one[kind][of] for one in repeats) for of in ("best_us", "median_us")}
            for kind in KINDS
        }
    return found


def _starts(results: Results) -> dict[str, Any]:
    """Return the time from Vigil's start to its first alert, by engine, s."""
    engines = sorted({result.variant for result in results.all("start") if not result.failed})
    return {
        engine: spread(one["first_s"] for one in results.good("start", "vigil", engine)) for engine in engines
    }


def _worker_bytes(results: Results) -> float | None:
    """Return the resident memory of a worker of 10,000 patients with full windows."""
    return _median(figures["rss_bytes"] for figures in results.good(MEMORY, "vigil", str(WORKER_PATIENTS)))


def processor_seconds(results: Results, name: str) -> dict[str, Any]:
    """Return the processor time that a system takes, and the broker for it, s: a million drained frames, and in bursts.

    That in bursts is by the seconds of the runs: how many cores it takes.
    """
    drains = results.good("drain", name)
    burst_cores = {}
    for base in BASES:
        runs = [run for run in results.good("burst", name, base) if not run["driver"]["void"]]
        burst_cores[base] = _median(run["cpu_s"] / run["driver"]["wall_s"] for run in runs)
    return {
        "drain_s_per_million": _median(1e6 * one["cpu_s"] / one["frames"] for one in drains),
        "drain_broker_s_per_million": _median(1e6 * one["broker_cpu_s"] / one["frames"] for one in drains),
        "drained_frames": sum(one["frames"] for one in drains),
        "drained_s": sum(one["cpu_s"] for one in drains),
        "burst_cores": burst_cores,
    }


def _driver(results: Results) -> dict[str, Any]:
    """Return how well the driver kept to its schedules, over all open-loop runs."""
    runs = [result.figures["driver"] for result in results.all("burst") if not result.failed]
    return {
        "runs": len(runs),
        "void": len(results.all(VOID)),
        "lag_p99_ms": _median(run["lag_ms"]["p99"] for run in runs),
        "lag_p99_ms_highest": max((run["lag_ms"]["p99"] for run in runs), default=None),
        "cores": _median(run["cpu_s"] / run["wall_s"] for run in runs),
        "cores_highest": max((run["cpu_s"] / run["wall_s"] for run in runs), default=None),
        "priorities": sorted({run["priority"] for run in runs}),
    }


def _ratios(systems: Mapping[str, Any]) -> dict[str, float | None]:
    """Return how many times Vigil's drain per core is each other system's."""
    ours = systems["vigil"]["drain_frames_per_core_s"]
    return {
        name: ours / theirs if ours and (theirs := system["drain_frames_per_core_s"]) else None
        for name, system in systems.items()
        if name != "vigil"
    }


def spread(values: Iterable[float]) -> dict[str, Any] | None:
    """Return median, lowest, highest and how many there are; None without any."""
    found = sorted(values)
    if not found:
        return None
    return {
        "median": statistics.median(found),
        "lowest": found[0],
        "highest": found[-1],
        "repeats": len(found),
    }


def _median(values: Iterable[float | None]) -> float | None:
    found = [value for value in values if value is not None]
    return statistics.median(found) if found else None


def _median_or_infinite(values: Iterable[float | None]) -> float:
    return statistics.median_high(math.inf if value is None else value for value in values)


def _ends(values: Iterable[float | None]) -> list[float]:
    found = [math.inf if value is None else value for value in values]
    return [min(found), max(found)]
