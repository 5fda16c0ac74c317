"""`vigil alarms`, `vigil limits`, `vigil patients`: commands to the alarm system, and what they see of it."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from edge.identity.command_line import signed_in
from edge.options import brokers_option, json_option, need_brokers
from edge.orders import make_order, read_board, send_order
from edge.printing import print_json, say, say_json
from edge.records import Skipped, told
from edge.ward_state import CANARY
from streams.boards import LimitPair, Limits, Patient
from streams.commands import PAUSE_S_DEFAULT, PAUSE_S_MAX, AgeBand, PauseMode
from streams.errors import VigilError
from streams.people import ACT_OF
from streams.settings import Settings, load_settings
from streams.topics import LIMITS, PATIENTS

WAIT_S: Final = 10.0
"""How long an answer is waited for; a worker answers within a second or two."""

Function = TypeVar("Function", bound=Callable[..., Any])


def where(function: Function) -> Function:
    """Add the options that say which broker and topics."""
    function = click.option("--prefix", "topic_prefix", help="Put before every topic name.")(function)
    return json_option(brokers_option(function))


def sign_in_options(function: Function) -> Function:
    """Add the options that say who is signed in: `account` and `token_file`."""
    function = click.option(
        "--as", "account", metavar="NAME", help="Account that orders it; asks for its password."
    )(function)
    return click.option(
        "--token-file",
        type=click.Path(path_type=Path),
        help="A file with a personal token of who orders it; else VIGIL_TOKEN_FILE.",
    )(function)


def who(function: Function) -> Function:
    """Add the options of every command: who orders it, why, and how long its answer is waited for."""
    function = sign_in_options(function)
    function = click.option("--reason", help="Why, for the audit trail.")(function)
    wait = click.option(
        "--wait", "wait_s", type=click.FloatRange(min=0.1), default=WAIT_S, help="Seconds for the answer."
    )
    return where(wait(function))


def _settings(brokers: str | None, topic_prefix: str | None, token_file: Path | None = None) -> Settings:
    return need_brokers(load_settings(brokers=brokers, topic_prefix=topic_prefix, token_file=token_file))


def _order(kind: str, wait_s: float, as_json: bool, **said: Any) -> None:
    """Send a command by who is signed in, print its answer, and fail if it was refused."""
    settings = _settings(*(said.pop(name) for name in ("brokers", "topic_prefix", "token_file")))
    person = signed_in(settings, ACT_OF[kind], said.pop("account"))
    answer = send_order(settings, make_order(kind, person, **said), person, wait_s)
    if as_json:
        say_json(answer.model_dump_json())
    elif answer.outcome == "accepted":
        say(f"accepted: {answer.reason}")
    if answer.outcome == "refused":
        raise VigilError(f"refused: {answer.reason}")


@click.group()
def alarms() -> None:
    """Open alarms, and commands for them."""


@alarms.command("list")
@click.option("--patient", help="Only this patient's.")
@where
def list_alarms(patient: str | None, as_json: bool, brokers: str | None, topic_prefix: str | None) -> None:
    """Print the alarms that are open now: patient, episode, priority, state, rule, onset; and pauses."""
    skipped = Skipped()
    with told(skipped):
        for found in read_board(_settings(brokers, topic_prefix), PATIENTS, Patient, skipped):
            if patient not in (None, found.patient) or not (found.alarms or found.pause):
                continue
            if patient is None and all(alarm.rule == CANARY for alarm in found.alarms) and not found.pause:
                continue
            _say_alarms(found, as_json)


def _say_alarms(found: Patient, as_json: bool) -> None:
    if as_json:
        print_json(found.model_dump(include={"patient", "pause", "pause_until_ts_ms", "alarms"}))
        return
    for alarm in found.alarms:
        onset = datetime.fromtimestamp(alarm.onset_ts_ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        what = f"{alarm.priority:<6}  {alarm.state:<12}  {alarm.rule}  since {onset}"
        say(f"{found.patient}  {alarm.episode}  {what}")
    if found.pause:
        say(f"{found.patient}  {found.pause}")
    if found.limits_widened:
        say(f"{found.patient}  limits wider than the unit's: {', '.join(found.limits_widened)}")


def _of_episode(kind: str, about: str) -> click.Command:
    @click.argument("patient")
    @click.argument("episode")
    @who
    def command(**said: Any) -> None:
        _order(kind, **said)

    return click.command(help=about)(command)


alarms.add_command(_of_episode("acknowledge", "Somebody knows: no reminders; resets a latched alarm."), "ack")
alarms.add_command(_of_episode("accept", "Take responsibility for a high-priority alarm."), "accept")
alarms.add_command(_of_episode("reject", "Say no: the next step is asked at once."), "reject")


@alarms.command()
@click.argument("patient")
@click.option("--mode", type=click.Choice(get_args(PauseMode)), default="audio-paused", show_default=True)
@click.option(
    "--seconds",
    type=click.IntRange(1, PAUSE_S_MAX),
    help=f"{PAUSE_S_DEFAULT} by default; not for `off`, which needs --reason and ends by the rules file.",
)
@who
def pause(**said: Any) -> None:
    """Pause a patient's alarms up to medium priority, and those of high priority that are open now."""
    _order("pause", **said)


@alarms.command()
@click.argument("patient")
@who
def resume(**said: Any) -> None:
    """End a pause."""
    _order("resume", **said)


@click.group()
def limits() -> None:
    """A patient's limits and profile in force."""


@limits.command()
@click.argument("patient")
@where
def show(patient: str, as_json: bool, brokers: str | None, topic_prefix: str | None) -> None:
    """Print the limits in force of a patient whose limits or profile a command has set."""
    skipped = Skipped()
    with told(skipped):
        board = read_board(_settings(brokers, topic_prefix), LIMITS, Limits, skipped)
    found = next((record for record in board if record.patient == patient), None)
    if found is None:
        raise VigilError(f"{patient}: the rules' own limits, no command has changed any")
    if as_json:
        say_json(found.model_dump_json())
        return
    oxygen = {None: "unknown", True: "yes", False: "no"}[found.expected_oxygen]
    scale = 2 if found.spo2_scale2 else 1
    say(f"{found.age_band}, SpO2 scale {scale}, expected oxygen {oxygen}, ward {found.ward or '-'}")
    for rule, pair in found.limits.items():
        low, high = ("-" if side is None else f"{side:g}" for side in (pair.low, pair.high))
        own = ", set for this patient" if pair.own else ""
        say(f"{rule}: {low} to {high}{own}{_beside_the_unit(pair)}")


def _beside_the_unit(pair: LimitPair) -> str:
    """Return in words which limits of the unit a wider pair has replaced."""
    unit = " to ".join(f"{side:g}" for side in (pair.unit_low, pair.unit_high) if side is not None)
    return f", wider than the unit's {unit}" if pair.wider else ""


@limits.command("set")
@click.argument("patient")
@click.argument("rule")
@click.option("--low", type=float, help="In the signal's unit.")
@click.option("--high", type=float, help="In the signal's unit.")
@click.option("--clear", is_flag=True, help="Back to the rule's own.")
@who
def set_limits(clear: bool, low: float | None, high: float | None, **said: Any) -> None:
    """Set limits of one rule for one patient."""
    if clear != (low is None and high is None):
        raise click.UsageError("give --low, --high or both, or --clear alone")
    _order("set-limits", low=low, high=high, **said)


@click.group()
def patients() -> None:
    """Who is monitored, where, and by which profile."""


def _profile_options(function: Function) -> Function:
    function = click.option("--ward", help="Opaque id of the ward.")(function)
    return click.option("--age-band", type=click.Choice(get_args(AgeBand)))(function)


@patients.command()
@click.argument("patient")
@_profile_options
@who
def admit(**said: Any) -> None:
    """Monitor a patient from now on."""
    _order("admit", **said)


@patients.command()
@click.argument("patient")
@click.argument("ward")
@who
def transfer(**said: Any) -> None:
    """Move a patient to another ward."""
    _order("transfer", **said)


@patients.command()
@click.argument("patient")
@who
def discharge(**said: Any) -> None:
    """End a patient's monitoring, with alarms, limits and profile."""
    _order("discharge", **said)


@patients.command()
@click.argument("patient")
@_profile_options
@click.option("--spo2-scale2/--spo2-scale1", default=None, help="By a clinician's order: needs --reason.")
@click.option("--expected-oxygen/--no-expected-oxygen", default=None)
@who
def profile(**said: Any) -> None:
    """Set what is known about a patient; what is left out stays."""
    _order("set-profile", **said)
