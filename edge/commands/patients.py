"""`vigil patients list` and `observe`: who is monitored and how, and values that somebody has charted."""

import time
from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from clinical.vitals import FLAGS, SIGNALS
from edge.commands.orders import patients, settings_of, sign_in_options, signed_in_by, where
from edge.nursing.alarm_list import unjudged
from edge.nursing.beats import last_beats
from edge.nursing.charting import HOURS_DEFAULT, HOURS_MAX, charted, store
from edge.nursing.patient_list import alarms_open, early_warning, is_old, is_somebody, notes, seen
from edge.order_sending import read_board
from edge.printing import Coloured, say, say_json
from edge.records import Skipped, told
from edge.reference.reference_view import read_reference
from edge.wards_asked import bed_named, ward_asked
from edge.watching.signs import BEHIND_S_MAX, SILENT_S_MAX
from streams.config.settings import Settings
from streams.contracts.patient_state import Patient
from streams.contracts.topics import PATIENTS
from streams.errors import UsageError, VigilError

__all__ = ["patients"]

ACVPU: Final = ("A", "C", "V", "P", "U")
NUMBERS: Final = tuple(
    signal.name
    for signal in SIGNALS
    if signal.name not in FLAGS and signal.name not in ("consciousness", "on_oxygen")
)

Function = TypeVar("Function", bound=Callable[..., Any])


@patients.command("list")
@click.option("--ward", help="Only of this ward, by its id or its name.")
@where
def list_patients(ward: str | None, as_json: bool, brokers: str | None, topic_prefix: str | None) -> None:
    """Print who is monitored: ward, last frame, open alarms, NEWS2 with what it lacks; alarms off, limits widened.

    Above them stands whether anything is judged at all. With --json one object a patient.
    """
    settings, skipped = settings_of(brokers, topic_prefix), Skipped()
    with told(skipped):
        beats = last_beats(settings, skipped)
        found = read_board(settings, PATIENTS, Patient, skipped)
        reference = read_reference(settings, skipped)
    now_ms = int(time.time() * 1000)
    if warning := unjudged(beats, now_ms, SILENT_S_MAX, BEHIND_S_MAX, settings.time_base == "recorded"):
        say(Coloured(warning, "red"), err=as_json)
    shown = [one for one in found if is_somebody(one)]
    if ward is not None:
        ward = ward_asked(ward, (one.ward for one in shown), reference)
        shown = [one for one in shown if one.ward == ward]
    shown.sort(key=lambda one: (one.ward, reference.label(one.patient), one.patient))
    if as_json:
        for one in shown:
            say_json(one.model_dump_json())
        return
    labels = [bed_named(one.patient, reference) for one in shown]
    wards = [reference.ward_name(one.ward) if one.ward else "-" for one in shown]
    label_chars, ward_chars = max(map(len, labels), default=0), max(map(len, wards), default=0)
    for one, label, name in zip(shown, labels, wards, strict=True):
        last = f"{seen(one, now_ms):<14}"
        aside = f"  ({notes(one, now_ms)})" if notes(one, now_ms) else ""
        say(
            f"{label:<{label_chars}}  {name:<{ward_chars}}  ",
            Coloured(last, "red") if is_old(one, now_ms) else last,
            f"  {alarms_open(one):<22}  {early_warning(one)}{aside}",
        )
    if not shown:
        say("nobody is monitored")


def _values(function: Function) -> Function:
    """Add an option for each signal that a person can read off."""
    for name in reversed(NUMBERS):
        signal = next(signal for signal in SIGNALS if signal.name == name)
        about = f"{signal.title}, {signal.unit}, {signal.low:g} to {signal.high:g}."
        bounds = click.FloatRange(signal.low, signal.high)
        function = click.option(f"--{name.replace('_', '-')}", type=bounds, help=about)(function)
    function = click.option("--on-oxygen/--on-air", default=None, help="Receives oxygen, or not.")(function)
    acvpu = click.Choice(ACVPU, case_sensitive=False)
    about = "ACVPU: alert, new confusion, responds to voice, to pain, unresponsive."
    return click.option("--consciousness", type=acvpu, help=about)(function)


@patients.command()
@click.argument("patient")
@_values
@click.option(
    "--next-in",
    "next_in_h",
    type=click.FloatRange(min=0, min_open=True, max=HOURS_MAX),
    default=HOURS_DEFAULT,
    show_default=True,
    help="Hours until the next observation is due.",
)
@click.option("--new", "is_new", is_flag=True, help="Nobody of this name is monitored yet.")
@sign_in_options
@where
def observe(patient: str, next_in_h: float, is_new: bool, as_json: bool, **said: Any) -> None:
    """Chart what somebody has observed: a frame of that person's charting device, judged like any other.

    It is said when Kafka has it. NEWS2 takes what is charted; when the next observation is overdue the charting device
    counts as silent. A name that nobody monitored has is refused without --new, since it may be mistyped.
    """
    settings, person = signed_in_by(said, "acknowledge")
    if all(value is None for value in said.values()):
        raise UsageError("nothing is charted: give a value, for example --consciousness A")
    if not is_new:
        _refuse_a_stranger(settings, patient)
    frame = charted(patient, person.id, int(time.time() * 1000), next_in_h, said)
    store(settings, frame)
    if as_json:
        say_json(frame.model_dump_json(exclude_unset=True))
    else:
        given = ", ".join(f"{name} {_shown(value)}" for name, value in said.items() if value is not None)
        say(f"charted for {patient}: {given}; Kafka has it")


def _refuse_a_stranger(settings: Settings, patient: str) -> None:
    skipped = Skipped()
    with told(skipped):
        known = {one.patient for one in read_board(settings, PATIENTS, Patient, skipped)}
    if patient not in known:
        raise VigilError(f"nobody called {patient} is monitored; --new charts for somebody who is not yet")


def _shown(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)
