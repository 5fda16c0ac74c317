"""`vigil devices`: what one says, another one sees."""

import json
import uuid

import pytest
from click.testing import CliRunner

from edge.cli import main
from edge.commands.devices import devices
from streams.config.settings import Settings
from streams.kafka.admin import apply_topics


class Hand:
    def __init__(self, bootstrap):
        self.where = ["--brokers", bootstrap, "--prefix", f"{uuid.uuid4().hex[:8]}."]
        apply_topics(Settings(brokers=bootstrap, topic_prefix=self.where[-1], partitions=2))

    def run(self, *arguments):
        found = CliRunner().invoke(devices, [*arguments, *self.where])
        return found.exit_code, found.output.strip() or str(found.exception)

    def on(self, device):
        _, said = self.run("list", "--device", device, "--json")
        return json.loads(said)


@pytest.fixture(scope="module")
def hand(broker):
    return Hand(broker.bootstrap)


def test_a_device_is_put_on_a_patient_seen_there_and_taken_off(hand):
    assert hand.run("associate", "mon-1", "p-1") == (0, "mon-1 is on p-1")
    found = hand.on("mon-1")
    assert (found["patient"], found["source"], found["reporter"], found["validated"]) == (
        "p-1",
        "command",
        "development",
        True,
    )
    assert hand.run("release", "mon-1") == (0, "mon-1 is on nobody by report")
    assert hand.on("mon-1")["patient"] is None
    assert hand.run("list", "--device", "mon-1")[1] == "mon-1  nobody"


def test_a_device_of_another_patient_is_refused(hand):
    hand.run("associate", "mon-2", "p-1")
    code, said = hand.run("associate", "mon-2", "p-2")
    assert code == 1
    assert said == "refused: device is associated with another patient: release it there first"


def test_a_time_needs_a_zone_and_may_be_past(hand):
    code, said = hand.run("associate", "mon-3", "p-1", "--from", "2026-03-01T14:05:00")
    assert (code, "has no zone" in said) == (2, True)
    code, _ = hand.run("associate", "mon-3", "p-1", "--from", "2026-03-01T14:05:00+01:00")
    assert (code, hand.on("mon-3")["since_ts_ms"]) == (0, 1_772_370_300_000)


def test_a_device_stands_at_a_bed_and_at_none(hand):
    assert hand.run("place", "mon-4", "icu/1/2") == (0, "mon-4 stands at icu/1/2")
    assert hand.run("list", "--device", "mon-4")[1] == "mon-4  nobody  at icu/1/2"
    assert hand.run("place", "mon-4", "--nowhere") == (0, "mon-4 stands at no bed")
    assert hand.run("place", "mon-4")[0] == 2
    assert hand.run("release", "mon-4") == (1, "mon-4 is on nobody")


def test_an_identifier_that_is_none_is_wrong_usage(hand, capsys):
    arguments = ["devices", "associate", "mon 5", "p", *hand.where]
    assert main(arguments) == 2
    assert capsys.readouterr().err.startswith("vigil: device: ")
