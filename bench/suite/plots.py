"""The report's pictures, as SVG: drain, latency in the burst, latency second by second, growth."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from bench.suite.results import Results
from bench.suite.targets import BASES

SIZE: Final = (8, 4)
PERCENTILES: Final = {"p50_ms": "p50", "p99_ms": "p99", "p999_ms": "p99.9", "max_ms": "max"}
COLOURS: Final = {
    "vigil": "#c1272d", "vigil-1": "#e58a8d", "faust": "#7f7f7f", "quix": "#1b7837", "bytewax": "#e08214",
    "kafka-streams": "#2166ac", "flink": "#762a83", "raw-aiokafka": "#bbbbbb", "raw-librdkafka": "#999999",
}  # fmt: skip

mpl.rcParams["svg.hashsalt"] = "vigil"
mpl.rcParams["svg.fonttype"] = "none"


def draw(report: Mapping[str, Any], results: Results, folder: Path) -> list[str]:
    """Draw what there are figures for; return the pictures' paths relative to the report."""
    folder.mkdir(parents=True, exist_ok=True)
    figures = {"drain": _drain(report), "growth": _growth(report)}
    for base in BASES:
        figures[f"burst-{base}"] = _burst(report, base)
        figures[f"seconds-{base}"] = _seconds(results, base)
    drawn = []
    for name, figure in figures.items():
        path = folder / f"{name}.svg"
        path.unlink(missing_ok=True)
        if figure is not None:
            figure.savefig(path, metadata={"Date": None})
            drawn.append(f"{folder.name}/{path.name}")
    return drawn


def _figure(title: str) -> tuple[Figure, Any]:
    figure = Figure(figsize=SIZE, layout="constrained")
    axes = figure.subplots()
    axes.set_title(title, pad=14)
    axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _logarithmic(axis: Any, *between: float) -> None:
    """Write the numbers of a logarithmic axis out, each power of ten and its multiples `between`."""
    axis.set_major_locator(LogLocator(subs=(1.0, *between)))
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
    axis.set_minor_formatter(NullFormatter())


def _drain(report: Mapping[str, Any]) -> Figure | None:
    drains = {
        name: system["drain"]
        for name, system in report["systems"].items()
        if system["drain"] and system["equal"] is not False
    }
    if not drains:
        return None
    figure, axes = _figure("Drain: frames/s per core, median and range")
    names = sorted(drains, key=lambda name: drains[name]["median"])
    medians = [drains[name]["median"] for name in names]
    below = [drains[name]["median"] - drains[name]["lowest"] for name in names]
    above = [drains[name]["highest"] - drains[name]["median"] for name in names]
    axes.barh(names, medians, xerr=[below, above], color=[COLOURS[name] for name in names])
    axes.set_xscale("log")
    axes.set_xlim(left=min(medians) / 3, right=6 * max(medians))  # room for the numbers
    _logarithmic(axes.xaxis, 3.0)
    axes.set_xlabel("frames/s per core (logarithmic); in brackets, how many times that Vigil is")
    for name, median in zip(names, medians, strict=True):
        ratio = report["ratios"].get(name)
        text = f" {median:,.0f}" + (f" ({ratio:.2g})" if ratio else "")
        axes.annotate(text, (max(drains[name]["highest"], median), name), va="center", fontsize=8)
    return figure


def _burst(report: Mapping[str, Any], base: str) -> Figure | None:
    bursts = {
        name: system["burst"][base]
        for name, system in report["systems"].items()
        if system["burst"][base] and system["burst"][base]["repeats"]
    }
    if not bursts:
        return None
    figure, axes = _figure(
        f"Latency in the burst on the {base} base (a line that ends: the rest is infinite)"
    )
    for name, burst in bursts.items():
        known = [(label, burst[key]) for key, label in PERCENTILES.items() if burst[key] is not None]
        labels = [label for label, _ in known]
        axes.plot(
            labels, [max(value, 0.5) for _, value in known], marker="o", label=name, color=COLOURS[name]
        )
    axes.set_yscale("log")
    _logarithmic(axes.yaxis, 2.0, 5.0)
    axes.set_ylabel("ms from planned sending to the alert")
    axes.legend(fontsize=8)
    return figure


def _seconds(results: Results, base: str) -> Figure | None:
    runs = {
        result.system: result.figures
        for result in results.all("burst", variant=base)
        if not result.failed and result.repeat == 1
    }
    if not runs:
        return None
    figure, axes = _figure(f"Latency through the first run at the {base} base (bursts and flood are shaded)")
    for burst in next(iter(runs.values()))["bursts"]:
        axes.axvspan(burst["start_s"], burst["end_s"], color="#f0e6c8", lw=0)
        axes.annotate(burst["name"], (burst["start_s"], 1.0), xycoords=("data", "axes fraction"), fontsize=8)
    for name, run in runs.items():
        values = run["second_p99_ms"]
        seconds = [i / 2 for i, value in enumerate(values) if value is not None]
        axes.plot(seconds, [value for value in values if value is not None], label=name, color=COLOURS[name])
    axes.set_yscale("log")
    _logarithmic(axes.yaxis, 2.0, 5.0)
    axes.set_xlabel("s of the run")
    axes.set_ylabel("p99 of a sliding second, ms")
    axes.legend(fontsize=8)
    return figure


def _growth(report: Mapping[str, Any]) -> Figure | None:
    points = sorted(
        report["vigil"]["growth"]["points"], key=lambda point: (point["patients"], point["partitions"])
    )
    if not points:
        return None
    figure, axes = _figure("Growth: frames/s per core (bars) and memory (dots)")
    names = [f"{point['patients']:,} in {point['partitions']}" for point in points]
    axes.bar(names, [point["frames_per_core_s"] for point in points], color=COLOURS["vigil-1"], width=0.6)
    axes.set_ylabel("frames/s per core")
    memory = axes.twinx()
    memory.plot(names, [point["rss_bytes"] / 1e6 for point in points], "o", color=COLOURS["kafka-streams"])
    memory.set_ylabel("memory, MB")
    axes.set_xlabel("patients in so many partitions")
    memory.set_ylim(bottom=0)
    return figure
