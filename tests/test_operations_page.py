"""What docs/operations.md names exists: settings, metrics, commands and options."""

import re
from pathlib import Path

import click
from prometheus_client import CollectorRegistry

from agents.delivery.metrics import DeliveryMetrics
from agents.health.metrics import SHADOWS, Metrics
from edge.board.metrics import BoardMetrics
from edge.channels.metrics import ChannelMetrics
from edge.cli import COMMANDS
from edge.gateway.metrics import GatewayMetrics
from edge.history.metrics import HistoryMetrics
from edge.identity.auditor import Auditor
from streams.config.settings import Settings

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "operations.md").read_text(encoding="utf-8")


def first_column(section):
    """Return what stands in backticks in the first column of the section's first table."""
    rows = [
        line
        for line in PAGE.split(f"## {section}\n")[1].split("\n## ")[0].splitlines()
        if line.startswith("| ")
    ]
    return {name for row in rows[1:] for name in re.findall(r"`(\w+)`", row.split("|")[1])}


SETTINGS_OF = ("Security", "The gateway", "Sign-in", "The board", "The history", "Traces")
METRICS_OF = {
    "Metrics and what to alert on": Metrics,
    "The gateway's metrics": GatewayMetrics,
    "The board's metrics": BoardMetrics,
    "The history's metrics": HistoryMetrics,
    "Delivery's metrics and what to alert on": DeliveryMetrics,
    "The sender's metrics and what to alert on": ChannelMetrics,
}


def test_settings():
    named = set(re.findall(r"VIGIL_([A-Z_]+[A-Z])", PAGE)).union(*map(first_column, SETTINGS_OF))
    assert len(named) > 12
    assert {name.lower() for name in named} <= Settings.model_fields.keys()


def test_every_setting_of_the_gateway_is_on_the_page():
    ours = {name.upper() for name in Settings.model_fields if name.startswith("gateway_")}
    assert ours == first_column("The gateway")


def test_every_setting_of_the_traces_is_on_the_page():
    ours = {name.upper() for name in Settings.model_fields if name.startswith("otlp_")}
    assert ours == first_column("Traces")


def test_metrics():
    Auditor(audit := CollectorRegistry())
    registries = [audit, Metrics(prefix=SHADOWS).registry, *(of().registry for of in METRICS_OF.values())]
    exported = set()
    for family in (family for registry in registries for family in registry.collect()):
        suffix = {"counter": "_total", "histogram": "_bucket"}.get(family.type, "")
        exported |= {family.name, family.name + suffix}
    sections = (*METRICS_OF, "The audit's metrics")
    listed = {f"vigil_{name}" for section in sections for name in first_column(section)}
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
