"""`vigil report`."""

import time
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

import click

from edge.commands.history import folder_option
from edge.commands.orders import where
from edge.history.ledger import open_ledger
from edge.options import need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.reports.figures import figures
from edge.reports.page import page
from edge.reports.report_input import read_source
from edge.reports.shifts import DEFAULT, Rota
from edge.reports.table_file import table_file
from edge.since import Since, moment_ms
from streams.config.settings import load_settings
from streams.contracts.zones import moment, zone
from streams.errors import UsageError

SINCE: Final = "7d"
MODE: Final = 0o600
"""Of the files: who reads a report is for their maker to say."""


@click.command()
@click.option(
    "--since", type=Since(), default=SINCE, show_default=True, help="From when: 7d, 12h, or a time."
)
@click.option("--until", type=Since("now"), default="now", show_default=True, help="Up to when.")
@click.option("--ward", help="Only of this ward, by its id.")
@click.option(
    "--shifts",
    "begin",
    default=",".join(DEFAULT),
    show_default=True,
    help="When they begin, by the ward's clock.",
)
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    default=Path("report.html"),
    show_default=True,
    help="The page; a CSV of the same name lies beside it.",
)
@folder_option
@where
def report(
    since: str, until: str, ward: str | None, begin: str, out: Path, as_json: bool, **options: object
) -> None:
    """Write how many alarms each bed and shift had, how soon they were answered, and what was withheld and why.

    One HTML page without a script, and a CSV by bed and shift. Read from the topics, which keep alerts for 30 days, and
    what they no longer have from the history, where one is kept; which gave what is said.
    """
    settings, skipped = need_brokers(load_settings(**options)), Skipped()
    if options["history_dir"] is not None:
        with closing(open_ledger(settings)):
            pass  # who names a history that is none is told, also where it is not needed
    now_ms = round(time.time() * 1000)
    from_ms = moment_ms(since, now_ms) or 0
    until_ms = now_ms if until == "now" else moment_ms(until, now_ms) or 0
    if until_ms <= from_ms:
        raise UsageError("--until is not after --since")
    try:
        rota = Rota.of(tuple(text.strip() for text in begin.split(",")))
    except ValueError as error:
        raise UsageError(f"--shifts: {error}") from None
    if out.suffix == ".csv":
        raise UsageError("--out: the page is no .csv; the CSV lies beside it")
    with told(skipped):
        source = read_source(settings, from_ms, until_ms, now_ms, skipped)
    stays, reference, default = source.stays, source.reference, zone(settings.time_zone)
    episodes, paused = source.episodes, source.pauses
    if ward is not None:
        episodes = [one for one in episodes if stays.ward_at(one.patient, one.onset_ms) == ward]
        patients = {one.patient for one in episodes}
        paused = [(patient, order) for patient, order in paused if patient in patients]

    def zone_of(name: str) -> ZoneInfo:
        return reference.zone(name, default.key) if name else default

    found = figures(episodes, paused, from_ms, until_ms, rota, stays.ward_at, zone_of)
    beside = out.with_suffix(".csv")
    lines = [line for one in source.sources for line in one.lines(lambda ts_ms: moment(ts_ms, default))]
    _write(out, page(found, rota, reference, zone_of, now_ms, beside.name, lines))
    _write(beside, table_file(found, rota, reference, zone_of))
    if as_json:
        made = {"page": str(out), "csv": str(beside), "alarms": found.episodes, "open": found.still_open}
        print_json(made | {"sources": [asdict(one) for one in source.sources]})
    else:
        say(
            f"{found.episodes} alarms at {sum(len(one.beds) for one in found.wards)} beds: {out} and {beside}"
        )
        for line in lines:
            say(line)


def _write(path: Path, text: str) -> None:
    try:
        path.touch(MODE)
        path.write_text(text, encoding="utf-8", newline="")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}") from None
