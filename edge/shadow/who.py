"""Who decides about rules at the command line: the one place to ask, so that how people sign in can change."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import click

from streams.people import ANY_WARD, Person

Function = TypeVar("Function", bound=Callable[..., Any])

STATION: Final = "command line"


def actor_option(function: Function) -> Function:
    """Add `--actor`, passed on as `actor`."""
    return click.option("--actor", required=True, help="Opaque id of who decides, never a name.")(function)


def person_of(actor: str) -> Person:
    """Return who decides."""
    return Person(id=actor, role="engineer", wards=(ANY_WARD,), station=STATION)
