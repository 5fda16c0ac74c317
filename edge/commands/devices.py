"""`vigil devices`: which device is on which patient, and who says so."""

import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from pydantic import BaseModel, ValidationError

from edge.commands.orders import sign_in_options, where
from edge.device_views import read_facts, send_facts
from edge.gateway.adt_stays import FOREVER
from edge.gateway.associations import Facts, Span
from edge.gateway.registrar import refusal_of
from edge.identity.command_line import signed_in
from edge.options import need_brokers
from edge.printing import print_json, say
from edge.records import Skipped, told
from streams.config.settings import Settings, load_settings
from streams.contracts.association import Association, Fact, Placement
from streams.contracts.people import Act, Person
from streams.errors import UsageError, VigilError

Function = TypeVar("Function", bound=Callable[..., Any])
Model = TypeVar("Model", bound=BaseModel)


class Moment(click.ParamType):
    """A time with its zone, as ms; without one nobody knows which it is."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the ms that a text says."""
        if isinstance(value, int):
            return value
        try:
            found = datetime.fromisoformat(value)
        except ValueError:
            self.fail(f"{value} is no time such as 2026-03-01T14:05:00+01:00", param, ctx)
        if found.tzinfo is None:
            self.fail(f"{value} has no zone: write {value}Z or {value}+01:00", param, ctx)
        return round(found.timestamp() * 1000)


def reporting(function: Function) -> Function:
    """Add the options of every report."""
    return where(sign_in_options(function))


@dataclass(frozen=True, slots=True)
class Reporting:
    """Who says so, and where."""

    desk: "Desk"
    person: Person
    as_json: bool

    @staticmethod
    def by(said: dict[str, Any], act: Act) -> "Reporting":
        """Take the options that `reporting` adds out of what was said."""
        names = ("brokers", "topic_prefix", "token_file")
        settings = need_brokers(load_settings(**{name: said.pop(name) for name in names}))
        person = signed_in(settings, act, said.pop("account"))
        return Reporting(Desk.of(settings), person, said.pop("as_json"))


@dataclass(frozen=True, slots=True)
class Desk:
    """The topic as it is now, and the clock."""

    settings: Settings
    facts: Facts
    now_ms: int

    @staticmethod
    def opened(brokers: str | None, topic_prefix: str | None) -> "Desk":
        """Read the topic to its end."""
        return Desk.of(need_brokers(load_settings(brokers=brokers, topic_prefix=topic_prefix)))

    @staticmethod
    def of(settings: Settings) -> "Desk":
        """Read the topic to its end."""
        skipped = Skipped()
        with told(skipped):
            facts = read_facts(settings, skipped)
        return Desk(settings, facts, round(time.time() * 1000))

    def patient_at(self, device: str, ms: int) -> str:
        """Return who is on a device, as far as it is believed; empty = nobody."""
        return next((p for a, b, p in self.facts.streams_of(device) if a <= ms < b), "")

    def span_at(self, device: str, ms: int) -> Span | None:
        """Return what is known of a device at a time."""
        return next((s for s in self.facts.spans(device) if s.from_ms <= ms < s.until_ms), None)

    def send(self, as_json: bool, said: str, *facts: Fact) -> None:
        """Store reports and say so."""
        send_facts(self.settings, list(facts))
        if as_json:
            print_json([fact.model_dump() for fact in facts])
        else:
            say(said)


@click.group()
def devices() -> None:
    """Which device is on which patient."""


@devices.command("list")
@click.option("--device", help="Only this one.")
@where
def list_devices(device: str | None, as_json: bool, brokers: str | None, topic_prefix: str | None) -> None:
    """Print every device of which something is known, and who is on it now: since when, who said so, its place."""
    desk = Desk.opened(brokers, topic_prefix)
    for name in desk.facts.devices():
        if device in (None, name):
            _say_device(desk, name, as_json)


def _say_device(desk: Desk, device: str, as_json: bool) -> None:
    span, patient = desk.span_at(device, desk.now_ms), desk.patient_at(device, desk.now_ms)
    place = desk.facts.place(device, desk.now_ms)
    row = {
        "device": device,
        "patient": patient or None,
        "since_ts_ms": span.from_ms if span and patient else None,
        "until_ts_ms": span.until_ms if span and patient and span.until_ms < FOREVER else None,
        "source": span.source if span and patient else None,
        "reporter": span.reporter if span and patient else None,
        "validated": span.validated if span and patient else None,
        "contested": list(span.contested) if span else [],
        "place": place,
    }
    if as_json:
        print_json(row)
        return
    who = patient or "nobody"
    if span and patient:
        confirmed = "confirmed" if span.validated else "not confirmed"
        since = datetime.fromtimestamp(span.from_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        who += f"  since {since}  by {span.source} of {span.reporter}, {confirmed}"
    elif span and span.contested:
        who += f"  named by several: {', '.join(span.contested)}"
    elif span and span.patient:
        who += f"  ADT of {span.reporter} is silent; last: {span.patient}"
    say(f"{device}  {who}{f'  at {place}' if place else ''}")


@devices.command()
@click.argument("device")
@click.argument("patient")
@click.option(
    "--from", "from_ms", type=Moment(), help="When it began, with a zone; now where nothing is said."
)
@click.option("--until", "until_ms", type=Moment(), help="When it ends; it lasts where nothing is said.")
@reporting
def associate(device: str, patient: str, from_ms: int | None, until_ms: int | None, **said: Any) -> None:
    """Say that a device is on a patient; frames of that time that lie elsewhere are filed anew."""
    by = Reporting.by(said, "limits")
    desk = by.desk
    fact = _made(
        Association,
        id=uuid.uuid4().hex,
        device=device,
        patient=patient,
        from_ts_ms=desk.now_ms if from_ms is None else from_ms,
        until_ts_ms=until_ms,
        reporter=by.person.id,
        source="command",
        validated=True,
    )
    if (refusal := refusal_of(desk.facts, fact, desk.now_ms)) is not None:
        raise VigilError(f"refused: {refusal.detail}")
    desk.send(by.as_json, f"{device} is on {patient}", fact)


@devices.command()
@click.argument("device")
@click.option(
    "--at", "at_ms", type=Moment(), help="When it was taken off, with a zone; now where nothing is said."
)
@reporting
def release(device: str, at_ms: int | None, **said: Any) -> None:
    """Say that a device was taken off its patient."""
    by = Reporting.by(said, "limits")
    desk = by.desk
    at_ms = desk.now_ms if at_ms is None else at_ms
    ended = [
        fact.model_copy(update={"until_ts_ms": max(at_ms, fact.from_ts_ms + 1), "reporter": by.person.id})
        for fact in desk.facts.reports(device)
        if fact.until_ts_ms is None or fact.until_ts_ms > at_ms
    ]
    place = desk.facts.place(device, at_ms)
    if not ended and place and (patient := desk.patient_at(device, at_ms)):
        raise VigilError(
            f"{device} is on {patient} by ADT, because it stands at {place}: "
            f"vigil devices place {device} --nowhere takes it from there"
        )
    if not ended:
        raise VigilError(f"{device} is on nobody")
    checked = [_made(Association, **fact.model_dump()) for fact in ended]
    desk.send(by.as_json, f"{device} is on nobody by report", *checked)


@devices.command()
@click.argument("device")
@click.argument("place", required=False)
@click.option("--nowhere", is_flag=True, help="It stands at no bed.")
@click.option("--from", "from_ms", type=Moment(), help="Since when, with a zone; now where nothing is said.")
@reporting
def place(device: str, place: str | None, nowhere: bool, from_ms: int | None, **said: Any) -> None:
    """Say at which bed a device stands, as ADT names it (point of care:room:bed): it is on who is in it."""
    if nowhere == (place is not None):
        raise click.UsageError("give a place, or --nowhere alone")
    by = Reporting.by(said, "configure")
    desk = by.desk
    fact = _made(
        Placement,
        id=uuid.uuid4().hex,
        device=device,
        place=place,
        from_ts_ms=desk.now_ms if from_ms is None else from_ms,
        reporter=by.person.id,
    )
    desk.send(by.as_json, f"{device} stands at {place or 'no bed'}", fact)


def _made(model: type[Model], **said: object) -> Model:
    """Return a record of a report.

    Raises:
        UsageError: one line that names what is wrong.
    """
    try:
        return model.model_validate(said)
    except ValidationError as error:
        first = error.errors()[0]
        raise UsageError(f"{first['loc'][-1] if first['loc'] else 'report'}: {first['msg']}") from None
