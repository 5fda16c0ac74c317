"""`vigil alarms`, `vigil limits`, `vigil patients`: commands to the alarm system, and what they see of it."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final, TypeVar, get_args

import click

from edge.identity.command_line import signed_in
from edge.options import brokers_option, json_option, need_brokers
from edge.order_sending import make_order, send_order
from edge.printing import say, say_json
from streams.config.settings import Settings, load_settings
from streams.contracts.command import PAUSE_S_DEFAULT, PAUSE_S_MAX, AgeBand, PauseMode
from streams.contracts.people import ACT_OF, Act, Person
from streams.errors import VigilError

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


def settings_of(brokers: str | None, topic_prefix: str | None, token_file: Path | None = None) -> Settings:
    """Return the settings of a command that needs a broker."""
    return need_brokers(load_settings(brokers=brokers, topic_prefix=topic_prefix, token_file=token_file))


def signed_in_by(said: dict[str, Any], act: Act) -> tuple[Settings, Person]:
    """Take the options of `where` and `sign_in_options` out of what was said: the settings, and who may do an act."""
    settings = settings_of(*(said.pop(name) for name in ("brokers", "topic_prefix", "token_file")))
    return settings, signed_in(settings, act, said.pop("account"))


def carry_out(kind: str, **said: Any) -> None:
    """Send a command by who is signed in, print its answer, and fail if it was refused."""
    order(*signed_in_by(said, ACT_OF[kind]), kind, **said)


def order(settings: Settings, person: Person, kind: str, wait_s: float, as_json: bool, **said: Any) -> None:
    """Send a command by a person, print its answer, and fail if it was refused."""
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
    carry_out("pause", **said)


@alarms.command()
@click.argument("patient")
@who
def resume(**said: Any) -> None:
    """End a pause."""
    carry_out("resume", **said)


@click.group()
def limits() -> None:
    """A patient's limits and profile in force."""


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
    carry_out("set-limits", low=low, high=high, **said)


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
    carry_out("admit", **said)


@patients.command()
@click.argument("patient")
@click.argument("ward")
@who
def transfer(**said: Any) -> None:
    """Move a patient to another ward."""
    carry_out("transfer", **said)


@patients.command()
@click.argument("patient")
@who
def discharge(**said: Any) -> None:
    """End a patient's monitoring, with alarms, limits and profile."""
    carry_out("discharge", **said)


@patients.command()
@click.argument("patient")
@_profile_options
@click.option("--spo2-scale2/--spo2-scale1", default=None, help="By a clinician's order: needs --reason.")
@click.option("--expected-oxygen/--no-expected-oxygen", default=None)
@who
def profile(**said: Any) -> None:
    """Set what is known about a patient; what is left out stays."""
    carry_out("set-profile", **said)
