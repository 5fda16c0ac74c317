"""The report in one table: `python -m bench.suite.summary REPORT.json PAGE.md ...` writes it into README and docs.

A page says where the table belongs by `<!-- report -->` and, behind it, `<!-- /report -->`; tests/bench compares the
pages with bench/report.json.
"""

import json
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from bench.suite.targets import BASES
from edge.printing import say
from streams.errors import UsageError

NAMES: Final = {
    "vigil": "**Vigil**",
    "faust": "plain Faust",
    "quix": "Quix Streams",
    "bytewax": "Bytewax",
    "kafka-streams": "Kafka Streams",
    "flink": "Flink",
    "raw-aiokafka": "raw aiokafka, decides nothing",
    "raw-librdkafka": "raw librdkafka, decides nothing",
}
BLOCK: Final = re.compile(r"(<!-- report -->\n).*?(<!-- /report -->)", flags=re.DOTALL)
NONE: Final = "-"
SECONDS_FROM_MS: Final = 1_000
"""From here on a latency is given in seconds."""

Report = Mapping[str, Any]


def summary(report: Report) -> str:
    """Return a Markdown table with a row for every system that was drained, and the commit it is of."""
    small, large = BASES
    head = [
        "system",
        "drain, frames/s per core",
        "Vigil is, times",
        "sustained, frames/s",
        f"p99, burst {_burst_name(report, small)}",
        "its p99.9",
        f"p99, burst {_burst_name(report, large)}",
        "missed",
    ]
    rows = [_row(report, NAMES[name], name) for name in NAMES if report["systems"].get(name, {}).get("drain")]
    lines = [head, ["---"] + ["---:"] * (len(head) - 1), *rows]
    table = "\n".join("| " + " | ".join(line) + " |" for line in lines)
    written = report["written_at"][:10]
    return f"{table}\n\nMedians of the {report['kind']} run at {report['commit']['id'][:7]}, {written}."


def refresh(page: str, report: Report) -> str:
    """Return the page with the report's table in its place.

    Raises:
        UsageError: when the page has no place for it.
    """
    refreshed, places = BLOCK.subn(lambda place: f"{place[1]}{summary(report)}\n{place[2]}", page)
    if not places:
        raise UsageError("no place for the table: <!-- report --> and <!-- /report --> are missing")
    return refreshed


def _row(report: Report, title: str, name: str) -> list[str]:
    system = report["systems"][name]
    bursts = [system["burst"][base] for base in BASES]
    missed = [burst["missed"] for burst in bursts if burst and burst["missed"] is not None]
    return [
        title,
        _count(system["drain_frames_per_core_s"]),
        _ratio(report["ratios"].get(name)),
        _count(system["sustainable_frames_s"]),
        _latency(bursts[0], "p99_ms"),
        _latency(bursts[0], "p999_ms"),
        _latency(bursts[1], "p99_ms"),
        f"{max(missed):g}" if missed else NONE,
    ]


def _burst_name(report: Report, base: str) -> str:
    """Return how many frames a second the base's burst has: its name is `FACTORxSECONDSs`."""
    burst = report["systems"]["vigil"]["burst"][base]
    if not burst or not burst["repeats"]:
        return f"on the {base} base"
    rate_hz = burst["base_hz"] * float(burst["burst"].partition("x")[0])
    return f"to {float(f'{rate_hz:.3g}'):,.0f} frames/s"


def _latency(burst: Mapping[str, Any] | None, figure: str) -> str:
    if burst is None:
        return NONE
    if not burst["repeats"]:
        return "void" if burst["keeps_up"] else "not sustained"
    value_ms = burst[figure]
    if value_ms is None:
        return "∞"
    return f"{value_ms / 1000:.1f} s" if value_ms >= SECONDS_FROM_MS else f"{value_ms:,.0f} ms"


def _count(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:.0f}" if value >= 10 else f"{value:.2f}"


def main(arguments: Sequence[str]) -> int:
    """Write the table of the first file into the pages behind it; return the exit code."""
    try:
        if len(arguments) < 2:
            raise UsageError("wanted: REPORT.json PAGE.md ...")
        report = json.loads(Path(arguments[0]).read_text(encoding="utf-8"))
        for page in map(Path, arguments[1:]):
            page.write_text(refresh(page.read_text(encoding="utf-8"), report), encoding="utf-8")
    except (UsageError, OSError) as error:
        say(f"vigil: {error}", err=True)
        return UsageError.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
