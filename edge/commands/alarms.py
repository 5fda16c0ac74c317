"""`vigil alarms list`, `ack`, `accept` and `reject`: what a nurse asks and answers, with short ids or none at all."""

import sys
import time
from collections.abc import Callable
from typing import Any, Final

import click

from edge.commands.orders import alarms, order, settings_of, signed_in_by, where
from edge.commands.orders import who as ordering
from edge.nursing.alarm_list import (
    EPISODE_CHARS,
    SHAPES,
    Row,
    choices,
    lasting,
    place_of,
    resolve,
    rows_of,
    short_ids,
    to_acknowledge,
    unjudged,
    what,
    who,
)
from edge.nursing.beats import last_beats
from edge.order_sending import read_board
from edge.printing import Coloured, print_json, say
from edge.records import Skipped, told
from edge.reference.reference_view import read_reference
from edge.ward_state import CANARY
from edge.wards_asked import bed_named, ward_asked
from edge.watching.signs import BEHIND_S_MAX, SILENT_S_MAX
from streams.config.settings import Settings
from streams.contracts.patient_state import Patient
from streams.contracts.people import ACT_OF
from streams.contracts.reference import Reference
from streams.contracts.topics import PATIENTS
from streams.errors import UsageError, VigilError

__all__ = ["alarms"]

COLOURS: Final = {"high": "red", "medium": "yellow", "low": "cyan", "technical": "magenta"}
WHAT_CHARS_MAX: Final = 90
PLACE_CHARS_MAX: Final = 24


@alarms.command("list")
@click.option("--patient", help="Only this patient's.")
@click.option("--ward", help="Only of this ward, by its id or its name.")
@where
def list_alarms(
    patient: str | None, ward: str | None, as_json: bool, brokers: str | None, topic_prefix: str | None
) -> None:
    """Print the alarms that are open now, most severe first: what, since when, who is asked; then pauses.

    The first column is a short id for `vigil alarms ack`. Above them stands whether anything is judged at all: where
    a partition is not, its alarms may be old and new ones are missing. With --json one object a patient.
    """
    settings, skipped = settings_of(brokers, topic_prefix), Skipped()
    with told(skipped):
        beats = last_beats(settings, skipped)
        found = read_board(settings, PATIENTS, Patient, skipped)
        reference = Reference() if as_json and ward is None else read_reference(settings, skipped)
    now_ms = int(time.time() * 1000)
    recorded = settings.time_base == "recorded"
    if warning := unjudged(beats, now_ms, SILENT_S_MAX, BEHIND_S_MAX, recorded):
        say(Coloured(warning, "red"), err=as_json)
    if ward is not None:
        ward = ward_asked(ward, (one.ward for one in found), reference)
    chosen = [one for one in found if patient in (None, one.patient) and ward in (None, one.ward)]
    if as_json:
        _print_json(chosen, patient)
        return
    rows = rows_of(chosen, patient=patient)
    _say_rows(rows, reference, now_ms)
    for one in chosen:
        _say_states(one, now_ms)
    if not rows:
        say("no alarm is open")


def _print_json(chosen: list[Patient], patient: str | None) -> None:
    for one in chosen:
        is_canary = patient is None and all(alarm.rule == CANARY for alarm in one.alarms)
        if one.pause or (one.alarms and not is_canary):
            print_json(one.model_dump(include={"patient", "ward", "pause", "pause_until_ts_ms", "alarms"}))


def _say_rows(rows: list[Row], reference: Reference, now_ms: int) -> None:
    short = short_ids([row.alarm.episode for row in rows])
    labels = [bed_named(row.patient.patient, reference) for row in rows]
    places = [place_of(row, reference)[:PLACE_CHARS_MAX] for row in rows]
    id_chars = max(map(len, short.values()), default=0)
    label_chars, place_chars = max(map(len, labels), default=0), max(map(len, places), default=0)
    on_terminal = sys.stdout.isatty()
    for row, label, place in zip(rows, labels, places, strict=True):
        severity = row.severity
        mark = f"{SHAPES[severity]} " if on_terminal else ""
        age = lasting((now_ms - row.alarm.onset_ts_ms) / 1000)
        answered = f"  [{who(row.alarm)}]" if who(row.alarm) else ""
        paused = f"  ({row.alarm.paused})" if row.alarm.paused else ""
        say(
            f"{short[row.alarm.episode]:<{id_chars}}  ",
            Coloured(f"{mark}{severity:<9}", COLOURS[severity]),
            f"  {label:<{label_chars}}  {place:<{place_chars}}  {age:>11}  ",
            f"{what(row.alarm)[:WHAT_CHARS_MAX]}{answered}{paused}",
        )


def _say_states(one: Patient, now_ms: int) -> None:
    if one.pause:
        left = "" if one.pause_until_ts_ms is None else lasting((one.pause_until_ts_ms - now_ms) / 1000)
        say(f"{one.patient}  {one.pause}{f', {left} left' if left else ''}")
    if one.limits_widened:
        say(f"{one.patient}  limits wider than the unit's: {', '.join(one.limits_widened)}")


def _open_of(settings: Settings, patient: str) -> list[Row]:
    skipped = Skipped()
    with told(skipped):
        return rows_of(read_board(settings, PATIENTS, Patient, skipped), patient=patient)


def _episode(settings: Settings, patient: str, begins: str) -> str:
    """Return the episode that is meant; a whole id is not looked up: boards may not show it yet."""
    if len(begins) == EPISODE_CHARS:
        return begins
    return resolve(begins, _open_of(settings, patient), patient)


@alarms.command()
@click.argument("patient")
@click.argument("episode", required=False)
@click.option("--all", "is_all", is_flag=True, help="Every open alarm of the patient.")
@ordering
def ack(patient: str, episode: str | None, is_all: bool, **said: Any) -> None:
    """Somebody knows: no reminders; resets a latched alarm.

    EPISODE is the id that `vigil alarms list` shows, or as much of its beginning as no other open alarm of the patient
    shares. Without it the patient's only open alarm is meant.
    """
    if episode is not None and is_all:
        raise UsageError("give an alarm's id or --all, not both")
    settings, person = signed_in_by(said, ACT_OF["acknowledge"])
    if episode is not None:
        whole = _episode(settings, patient, episode)
        order(settings, person, "acknowledge", patient=patient, episode=whole, **said)
        return
    rows = to_acknowledge(_open_of(settings, patient))
    if not rows:
        raise VigilError(f"{patient} has no open alarm that nobody has acknowledged")
    if len(rows) > 1 and not is_all:
        raise UsageError(f"{patient} has {len(rows)} open alarms, name one or say --all: {choices(rows)}")
    refused = []
    for row in rows:  # one that is over by now must not keep the others from being answered
        try:
            order(settings, person, "acknowledge", patient=patient, episode=row.alarm.episode, **said)
        except VigilError as error:
            refused.append(str(error))
    if refused:
        raise VigilError(f"{len(refused)} of {len(rows)} not acknowledged: {'; '.join(refused)}")


def _answering(kind: str, about: str) -> click.Command:
    @click.argument("patient")
    @click.argument("episode")
    @ordering
    def command(patient: str, episode: str, **said: Any) -> None:
        settings, person = signed_in_by(said, ACT_OF[kind])
        order(settings, person, kind, patient=patient, episode=_episode(settings, patient, episode), **said)

    named: Callable[..., Any] = command
    return click.command(help=about)(named)


alarms.add_command(_answering("accept", "Take responsibility for a high-priority alarm."), "accept")
alarms.add_command(_answering("reject", "Say no: the next step is asked at once."), "reject")
