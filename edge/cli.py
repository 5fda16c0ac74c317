"""The command `vigil`: finds a command by name, and turns every ending into one line and an exit code."""

import logging
import signal
from collections.abc import Callable, Sequence
from types import FrameType
from typing import Any, Final

import click

from edge.printing import say
from streams.errors import VigilError

EXIT_INTERRUPTED: Final = 130
EXIT_TERMINATED: Final = 143

HELP: Final = """Vigil watches the vital signs of every monitored patient, live: frames in, safety alerts out.

Settings come from options, then VIGIL_... variables, then the TOML file in VIGIL_CONFIG, then safe defaults.
Brokers come from --brokers, then VIGIL_BROKERS; demo, replay and doctor start an embedded one without.

\b
Exit codes:
  0    done
  1    it failed while running
  2    wrong usage: an option, a setting or a rules file
  3    no broker answers
  4    data that cannot be read
  70   a worker stopped at once rather than lose state or alerts
  130  interrupted by Ctrl-C; 143 by SIGTERM
"""


class LazyGroup(click.Group):
    """Commands that are imported when they are called: `vigil --help` reads none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names in the order in which a newcomer meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return the command of that name."""
        found = COMMANDS.get(cmd_name)
        return found[1]() if found else None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one line a command without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, about) for name, (about, _) in COMMANDS.items()])


def _demo() -> click.Command:
    from edge.commands.demo import demo

    return demo


def _worker() -> click.Command:
    from edge.commands.worker import worker

    return worker


def _deliver() -> click.Command:
    from edge.commands.deliver import deliver

    return deliver


def _route() -> click.Command:
    from edge.commands.route import route

    return route


def _assign() -> click.Command:
    from edge.commands.assign import assign

    return assign


def _gateway() -> click.Command:
    from edge.commands.gateway import gateway

    return gateway


def _board() -> click.Command:
    from edge.commands.board import board

    return board


def _simulate() -> click.Command:
    from edge.commands.simulate import simulate

    return simulate


def _replay() -> click.Command:
    from edge.commands.replay import replay

    return replay


def _evaluate() -> click.Command:
    from edge.commands.evaluate import evaluate

    return evaluate


def _alerts() -> click.Command:
    from edge.commands.alerts import alerts

    return alerts


def _explain() -> click.Command:
    from edge.commands.explain import explain

    return explain


def _alarms() -> click.Command:
    from edge.commands.alarms import alarms

    return alarms


def _limits() -> click.Command:
    from edge.commands.limits import limits

    return limits


def _patients() -> click.Command:
    from edge.commands.patients import patients

    return patients


def _devices() -> click.Command:
    from edge.commands.devices import devices

    return devices


def _history() -> click.Command:
    from edge.commands.history import history

    return history


def _audit() -> click.Command:
    from edge.commands.audit import audit

    return audit


def _report() -> click.Command:
    from edge.commands.report import report

    return report


def _reference() -> click.Command:
    from edge.commands.reference import reference

    return reference


def _shadow() -> click.Command:
    from edge.commands.shadow import shadow

    return shadow


def _watch() -> click.Command:
    from edge.commands.watch import watch

    return watch


def _top() -> click.Command:
    from edge.commands.top import top

    return top


def _scale() -> click.Command:
    from edge.commands.scale import scale

    return scale


def _topics() -> click.Command:
    from edge.commands.topics import topics

    return topics


def _plan() -> click.Command:
    from edge.commands.plan import plan

    return plan


def _kafka() -> click.Command:
    from edge.commands.kafka import kafka

    return kafka


def _drill() -> click.Command:
    from edge.commands.drill import drill

    return drill


def _doctor() -> click.Command:
    from edge.commands.doctor import doctor

    return doctor


def _health() -> click.Command:
    from edge.commands.health import health

    return health


def _accounts() -> click.Command:
    from edge.commands.accounts import accounts

    return accounts


def _version() -> click.Command:
    from edge.commands.version import version

    return version


COMMANDS: Final[dict[str, tuple[str, Callable[[], click.Command]]]] = {
    "demo": ("a simulated ward on an embedded broker, live in the terminal", _demo),
    "worker": ("decide: readings in, alerts out", _worker),
    "gateway": ("take readings from devices, over the protocols that they speak", _gateway),
    "board": ("show the ward in browsers, and take orders from there", _board),
    "deliver": ("bring alerts to people, and to the next when nobody answers", _deliver),
    "simulate": ("send a simulated ward's frames", _simulate),
    "replay": ("send recordings and collect their alerts", _replay),
    "evaluate": ("judge recordings under two rule sets and report what changes", _evaluate),
    "alerts": ("read the alerts", _alerts),
    "explain": ("show the readings around an alert, and why it was raised", _explain),
    "alarms": ("see open alarms; acknowledge, pause, accept or reject them", _alarms),
    "limits": ("see and set a patient's limits", _limits),
    "patients": ("list, admit, transfer, discharge; chart, set a patient's profile", _patients),
    "devices": ("see and say which device is on which patient", _devices),
    "accounts": ("say who may sign in on this machine, and what for", _accounts),
    "history": ("keep what was, and ask, compare and export it", _history),
    "audit": ("see that nobody changed what is kept, and who did what", _audit),
    "assign": ("see and say who is on, for a bed or a ward, in which role", _assign),
    "route": ("check a routing file, and try who is told of what", _route),
    "report": ("alarm load, time to acknowledge and what was withheld, as a page", _report),
    "reference": ("say what wards and beds are called, and the limits that wards want", _reference),
    "shadow": ("try rules on the live log, compare, switch to them and back", _shadow),
    "top": ("see workers, gateway and delivery live in the terminal", _top),
    "watch": ("alarm from outside when monitoring itself is lost", _watch),
    "scale": ("give the readings more partitions while frames run", _scale),
    "topics": ("plan, create and check the topics", _topics),
    "plan": ("reckon what a number of beds needs, and say how", _plan),
    "kafka": ("run Apache Kafka on this machine without Docker", _kafka),
    "drill": ("inject a fault under load and prove that nothing was lost", _drill),
    "doctor": ("check this machine, the broker, the topics and the settings", _doctor),
    "health": ("ask a worker for a sign of life", _health),
    "version": ("print the versions", _version),
}


@click.group(cls=LazyGroup, help=HELP, context_settings={"help_option_names": ["-h", "--help"]})
def vigil() -> None:
    """Hold the commands; see HELP."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; errors are one line on standard error."""
    # The Kafka client logs what its exceptions already say.
    logging.getLogger("kafka").addHandler(logging.NullHandler())
    logging.getLogger("kafka").propagate = False
    signal.signal(signal.SIGTERM, _end)
    try:
        result = vigil.main(
            list(arguments) if arguments is not None else None, "vigil", standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as error:
        error.show()
        return error.exit_code
    except click.ClickException as error:
        return _complain(_with_hint(error), error.exit_code)
    except VigilError as error:
        return _complain(str(error), error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        return EXIT_INTERRUPTED
    except SystemExit as ending:
        # click ends with 1 when our output is a pipe that was closed: whoever read it has seen enough.
        if isinstance(ending.__context__, BrokenPipeError):
            return 0
        raise
    return result if isinstance(result, int) else 0


def _end(number: int, frame: FrameType | None) -> Any:
    """Leave through every `with` block on SIGTERM, as Ctrl-C does."""
    raise SystemExit(EXIT_TERMINATED)


def _complain(message: str, exit_code: int) -> int:
    say(f"vigil: {' '.join(message.split())}", err=True)
    return exit_code


def _with_hint(error: click.ClickException) -> str:
    context = getattr(error, "ctx", None)
    message = error.format_message().rstrip(".")
    message = message[:1].lower() + message[1:]
    return f"{message} (see {context.command_path} --help)" if context else message
