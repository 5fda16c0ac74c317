"""Options that several commands share."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from streams.config.settings import Settings
from streams.errors import UsageError

Function = TypeVar("Function", bound=Callable[..., Any])


def brokers_option(function: Function) -> Function:
    """Add `--brokers`, passed on as `brokers` (None = not given)."""
    return click.option("--brokers", metavar="HOST:PORT[,...]", help="Kafka; else VIGIL_BROKERS.")(function)


def json_option(function: Function) -> Function:
    """Add `--json`, passed on as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(function)


def group_option(function: Function) -> Function:
    """Add `--group`, passed on as `group` (None = not given)."""
    return click.option("--group", help="Consumer group; also names the table's changelog.")(function)


def rules_option(function: Function) -> Function:
    """Add `--rules`, passed on as `rules` (None = not given)."""
    return click.option(
        "--rules",
        type=click.Path(path_type=Path),
        help="Rules file (TOML), or classic or vigil; else the built-in ones.",
    )(function)


def need_brokers(settings: Settings) -> Settings:
    """Return the settings if they name a broker.

    Raises:
        UsageError: they do not.
    """
    if not settings.bootstrap:
        raise UsageError("no broker given: use --brokers host:port or VIGIL_BROKERS")
    return settings


def with_changes(settings: Settings, **changes: object) -> Settings:
    """Return checked settings in which only `changes` differ."""
    return Settings(**{**settings.model_dump(), **changes})
