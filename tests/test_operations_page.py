"""What docs/operations.md names exists: settings, metrics, commands and options."""

import re
from pathlib import Path

import click

from agents.metrics import SHADOWS, Metrics
from edge.cli import COMMANDS
from edge.gateway.metrics import GatewayMetrics
from streams.settings import Settings

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def first_column(section):
    """Return what stands in backticks in the first column of the section's first table."""
    rows = [
        line
        for line in PAGE.split(f"## {section}\n")[1].split("\n## ")[0].splitlines()
        if line.startswith("| ")
    ]
    return {name for row in rows[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


def test_settings():
    named = (
        set(re.findall(r"VIGIL_([A-Z_]+[A-Z])", PAGE))
        | first_column("Security")
        | first_column("The gateway")
    )
    assert len(named) > 12
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_metrics():
    exported = set()
    families = [*Metrics().registry.collect(), *Metrics(SHADOWS).registry.collect()]
    families += [*GatewayMetrics().registry.collect()]
    for family in families:
        suffix = {"counter": "_total", "histogram": "_bucket"}.get(family.type, "")
        exported |= {family.name, family.name + suffix}
    listed = {f"vigil_{name}" for name in first_column("Metrics and what to alert on")}
    listed |= {f"vigil_{name}" for name in first_column("The gateway's metrics")}
    assert len(listed) > 10
    assert listed | set(re.findall(r"vigil_[a-z_]+[a-z]", PAGE)) <= exported


def test_commands_and_their_options():
    for words in re.findall(r"(?:`|^)vigil ([a-z]+(?: [a-z]+)?(?: --[a-z-]+)*)", PAGE, flags=re.MULTILINE):
        name, *rest = words.split()
        command = COMMANDS[name][1]()
        if isinstance(command, click.Group) and rest and not rest[0].startswith("--"):
            command = command.commands[rest.pop(0)]
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options, words
