"""`vigil assign`: who is on, for a bed or a ward, in which role."""

import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, TypeVar

import click

from edge.commands.devices import Moment
from edge.commands.orders import settings_of, sign_in_options, signed_in_by, where
from edge.printing import print_json, say
from edge.records import Skipped, told
from edge.rota import assign as store
from edge.rota import clock, end, make_assignment, outdated, read_assignments, read_rota, write_assignments
from edge.stays_seen import Whereabouts
from streams.config.settings import Settings
from streams.contracts.alert import WARD
from streams.contracts.deliveries import Assignment
from streams.contracts.people import ANY_WARD, Person
from streams.errors import VigilError

Function = TypeVar("Function", bound=Callable[..., Any])


def reporting(function: Function) -> Function:
    """Add the options of what is stored: who says it, and where."""
    return where(sign_in_options(function))


def _by(said: dict[str, Any]) -> tuple[Settings, Person]:
    """Take the options that `reporting` adds out of what was said: where, and who says so."""
    return signed_in_by(said, "configure")


def _check(settings: Settings, person: Person, places: Iterable[str]) -> None:
    """Refuse who may not say who is on at some of these places: that hangs on their wards, as on the board.

    Raises:
        VigilError: with the first of them.
    """
    if person.may("configure", ANY_WARD):
        return
    skipped = Skipped()
    with told(skipped):
        wards = Whereabouts(settings, skipped)
        for place in places:
            if not person.may("configure", wards.ward_of(place)):
                raise VigilError(f"not allowed: {person.id} ({person.role}) may not say who is on at {place}")


def _known(settings: Settings) -> dict[bytes, Assignment]:
    skipped = Skipped()
    with told(skipped):
        return read_assignments(settings, skipped)


@click.group()
def assign() -> None:
    """Who is on."""


@assign.command("set")
@click.argument("place")
@click.argument("role")
@click.argument("person")
@click.option("--from", "from_ms", type=Moment(), help="Beginning, with a zone; now where nothing is said.")
@click.option("--until", "until_ms", type=Moment(), required=True, help="End, with a zone.")
@reporting
def set_(
    place: str,
    role: str,
    person: str,
    from_ms: int | None,
    until_ms: int,
    as_json: bool,
    **said_by: Any,
) -> None:
    """Say that a person is on in a role, for a bed (its patient's stream id) or for a ward (~ward/NAME).

    A bed's own people stand for the ward's; several of one role are told together.
    """
    settings, reporter = _by(said_by)
    _check(settings, reporter, [place])
    now_ms = round(time.time() * 1000)
    begin_ms = now_ms if from_ms is None else from_ms
    said = make_assignment(place, role, person, begin_ms, until_ms, reporter.id)
    answer = store(settings, said, _known(settings), now_ms)
    if as_json:
        print_json(said.model_dump())
    else:
        say(answer)


@assign.command("end")
@click.argument("place")
@click.argument("role")
@click.argument("person")
@click.option(
    "--from", "from_ms", type=Moment(), help="Of the shift that begins then; else of the one that runs now."
)
@reporting
def end_(place: str, role: str, person: str, from_ms: int | None, as_json: bool, **said_by: Any) -> None:
    """Say that a person is on no longer: a shift that has begun ends now, one that is planned is deleted.

    Exit code 1 if nobody is assigned so.
    """
    settings, reporter = _by(said_by)
    _check(settings, reporter, [place])
    now_ms = round(time.time() * 1000)
    answer = end(settings, _known(settings), place, role, person, from_ms, now_ms, reporter.id)
    if as_json:
        print_json({"ended": answer})
    else:
        say(answer)


@assign.command("list")
@click.option("--ward", help="Only this ward's own.")
@click.option("--at", "at_ms", type=Moment(), help="Who is on then, with a zone; now where nothing is said.")
@click.option("--all", "everything", is_flag=True, help="Past and future shifts too.")
@where
def list_(
    ward: str | None,
    at_ms: int | None,
    everything: bool,
    as_json: bool,
    brokers: str | None,
    topic_prefix: str | None,
) -> None:
    """Print who is on: place, role, person, and from when to when."""
    now_ms = round(time.time() * 1000) if at_ms is None else at_ms
    for said in sorted(
        _known(settings_of(brokers, topic_prefix)).values(),
        key=lambda one: (one.place, one.role, one.from_ts_ms),
    ):
        if ward is not None and said.place != f"{WARD}{ward}":
            continue
        if not everything and not said.from_ts_ms <= now_ms < said.until_ts_ms:
            continue
        if as_json:
            print_json(said.model_dump())
        else:
            shift = f"{clock(said.from_ts_ms)} to {clock(said.until_ts_ms)}"
            say(f"{said.place}  {said.role}  {said.person}  {shift}  by {said.reporter}")


@assign.command()
@click.argument("place")
@click.argument("role")
@click.option("--person", help="Only this one; else all of the role there.")
@reporting
def clear(
    place: str,
    role: str,
    person: str | None,
    as_json: bool,
    **said_by: Any,
) -> None:
    """Delete what was said of a role at a place, past and future shifts too.

    Exit code 1 if nobody was assigned.
    """
    settings, reporter = _by(said_by)
    _check(settings, reporter, [place])
    keys = [
        key
        for key, said in _known(settings).items()
        if (said.place, said.role) == (place, role) and person in (None, said.person)
    ]
    if not keys:
        raise VigilError(f"nobody is assigned as {role} of {place}")
    write_assignments(settings, [], keys)
    if as_json:
        print_json({"cleared": len(keys)})
    else:
        say(f"cleared {len(keys)}")


@assign.command("import")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("--replace", is_flag=True, help="What the file does not say of its places and roles goes.")
@reporting
def import_(
    file: Path,
    replace: bool,
    as_json: bool,
    **said_by: Any,
) -> None:
    """Store a rota: CSV with the columns place,role,person,from,until; times with their zone.

    Every row is checked first; if one is wrong, nothing is stored, and each wrong row is told with its line.
    """
    settings, reporter = _by(said_by)
    rows = [row.said for row in read_rota(file, reporter.id)]
    _check(settings, reporter, dict.fromkeys(row.place for row in rows))
    known, new = _known(settings), {said.key() for said in rows}
    goes = set(outdated(known, round(time.time() * 1000)))
    if replace:
        places = {(said.place, said.role) for said in rows}
        goes |= {key for key, said in known.items() if (said.place, said.role) in places}
    write_assignments(settings, rows, sorted(goes - new))
    if as_json:
        print_json({"stored": len(rows), "cleared": len(goes - new)})
    else:
        say(f"stored {len(rows)} assignments" + (f", cleared {len(goes - new)}" if goes - new else ""))
