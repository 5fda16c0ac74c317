"""`vigil topics plan|apply|check|rights`."""

from collections.abc import Callable
from dataclasses import asdict
from typing import Any, TypeVar

import click

from edge.options import brokers_option, group_option, json_option, need_brokers
from edge.printing import print_json, say
from streams.config.settings import Settings, load_settings
from streams.errors import TopicsMismatch
from streams.kafka import admin
from streams.kafka.layout_log import laid_out
from streams.published.rights_pages import acl_commands

Function = TypeVar("Function", bound=Callable[..., Any])


def plan_options(function: Function) -> Function:
    """Add the options that decide the plan."""
    function = click.option("--prefix", "topic_prefix", help="Put before every topic name.")(function)
    function = click.option("--replication", type=int, help="Copies of each topic.")(function)
    function = click.option("--partitions", type=int, help="Of all topics that follow the readings.")(
        function
    )
    return group_option(function)


@click.group()
def topics() -> None:
    """Plan, create and check the topics. Nothing that exists is ever changed."""


@topics.command()
@plan_options
@json_option
def plan(as_json: bool, **options: object) -> None:
    """Print the topics as they should be; needs no broker."""
    planned = admin.plan(load_settings(**options))
    if as_json:
        print_json([asdict(topic) | {"config": dict(topic.config)} for topic in planned])
        return
    for topic in planned:
        say(f"{topic.name}: partitions {topic.partitions}, copies {topic.replication}")
        say(f"    {topic.about}")
        for key, value in topic.config.items():
            say(f"    {key}={value}")


@topics.command()
@brokers_option
@plan_options
@json_option
def apply(as_json: bool, **options: object) -> None:
    """Create what is missing; exit code 1 if what exists is not as planned."""
    settings = laid_out(need_brokers(load_settings(**options)))
    outcomes = admin.apply_topics(settings)
    inspection = admin.inspect_topics(settings)
    if as_json:
        print_json({"topics": [asdict(outcome) for outcome in outcomes], **_as_data(inspection)})
    else:
        for outcome in outcomes:
            say(f"{outcome.topic}: {outcome.result}")
    _conclude(settings, inspection, as_json)


@topics.command()
@brokers_option
@plan_options
@json_option
def check(as_json: bool, **options: object) -> None:
    """Compare the broker's topics with the plan; exit code 1 if they differ."""
    settings = laid_out(need_brokers(load_settings(**options)))
    inspection = admin.inspect_topics(settings)
    if as_json:
        print_json(_as_data(inspection))
    elif not inspection.differences:
        say(f"{len(admin.plan(settings))} topics are as planned")
    _conclude(settings, inspection, as_json)


@topics.command()
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
def rights(**options: object) -> None:
    """Print the rights of each part as commands of kafka-acls.sh; needs no broker."""
    settings = load_settings(**options)
    for line in acl_commands(settings.group, settings.topic_prefix).splitlines():
        say(line)


def _as_data(inspection: admin.Inspection) -> dict[str, object]:
    differences = [asdict(difference) for difference in inspection.differences]
    return {"ok": not differences, "differences": differences, "unreported": list(inspection.unreported)}


def _conclude(settings: Settings, inspection: admin.Inspection, as_json: bool) -> None:
    if not as_json:
        for difference in inspection.differences:
            found = "missing" if difference.found is None else difference.found
            say(f"{difference.topic}: {difference.what} is {found}, planned {difference.planned}")
        if inspection.unreported:
            names = ", ".join(inspection.unreported)
            say(f"configuration not reported by this broker, not compared: {names}")
    if count := len(inspection.differences):
        raise TopicsMismatch(f"{count} difference{'s' * (count > 1)} from the plan at {settings.brokers}")
