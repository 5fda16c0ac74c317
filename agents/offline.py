"""The judge without a broker: `python -m agents.offline LOG` judges a log file and writes its alerts as JSON lines.

The alerts are those of a worker that read the same log: both ask the same pure judge, and a test compares them. The
last line is `{"tally": ...}`: what became of the frames. Rules come from the settings, as a worker's do.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import IO, Final

import msgspec

from agents.judging.alarms import report
from agents.judging.judge import Judge
from agents.judging.verdict import Tally
from clinical.clock import TimeRules
from clinical.defaults import DEFAULT_RULES
from clinical.rules import RuleSet
from streams.config.rules_file import load_rules
from streams.config.settings import load_settings
from streams.contracts.alert import Alert
from streams.engine import Engine, decoder_of, prepare
from streams.errors import BadData, UsageError, VigilError
from streams.kafka.log_file import LoggedRecord, read_log

BLOCK_RECORDS: Final = 4_000
"""Records that are judged at once; any other number gives the same alerts."""


def judge_log(
    records: Iterable[LoggedRecord], rules: RuleSet, patient_ttl_s: int, tally: Tally, engine: Engine = "auto"
) -> Iterator[Alert]:
    """Yield the alerts of one partition's log, in its own time, and add what became of its frames to `tally`.

    Raises:
        BadData: a record is no frame and no tick.
    """
    judge = Judge(rules, TimeRules(recorded=True), patient_ttl_s * 1000)
    table, decoder, log = judge.new_table(), decoder_of(engine), iter(records)
    while block := list(islice(log, BLOCK_RECORDS)):
        decoded = decoder.decode(block)
        for reject in decoded.rejects:
            raise BadData(f"record {reject.record.offset}: {reject.reason}: {reject.detail}")
        verdict = judge.judge(table, decoded)
        table.processed = max(table.processed, block[-1].offset)
        tally.add(verdict.tally)
        for happening in verdict.happenings:
            yield report(judge.alarms[happening.column], happening)


def main(arguments: list[str], output: IO[bytes]) -> int:
    """Judge the log file that `arguments` name; return the exit code."""
    try:
        if len(arguments) != 1:
            raise UsageError("one log file is wanted")
        settings = load_settings()
        rules = load_rules(settings.rules) if settings.rules else DEFAULT_RULES
        tally = Tally()
        prepare(settings.engine, settings.data_dir)
        log = read_log(Path(arguments[0]))
        for alert in judge_log(log, rules, settings.patient_ttl_s, tally, settings.engine):
            output.write(alert.model_dump_json().encode() + b"\n")
        output.write(msgspec.json.encode({"tally": asdict(tally)}) + b"\n")
        output.flush()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
