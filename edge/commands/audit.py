"""`vigil audit verify|head|list`."""

import time
from contextlib import closing

import click

from edge.commands.history import history_options
from edge.options import json_option
from edge.printing import print_json, say
from streams.config.settings import load_settings
from streams.contracts.topics import AUDIT, COMMANDS
from streams.errors import UsageError, VigilError


@click.group()
def audit() -> None:
    """See that nobody changed what is kept, and who did and saw what."""


@audit.command()
@history_options
@click.option(
    "--head", "head_text", help="A head that was kept elsewhere: NUMBER:HASH, as audit head prints it."
)
@json_option
def verify(head_text: str | None, as_json: bool, **options: object) -> None:
    """Follow the chain of hashes through the whole ledger; exit code 1 and the first row where it is broken."""
    from edge.history.chain import Broken, Head, first_broken
    from edge.history.ledger import open_ledger

    try:
        kept = Head.of(head_text) if head_text else None
    except ValueError as error:
        raise UsageError(f"--head: {error}") from None
    with closing(open_ledger(load_settings(**options))) as ledger:
        found = first_broken(ledger.rows(), kept)
    if isinstance(found, Broken):
        if as_json:
            print_json({"ok": False, "row": found.seq, "what": found.what})
        raise VigilError(f"the chain is broken: {found.what}")
    if as_json:
        print_json({"ok": True, "rows": found.seq, "head": str(found)})
    else:
        say(f"{found.seq:,} rows follow each other; head {found}")


@audit.command()
@history_options
def head(**options: object) -> None:
    """Print the number and hash of the last row: kept elsewhere, it shows whether all was made anew."""
    from edge.history.ledger import open_ledger

    with closing(open_ledger(load_settings(**options))) as ledger:
        say(str(ledger.head()))


@audit.command("list")
@history_options
@click.option("--from", "from_", default="24h", show_default=True, help="So long ago, ISO 8601, or epoch ms.")
@click.option("--until", default="now", show_default=True, help="A moment, as --from.")
@click.option("--patient", help="Of this one only.")
@json_option
def list_(from_: str, until: str, patient: str | None, as_json: bool, **options: object) -> None:
    """Print who opened what, and who ordered what, by time."""
    from datetime import UTC, datetime

    from edge.history.chain import read
    from edge.history.ledger import open_ledger
    from edge.history.typed_times import moment_ms

    now_ms = int(time.time() * 1000)
    between = moment_ms(from_, now_ms), moment_ms(until, now_ms)
    with closing(open_ledger(load_settings(**options))) as ledger:
        rows = [row for topic in (AUDIT, COMMANDS) for row in ledger.between(topic, *between, patient)]
    for row in sorted(rows, key=lambda row: (row.at_ts_ms or 0, row.seq)):
        said = read(row.value)
        if said is None:
            continue
        if as_json:
            print_json({"topic": row.topic, "at_ts_ms": row.at_ts_ms, **said})
            continue
        moment = datetime.fromtimestamp((row.at_ts_ms or 0) / 1000, UTC).strftime("%Y-%m-%d %H:%M:%S")
        who = said.get("person") or said.get("actor") or "-"
        what = said.get("command") or row.kind or row.topic
        outcome, reason = said.get("outcome", ""), said.get("reason", "")
        say(
            "  ".join(str(part) for part in (moment, who, what, row.patient or "-", outcome, reason)).rstrip()
        )
