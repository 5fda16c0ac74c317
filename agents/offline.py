"""The judge without a broker: `python -m agents.offline LOG` judges a log file and writes its alerts as JSON lines.

The alerts are those of a worker that read the same log: both ask the same pure judge, and a test compares them. The
last line is `{"tally": ...}`: what became of the frames. Rules come from the settings, as a worker's do.
"""

import sys
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import IO, Final

import msgspec

from agents.judging.alert_facts import report
from agents.judging.judge import Judge
from agents.judging.reasons import Reason
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


COUNTS: Final = {
    "judged": None,
    "replayed": Reason.REPLAYED,
    "duplicate": Reason.DUPLICATE,
    "historic": Reason.HISTORIC,
    "surplus": Reason.SURPLUS,
    "readings": None,
    "suspect": None,
    "beyond_windows": Reason.BEYOND_WINDOWS,
    "ticks": None,
    "accepted": None,
    "refused": None,
    "repeated": Reason.REPEATED,
    "elsewhere": Reason.ELSEWHERE,
    "ended_in_delay": Reason.ENDED_IN_DELAY,
    "withheld_by_pause": Reason.PAUSED,
    "withheld_by_sensor": Reason.SENSOR_IN_DOUBT,
    "withheld_by_ward": Reason.WARD_SILENT,
    "withheld_by_severity": Reason.LESS_SEVERE,
    "withheld_by_rate": Reason.RATE_TOLD,
    "ended_withheld": Reason.ENDED_SUPPRESSED,
}
"""What the last line calls each count, in its order; a count without a reason is the tally's of that name."""


def named(tally: Tally) -> dict[str, int]:
    """Return the counts of a tally as the last line has them."""
    return {
        name: getattr(tally, name) if reason is None else tally.of(reason) for name, reason in COUNTS.items()
    }


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
        for transition in verdict.transitions:
            yield report(judge.alarms[transition.column], transition)


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
        output.write(msgspec.json.encode({"tally": named(tally)}) + b"\n")
        output.flush()
    except VigilError as error:
        print(f"vigil: {error}", file=sys.stderr)
        return error.exit_code
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], sys.stdout.buffer))
