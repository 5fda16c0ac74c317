"""Judging one log under a rule set in a process of its own: the pure judge, which the edge may not import.

Why no worker on a broker: `agents.offline` asks the very judge that a worker asks, in seconds instead of minutes,
and every rule set reads the same file. A test compares its alerts with those of a replay through a worker.
"""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec

from edge.brokers.tether import spawn, stop
from edge.options import with_changes
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.alert import Alert
from streams.errors import BadData, UsageError, VigilError

JUDGE_S_MAX: Final = 3_600.0
"""A judge that takes longer is given up; a day of 1,000 beds takes some ten minutes."""

TERM_WAIT_S: Final = 2.0
SAID_CHARS_MAX: Final = 500


@dataclass(frozen=True, slots=True)
class Judged:
    """What a rule set made of a log: its alerts in log order, and what became of the frames."""

    alerts: tuple[Alert, ...]
    tally: Mapping[str, int]


def judge_under(
    log: Path, rule_files: Mapping[str, Path], settings: Settings, folder: Path
) -> dict[str, Judged]:
    """Judge a log under each rule set, side by side.

    Args:
        log: as `streams.kafka.log_file` writes it, in the recordings' own time.
        rule_files: rules file by the set's name.
        settings: all but the rules.
        folder: for what the judges write.

    Raises:
        UsageError: a rules file is wrong.
        BadData: the log holds what is no frame.
        VigilError: a judge failed or took too long.
    """
    with ExitStack() as running:
        processes = {}
        for number, (name, rules) in enumerate(rule_files.items()):
            environment = worker_environment(with_changes(settings, rules=rules, time_base="recorded"))
            with (folder / f"alerts-{number}.jsonl").open("wb") as output:
                command = [sys.executable, "-P", "-m", "agents.offline", str(log)]
                processes[name] = spawn(command, output, environment)
            running.callback(stop, processes[name], TERM_WAIT_S)
        return {
            name: _result(name, process, folder / f"alerts-{number}.jsonl")
            for number, (name, process) in enumerate(processes.items())
        }


def _result(name: str, process: "subprocess.Popen[bytes]", output: Path) -> Judged:
    try:
        exit_code = process.wait(JUDGE_S_MAX)
    except subprocess.TimeoutExpired:
        raise VigilError(f"the judge of {name!r} took more than {JUDGE_S_MAX:g} s") from None
    lines = output.read_bytes().splitlines()
    if exit_code != 0 or not lines:
        said = (lines[-1] if lines else b"").decode(errors="replace").removeprefix("vigil: ")
        kinds = {error.exit_code: error for error in (UsageError, BadData)}
        raise kinds.get(exit_code, VigilError)(f"judging under {name!r}: {said[:SAID_CHARS_MAX]}")
    tally: dict[str, int] = msgspec.json.decode(lines[-1])["tally"]
    return Judged(tuple(Alert.model_validate_json(line) for line in lines[:-1]), tally)
