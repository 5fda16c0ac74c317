"""A plan in lines for a terminal, as JSON, and as the tables of docs/sizing.md."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict
from typing import Final

from bench.sizing import measured as known
from bench.sizing.bounds import Reached, board_age_s
from bench.sizing.encoded import Sizes
from bench.sizing.measured import Given, Measured
from bench.sizing.reckoning import Figure, Plan
from bench.sizing.topic_loads import how_kept, kept_bytes

UNITS: Final = ((1e15, "P"), (1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"))
BYTES: Final = ("B", "B/s")
ROWS: Final = (
    *("frames", "worker cores", "workers", "partitions", "gateways", "brokers"),
    *("disk", "disk, first year", "disk a broker", "network in", "network out", "memory a worker"),
)


def lines(plan: Plan, sizes: Sizes, found: Measured, reached: Sequence[Reached]) -> Iterable[str]:
    """Yield the plan: figures, each with its reckoning, topics, bounds, and what all of it rests on."""
    for figure in plan.figures.values():
        yield f"{figure.name + ':':<18}{amount(figure)}"
        yield f"    = {figure.how}"
    yield f"{'values on boards:':<18}written again every {max(5.0, board_age_s(plan)):.0f} s"
    yield "topics, one copy:"
    partitions, copies = plan.number("partitions"), plan.site.replication
    for load in plan.topics:
        readers = ", ".join(load.readers) or "nobody, but at a takeover"
        kept = kept_bytes(load, partitions)
        yield (
            f"    {load.name}: {load.records_s:,.1f} records/s, {scaled(load.bytes_s, 'B/s')}, "
            f"{scaled(kept, 'B')} ({scaled(kept * copies, 'B')} with copies)"
        )
        yield f"        kept: {how_kept(load)}; read by {readers}"
    yield "what is reached first as beds grow:"
    for one in reached:
        yield f"    {one.bound.name}: {one.share:.0%} of it taken, {_beds(one)}"
        yield f"        {one.bound.where}; then {one.bound.beyond}"
    yield "measured:"
    for name, given in _givens(found):
        yield f"    {name}: {_given(given)}, {given.source}"
    said = ", ".join(f"{name} {size:,.0f}" for name, size in asdict(sizes).items())
    yield f"    bytes of a record on the log, by the code that writes them: {said}"


def as_json(plan: Plan, sizes: Sizes, found: Measured, reached: Sequence[Reached]) -> dict[str, object]:
    """Return the same for programs; bytes, seconds and numbers a second."""
    partitions = plan.number("partitions")
    return {
        "site": asdict(plan.site),
        "figures": {figure.name: figure._asdict() for figure in plan.figures.values()},
        "topics": [
            {
                "name": load.name,
                "records_s": load.records_s,
                "bytes_s": load.bytes_s,
                "kept_bytes": kept_bytes(load, partitions),
                "kept": how_kept(load),
                "readers": list(load.readers),
            }
            for load in plan.topics
        ],
        "bounds": [
            {"name": one.bound.name, "share": one.share, "beds": one.beds, "where": one.bound.where}
            for one in reached
        ],
        "record_bytes": asdict(sizes),
        "measured": {name: given._asdict() for name, given in _givens(found)},
        "report": found.commit,
    }


def table(plans: Sequence[Plan]) -> str:
    """Return the figures of several sites side by side, as Markdown."""
    rows = [["beds", *(f"{plan.site.beds:,}" for plan in plans)]]
    rows += [[name, *(amount(plan.figures[name]) for plan in plans)] for name in ROWS]
    head, *rest = rows
    return "\n".join(_row(cells) for cells in (head, ["---", *["---:"] * len(plans)], *rest)) + "\n"


def topics_table(plans: Sequence[Plan]) -> str:
    """Return what each topic comes to with all copies, as Markdown."""
    rows = [["topic", *(f"{plan.site.beds:,}" for plan in plans)], ["---", *["---:"] * len(plans)]]
    for place, load in enumerate(plans[0].topics):
        kept = [
            kept_bytes(plan.topics[place], plan.number("partitions")) * plan.site.replication
            for plan in plans
        ]
        rows.append([f"`{load.name}`", *(scaled(size, "B") for size in kept)])
    return "\n".join(map(_row, rows)) + "\n"


def bounds_table(reached: Sequence[Reached]) -> str:
    """Return what breaks at how many beds, as Markdown."""
    rows = [["bound", "holds up to", "set by", "beyond it"], ["---"] * 4]
    rows += [[one.bound.name, _beds(one), one.bound.where, one.bound.beyond] for one in reached]
    return "\n".join(map(_row, rows)) + "\n"


def amount(figure: Figure) -> str:
    """Return a figure with its unit, as people read it."""
    if figure.unit in BYTES:
        return scaled(figure.value, figure.unit)
    digits = 2 if figure.unit.startswith("cores") else 0
    return f"{figure.value:,.{digits}f} {figure.unit}"


def scaled(value: float, unit: str) -> str:
    """Return a number with three digits and a prefix of powers of a thousand."""
    for size, prefix in UNITS:
        if value >= size:
            return (
                f"{value / size:.3g} {prefix}{unit}"
                if value < 999.5 * size
                else f"{value / size:,.0f} {prefix}{unit}"
            )
    return f"{value:.3g} {unit}"


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _beds(one: Reached) -> str:
    return "no end in sight" if one.beds is None else f"{one.beds:,} beds"


def _given(given: Given) -> str:
    return (
        f"{given.value * 1e6:g} u{given.unit}"
        if given.unit.startswith("s")
        else f"{given.value:,.0f} {given.unit}"
    )


def _givens(found: Measured) -> list[tuple[str, Given]]:
    return [
        ("frames of a worker", found.frames_core),
        ("bytes of a broker", found.broker_bytes),
        ("a patient's recovery", found.recovery),
        ("frames of a gateway", known.GATEWAY_ONE_HZ),
        ("a frame in the history", known.HISTORY_S),
        ("a patient at a tick", known.TICK_S),
        ("a patient at a checkpoint", known.RECORD_S),
        ("a record sent", known.SEND_S),
        ("a patient for boards", known.SHOWN_S),
        ("a record at a board", known.BOARD_S),
        ("a worker's memory", known.WORKER_BYTES),
        ("a patient's memory", known.PATIENT_BYTES),
    ]
