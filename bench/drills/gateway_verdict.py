"""What became of the frames of a gateway drill's devices: the ledger against the topic, by protocol."""

import time
from collections.abc import Sequence
from dataclasses import asdict
from typing import Final

from bench.drills.device_ledger import DeviceLedger, Reader
from bench.drills.read_back import read_back
from bench.drills.stage import Stage
from bench.drills.supervision import keep_running
from streams.contracts.topics import READINGS

SDC: Final = "sdc"
LOOK_S: Final = 2.0
"""Between two looks at whether the topic has what is still on its way."""

OF_PROTOCOL: Final = {
    "http": {"202"},
    "hl7": {"AA", "CA"},
    "fhir": {"200", "201"},
    "mqtt": {"PUBACK"},
    "vital-recorder": {"unknown-form"},
    SDC: set[str](),
}
"""The acknowledgements of each protocol, all of which must have come."""

WAIT_FOR_KAFKA: Final = frozenset({"http", "hl7", "fhir"})
"""Devices of these send until everything is acknowledged."""

KNOWN_ANSWERS: Final = frozenset({"429", "503", "AE", "CE", "none"}).union(*OF_PROTOCOL.values())
"""What a gateway that is killed, or has no broker, may make of a frame that is right."""


def prefix_of(protocol: str) -> str:
    """Return how the names of a protocol's devices begin."""
    return "urn:uuid:" if protocol == SDC else f"gw-{protocol}"


def compare(stage: Stage, ledger: DeviceLedger, protocols: Sequence[str], wait_s: float = 0.0) -> None:
    """Note what became of the devices' frames, and each promise that broke.

    Args:
        stage: of the drill.
        ledger: what was sent and acknowledged. Of a protocol with a spool, what the spool had counts as acknowledged.
        protocols: of the devices.
        wait_s: how long what is acknowledged may still be on its way to the topic.
    """
    until_s = time.monotonic() + wait_s
    while True:
        reader = _read(stage)
        counts = asdict(reader.judge(ledger))
        if not counts["missing"] or time.monotonic() > until_s:
            break
        keep_running(stage, LOOK_S)
    sent, acknowledged = ledger.frames
    stage.facts["devices"] = {
        "frames_sent": sent,
        "acknowledged": acknowledged,
        "sent_again": ledger.again,
        "twice_in_topic": reader.repeated,
        "answers": dict(sorted(ledger.answers.items())),
        **counts,
    }
    for protocol in protocols:
        _note(stage, ledger.only(prefix_of(protocol)), reader, protocol)
    stage.say(f"devices: {stage.facts['devices']}; {stage.facts['by_protocol']}")
    stage.broken += [
        f"frames of devices {name.replace('_', ' ')}: {count}" for name, count in counts.items() if count
    ]
    wrong = {name: ledger.answers[name] for name in ledger.answers if name not in KNOWN_ANSWERS}
    if wrong:
        stage.broken.append(f"answers that careful devices should never get: {wrong}")
    if not set[str]().union(*(OF_PROTOCOL[one] for one in protocols)) <= set(ledger.answers):
        stage.broken.append("not every kind of acknowledgement came: nothing was tested")


def _read(stage: Stage) -> Reader:
    reader, settings = Reader(), stage.settings
    read_back(settings.brokers, settings.topic(READINGS), settings.partitions, reader.take)
    return reader


def _note(stage: Stage, ledger: DeviceLedger, reader: Reader, protocol: str) -> None:
    """Note a protocol's figures."""
    sent, acknowledged = ledger.frames
    there = reader.there(ledger.acknowledged)
    figures = stage.facts.setdefault("by_protocol", {})
    assert isinstance(figures, dict)
    figures[protocol] = {
        "sent": sent,
        "acknowledged": acknowledged,
        "acknowledged_in_topic": there,
        "lost": acknowledged - there,
        "in_topic": reader.there(ledger.sent),
    }
    if not acknowledged:
        stage.broken.append(f"{protocol}: nothing was acknowledged, so nothing was tested")
    if protocol in WAIT_FOR_KAFKA and acknowledged < sent:
        stage.broken.append(f"{protocol}: {sent - acknowledged} frames were not taken though all were back")
