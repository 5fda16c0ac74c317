"""The drills' command line: `python -m bench.drills NAME`, or `all` for every one of them with a summary."""

import argparse
import json
import logging
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, NamedTuple

from bench.drills.delivery import hops
from bench.drills.delivery import run as delivery
from bench.drills.drills import DRILLS
from bench.drills.gateways import SABOTAGES as GATEWAY_SABOTAGES
from bench.drills.run import Options, run
from streams.errors import VigilError

ALL: Final = "all"


class Other(NamedTuple):
    """A drill that is not one of a load of readings: how it is played, and what was found in lines."""

    play: Callable[[Options], dict[str, Any]]
    lines: Callable[[dict[str, Any]], list[str]]


OTHERS: Final[dict[str, Other]] = {
    delivery.NAME: Other(
        lambda options: delivery.run(options.seconds, brokers=options.brokers), delivery.lines
    ),
    hops.NAME: Other(lambda options: hops.run(options.brokers), hops.lines),
}
SABOTAGES: Final = ("unawaited-send", "ack-before-state", "drop-frame", "concurrency", *GATEWAY_SABOTAGES)


def main() -> int:
    """Run one drill or all; return 1 when a promise broke, else the exit code of what went wrong."""
    options = argparse.ArgumentParser(prog="bench.drills", description=__doc__)
    options.add_argument("name", choices=[*DRILLS, *OTHERS, ALL])
    options.add_argument("--seconds", type=float, help="how long the load lasts (each drill has its own)")
    options.add_argument("--minutes", type=float, default=0.0, help="likewise")
    options.add_argument("--hours", type=float, default=0.0, help="likewise")
    options.add_argument("--seed", type=int, default=1, help="(%(default)s)")
    options.add_argument("--rate", type=float, default=2_000.0, help="frames/s (%(default)s)")
    options.add_argument("--patients", type=int, default=5_000, help="(%(default)s)")
    options.add_argument("--sabotage", choices=SABOTAGES, help="build this fault in; the drill must fail")
    options.add_argument(
        "--brokers", metavar="HOST:PORT", help="a Kafka that runs; else the drill starts one"
    )
    options.add_argument("--keep", type=Path, metavar="FOLDER", help="leave logs and the ledger there")
    options.add_argument(
        "--from", dest="earlier", metavar="REF", help="the earlier release; else the newest tag"
    )
    options.add_argument("--json", type=Path, metavar="FILE", help="write what was found")
    given = options.parse_args()
    # The clients log what their exceptions already say, and every attempt to reach a broker that is down.
    for name in ("kafka", "aiokafka"):
        logging.getLogger(name).setLevel(logging.CRITICAL)
    seconds = (given.seconds or 0.0) + 60 * given.minutes + 3600 * given.hours or None
    chosen = Options(
        seconds,
        given.seed,
        given.rate,
        given.patients,
        given.sabotage,
        given.brokers,
        given.keep,
        given.earlier,
    )
    names = [*DRILLS, *OTHERS] if given.name == ALL else [given.name]
    results = {name: _run(name, chosen) for name in names}
    if given.json:
        whole = results if given.name == ALL else results[given.name]
        given.json.write_text(json.dumps(whole, indent=2, default=str) + "\n", encoding="utf-8")
    if given.name == ALL:
        print("\n".join(f"{'ok   ' if found['ok'] else 'BROKE'} {name}" for name, found in results.items()))
    return max(int(found["exit_code"]) for found in results.values())


def _run(name: str, options: Options) -> dict[str, Any]:
    try:
        found = OTHERS[name].play(options) if name in OTHERS else run(DRILLS[name], options).as_json()
    except VigilError as error:
        print(f"drill {name}: {error}", file=sys.stderr)
        return {"drill": name, "ok": False, "broken": [str(error)], "exit_code": error.exit_code}
    except Exception as error:  # one drill that fails must not keep the others from running
        traceback.print_exc()
        return {"drill": name, "ok": False, "broken": [repr(error)], "exit_code": 1}
    _print(found)
    return found | {"exit_code": 0 if found["ok"] else 1}


def _print(found: dict[str, Any]) -> None:
    if found["drill"] in OTHERS:
        print("\n".join(OTHERS[found["drill"]].lines(found)))
    else:
        _print_load(found)
    for sentence in found["broken"]:
        print(f"  BROKE: {sentence}")
    print(f"  {'every promise held' if found['ok'] else 'a promise broke'}", flush=True)


def _print_load(found: dict[str, Any]) -> None:
    print(f"drill {found['drill']}: {found['alerts_expected']} alerts from {found['log_records']} records")
    for phase, latency in found["alert_latency_ms"].items():
        if latency:
            numbers = ", ".join(f"{name} {value:g}" for name, value in latency.items())
            print(f"  alert latency {phase}: {numbers} (ms)")
    if "schedule" in found:
        print(f"  seed {found['seed']}; the schedule of {found['seconds']:g} s:")
        print("\n".join(f"    {line}" for line in found["schedule"]))
        print("\n".join(f"    not played: {line}" for line in found["not_played"]) or "    all were played")
    print(f"  longest gap {found['gap_s']:.1f} s; {found['frames_replayed']:.0f} frames replayed")


if __name__ == "__main__":
    sys.exit(main())
