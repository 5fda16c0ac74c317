"""The report as a page: headline, tables, and how everything was measured."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from bench.suite.burst import FLOOD
from bench.suite.growth import SYSTEM as GROWN
from bench.suite.method import method
from bench.suite.targets import BASES

KINDS: Final = {
    "full": "A full run.",
    "partial": "Only a part was measured.",
    "quick": "A quick run: one repeat, few systems, no search for sustainable rates; not to be quoted.",
}
MISSED: Final = """\
A missed target is a defect that is known: the figure stands as it was measured and is to be worked on. It does not mean
that alerts are lost: only "missed alerts" says that. A drain says how much hardware a load needs and how soon a
backlog is worked off; the burst's tail says how late an alert comes when many devices speak at once. A base that a
system does not sustain counts as infinite latency (∞) without a run, because its backlog would grow for ever.

Where a frame's time goes in Vigil, and a lone alert's: [performance](../docs/performance.md). What was tried so far to
close what is missed: [experiments](experiments.md)."""
BLOCKS: Final = {
    "decode_one": "a block of one frame decoded",
    "judge_one": "it judged",
    "judge_one_in_alarm": "it judged, its patient in alarm",
    "fetch": "8 frames of 4 partitions decoded and judged",
    "fetch_in_alarm": "the same, one of the 8 patients in alarm",
}
NONE: Final = "-"
INFINITE: Final = "∞"


def page(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return report.md; `plots` are the pictures' paths beside it."""
    parts = [
        "# Vigil beside its peers",
        "Written by `python -m bench.suite`; every figure is in `report.json`.",
        _about(report),
        _short(report, plots),
        "## Targets",
        _targets(report),
        "## Drain",
        _drain(report),
        _pictures(plots, "drain"),
        "## Processor time",
        _processor_time(report),
        "## Sustainable rate",
        _sustainable(report),
        *(part for base in BASES for part in _burst_section(report, base, plots)),
        "## Other bursts, and a reconnect flood",
        _shapes(report),
        "## Small blocks, a worker's memory and its death",
        _alone(report),
        "## Growth (one Vigil worker)",
        _growth(report),
        _pictures(plots, "growth"),
        "## Void and failed",
        _spoiled(report),
        "## How it was measured",
        method(report),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _burst_section(report: Mapping[str, Any], base: str, plots: Sequence[str]) -> list[str]:
    pictures = [_pictures(plots, f"burst-{base}"), _pictures(plots, f"seconds-{base}")]
    return [f"## Burst on the {base} base", _burst(report, base), *pictures]


def _pictures(plots: Sequence[str], name: str) -> str:
    """Return a picture, where it was drawn."""
    return "".join(f"![{path}]({path})" for path in plots if path.endswith(f"/{name}.svg"))


def _short(report: Mapping[str, Any], plots: Sequence[str]) -> str:
    """Return the headline: how many times each other system's drain Vigil's is, and how many targets were held."""
    ratios = [
        f"{_number(ratio)} times {name}"
        for name, ratio in sorted(report["ratios"].items(), key=lambda pair: -(pair[1] or 0))
        if ratio is not None and name != GROWN
    ]
    met = [target["met"] for target in report["targets"]]
    counts = f"{met.count(True)} held, {met.count(False)} missed, {met.count(None)} not measured"
    drained = f"Vigil drains, per core, {', '.join(ratios)}.\n\n" if ratios else ""
    return f"**{drained.strip()}**\n\n{_counts(counts)}" if drained else _counts(counts)


def _counts(counts: str) -> str:
    return f"Of the targets: {counts}."


def _about(report: Mapping[str, Any]) -> str:
    machine, commit = report["machine"], report["commit"]
    changed = " with changes" * bool(commit["changed"]) + " and parts of other commits" * commit["mixed"]
    versions = ", ".join(f"{name} {version}" for name, version in report["versions"].items())
    lines = [
        f"**Run**: {KINDS[report['kind']]} Commit `{commit['id']}`{changed}, written {report['written_at']}.",
        f"**Machine**: {machine['processor']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB; "
        f"{machine['also_on_it']} share it.",
        f"**Versions**: {versions}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def _targets(report: Mapping[str, Any]) -> str:
    rows = []
    for target in report["targets"]:
        bound = f">= {target['at_least']:g}" if "at_least" in target else f"<= {target['at_most']:g}"
        met, measured = target["met"], target["met"] is not None
        compared = measured and " times " in target["target"] and target["ours"] != target["theirs"]
        pair = f"{_shown(target['ours'])} beside {_shown(target['theirs'])}" if compared else ""
        outcome = {True: "held", False: "**missed**", None: "not measured"}[met]
        value = _shown(target["value"]) if measured else NONE
        rows.append([target["target"], bound, value, pair, outcome])
    return f"{_table(['target', 'wanted', 'measured', 'Vigil beside the other', ''], rows)}\n\n{MISSED}"


def _shown(value: float | None) -> str:
    """Return a figure that was measured: null stands for infinity."""
    return INFINITE if value is None else _number(value)


def _drain(report: Mapping[str, Any]) -> str:
    rows = []
    for name, system in report["systems"].items():
        if drain := system["drain"]:
            cells = [
                _number(drain["median"]),
                f"{_number(drain['lowest'])} to {_number(drain['highest'])}",
                _number(report["ratios"].get(name)) if name != "vigil" else "",
                _number(drain["with_broker_frames_per_core_s"]),
                _number(drain["wall_frames_s"]),
                f"{drain['rss_bytes'] / 1e6:,.0f}",
                _number(drain["first_s"]),
                str(drain["repeats"]),
            ]
            rows.append([name, *_struck(system, cells), _equal(system)])
    head = [
        "system",
        "frames/s per core",
        "spread",
        "Vigil is, times",
        "with the broker's share",
        "frames/s on the wall",
        "memory, MB",
        "first alert, s",
    ]
    return _table([*head, "repeats", "alerts equal"], rows) if rows else "Not measured."


def _processor_time(report: Mapping[str, Any]) -> str:
    rows = []
    for name, peer in report["peers"].items():
        figures = [peer["drain_s_per_million"], peer["drain_broker_s_per_million"]]
        figures += [peer["burst_cores"][base] for base in BASES]
        if any(figure is not None for figure in figures):
            rows.append([name, *_struck(report["systems"][name], [_number(figure) for figure in figures])])
    head = [
        "system",
        "s for a million drained frames",
        "the broker's",
        *(f"cores, {base} base" for base in BASES),
    ]
    return _table(head, rows) if rows else "Not measured."


def _alone(report: Mapping[str, Any]) -> str:
    vigil = report["vigil"]
    rows = [
        [engine, BLOCKS[kind], _number(cost["median_us"]), _number(cost["best_us"])]
        for engine, costs in vigil["blocks"].items()
        for kind, cost in costs.items()
    ]
    found = [_table(["engine", "what", "processor time, us", "at best"], rows)] if rows else []
    for engine, start in vigil["start"].items():
        found.append(
            f"With {engine} the first alert came {_number(start['median'])} s after the start "
            f"({_number(start['lowest'])} to {_number(start['highest'])}, {start['repeats']} runs)."
        )
    if size := vigil["worker_bytes_10k"]:
        found.append(f"A worker of 10,000 patients with full windows: {size / 1e6:,.0f} MB resident.")
    if gap := vigil["takeover"]:
        found.append(
            f"A worker is killed: nobody watches one of its partitions for {_number(gap['median'])} s at most "
            f"({_number(gap['lowest'])} to {_number(gap['highest'])}, {gap['repeats']} runs)."
        )
    return "\n\n".join(found) or "Not measured."


def _sustainable(report: Mapping[str, Any]) -> str:
    rows = [
        [name, *_struck(system, [_number(system["sustainable_frames_s"])]), _steps(system)]
        for name, system in report["systems"].items()
        if system["sustainable_steps"]
    ]
    return _table(["system", "frames/s", "tried"], rows) if rows else "Not measured."


def _steps(system: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{step['rate_hz']:,.0f} {'held' if step['sustained'] else 'not held'}"
        for step in system["sustainable_steps"]
    )


def _burst(report: Mapping[str, Any], base: str) -> str:
    rows = []
    about = ""
    for name, system in report["systems"].items():
        burst = (system.get("struck_out") or system)["burst"][base]
        if not burst:
            continue
        if not burst["repeats"]:
            why = f"0, {burst['void']} void" if burst["keeps_up"] else "not run: does not sustain the base"
            rows.append([name, *[NONE if burst["keeps_up"] else INFINITE] * 8, why])
            continue
        about = f"Base {burst['base_hz']:,.0f} frames/s, burst {burst['burst']}."
        figures = ("p50_ms", "p90_ms", "p99_ms", "p999_ms", "max_ms", "worst_patient_p99_ms")
        cells = [_latency(burst[figure]) for figure in figures]
        cells += [f"{burst['missed']:g} of {burst['onsets']}", _latency(burst["recovery_s"])]
        void = f", {burst['void']} void" if burst["void"] else ""
        rows.append([name, *_struck(system, cells), f"{burst['repeats']}{void}"])
    if not rows:
        return "Not measured."
    head = [
        "system",
        "p50, ms",
        "p90",
        "p99",
        "p99.9",
        "max",
        "worst patient's p99",
        "missed at most",
        "recovery, s",
        "repeats",
    ]
    return f"{about}{_refused(report, base)}\n\n{_table(head, rows)}"


def _refused(report: Mapping[str, Any], base: str) -> str:
    """Return at which higher factors the driver was not on time."""
    said = ""
    for one in (report["bases"].get(base) or {}).get("refused", ()):
        late = one["lag_ms"]
        why = "too many frames for the driver" if late is None else f"the driver was {late:.1f} ms late"
        said += f" It was not offered {one['factor']:g} times: {why}."
    return said


def _shapes(report: Mapping[str, Any]) -> str:
    rows = []
    for base in BASES:
        for name, system in report["systems"].items():
            for shape, burst in (system["shapes"][base] or {}).items():
                cells = [_latency(burst[figure]) for figure in ("p50_ms", "p99_ms", "p999_ms", "max_ms")]
                cells += [f"{burst['missed']} of {burst['onsets']}"]
                rows.append([base, shape, name, *_struck(system, cells)])
    rows.sort(key=lambda row: (BASES.index(row[0]), row[1] == FLOOD, row[1]))
    head = ["base", "burst", "system", "p50, ms", "p99", "p99.9", "max", "missed"]
    return _table(head, rows) if rows else "Not measured."


def _growth(report: Mapping[str, Any]) -> str:
    points = sorted(
        report["vigil"]["growth"]["points"], key=lambda point: (point["patients"], point["partitions"])
    )
    rows = [
        [
            f"{point['patients']:,}",
            str(point["partitions"]),
            _number(point["frames_per_core_s"]),
            f"{point['rss_bytes'] / 1e6:,.0f}",
            f"{point['recovery_s']:.2f}",
        ]
        for point in points
    ]
    head = ["patients", "partitions", "frames/s per core", "memory, MB", "recovery, s"]
    if not rows:
        return "Not measured."
    each = _number(report["vigil"]["growth"]["bytes_per_patient_100k"])
    size = f"With full windows a patient takes {each} bytes (100,000 patients beside 1,000)."
    ticks = "A log of fewer patients has more seconds, and with them ticks, in as many frames."
    return f"{_table(head, rows)}\n\n{size} {ticks}"


def _spoiled(report: Mapping[str, Any]) -> str:
    """Return the runs that the driver spoiled and the measurements that failed."""
    void = f"{report['driver']['void']} runs were void, because the driver was late, and were tried again."
    failed = [
        f"- {name}, {' '.join(filter(None, [one['phase'], one['variant'], str(one['repeat'])]))}: {one['failure']}"
        for name, system in report["systems"].items()
        for one in system["failures"]
    ]
    return "\n".join([void, "", *failed] if failed else [f"{void} No measurement failed."])


def _struck(system: Mapping[str, Any], cells: Sequence[str]) -> list[str]:
    """Return the cells struck out where the system's alerts are not the reference's."""
    return [f"~~{cell}~~" for cell in cells] if system["equal"] is False else list(cells)


def _equal(system: Mapping[str, Any]) -> str:
    return {True: "yes", False: "**no**", None: "not checked"}[system["equal"]]


def _latency(value: float | None) -> str:
    return INFINITE if value is None else _number(value)


def _number(value: float | None) -> str:
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}"  # tells 0.4998 from 0.5


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)
