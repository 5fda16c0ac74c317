"""`vigil route`: whether a routing file is right, and who is told of what."""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar, get_args

import click

from edge.channels.kinds import check_options
from edge.commands.devices import Moment
from edge.options import json_option
from edge.printing import print_json, say
from streams.config.routing import DEFAULT_ROUTING, Receiver, Route, Routing
from streams.config.routing_file import load_routing
from streams.config.settings import load_settings
from streams.contracts.alert import AlertType, Priority

Function = TypeVar("Function", bound=Callable[..., Any])


def of_file(function: Function) -> Function:
    """Add the option that says which file."""
    return click.option(
        "--routes",
        type=click.Path(path_type=Path),
        help="Routing file (TOML); else VIGIL_ROUTING, else boards alone.",
    )(function)


def _routing(routes: Path | None) -> Routing:
    path = load_settings(routing=routes).routing
    return load_routing(path, check_options) if path else DEFAULT_ROUTING


@click.group()
def route() -> None:
    """Who is told of what."""


@route.command()
@of_file
def check(routes: Path | None) -> None:
    """Check a routing file; what is wrong is one line with its place, and exit code 2."""
    found = _routing(routes)
    channels, receivers = len(found.channels), len(found.receivers)
    say(f"ok: {channels} channels, {receivers} receivers, {len(found.routes)} routes, times in {found.zone}")


@route.command()
@of_file
@click.option("--ward", default="", help="Of the patient; empty = of no ward.")
@click.option("--priority", type=click.Choice(get_args(Priority)), required=True)
@click.option("--rule", required=True, help="Id of the rule that alarms.")
@click.option(
    "--type", "kind", type=click.Choice(get_args(AlertType)), default="physiological", show_default=True
)
@click.option("--at", "at_ms", type=Moment(), help="When, with a zone; now where nothing is said.")
@json_option
def test(
    routes: Path | None,
    ward: str,
    priority: Priority,
    rule: str,
    kind: AlertType,
    at_ms: int | None,
    as_json: bool,
) -> None:
    """Print who is told of an alert over which channel, and who next; nothing is sent.

    Exit code 1 if nobody is.
    """
    found = _routing(routes)
    now_ms = round(time.time() * 1000) if at_ms is None else at_ms
    taken = list(found.matching(ward, priority, rule, kind, now_ms))
    for one in taken:
        if as_json:
            print_json({"route": one.name, "fallback": one.fallback, "steps": list(_steps(found, one))})
        else:
            _say_route(found, one)
    if not taken and not as_json:
        say("no route takes it: nobody is told, and boards show it all the same")
    if priority == "high" and not as_json:
        for receiver in found.receivers.values():
            if receiver.role:
                say(f"when the rules ask {receiver.role}: {_words(receiver)}")
    if not taken:
        raise SystemExit(1)


def _say_route(routing: Routing, one: Route) -> None:
    say(f"route {one.name}")
    for step in _steps(routing, one):
        after = f"after {step['after_s']:g} s" if step["after_s"] else "at once"
        to = "; ".join(_words(routing.receivers[name]) for name in step["to"])
        bounds = f"{step['wait_s']:g} s for an answer, {step['taken_s']:g} s to be taken"
        say(f"  step {step['step']}, {after}: {to} ({bounds})")
    if one.fallback:
        say(f"  where nobody is assigned: {_words(routing.receivers[one.fallback])}")


def _steps(routing: Routing, one: Route) -> Iterator[dict[str, Any]]:
    after_s = 0.0
    for number, step in enumerate(one.steps, start=1):
        yield {
            "step": number,
            "after_s": after_s,
            "wait_s": step.wait_s,
            "taken_s": step.taken_s,
            "to": list(step.to),
            "channels": sorted({channel for name in step.to for channel in routing.receivers[name].channels}),
        }
        after_s += step.wait_s


def _words(receiver: Receiver) -> str:
    who = f"whoever is {receiver.role}" if receiver.role else receiver.name
    return f"{who} over {', '.join(receiver.channels)}"
