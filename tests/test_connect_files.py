"""The Kafka Connect configurations that are shipped: topics that exist, what a sink needs, no secret."""

import json
import re
from pathlib import Path

import pytest

from edge.history.ledger import KEPT
from streams.contracts.topics import READINGS, TOPICS

FOLDER = Path(__file__).resolve().parents[1] / "deploy" / "connect"
FILES = sorted(FOLDER.glob("*.json"))

NEEDED = {
    "io.confluent.connect.jdbc.JdbcSinkConnector": {"connection.url", "insert.mode", "pk.mode", "pk.fields"},
    "io.confluent.connect.s3.S3SinkConnector": {
        "s3.bucket.name",
        "storage.class",
        "format.class",
        "flush.size",
    },
}
"""What each sink does not start without, or without which a record that is sent again would be two."""

DEFINERS = {"transforms", "predicates"}


def no_repeats(pairs):
    names = [name for name, _ in pairs]
    assert len(names) == len(set(names)), names
    return dict(pairs)


@pytest.fixture(params=FILES, ids=lambda path: path.stem)
def connector(request):
    return json.loads(request.param.read_text(encoding="utf-8"), object_pairs_hook=no_repeats)


def test_there_is_a_configuration_for_the_records_and_one_for_the_readings():
    topics = {
        topic
        for path in FILES
        for topic in json.loads(path.read_text(encoding="utf-8"))["config"]["topics"].split(",")
    }
    assert topics == {READINGS, *KEPT}
    assert topics <= {topic.name for topic in TOPICS}


def test_a_connector_has_what_its_sink_needs_all_as_text(connector):
    assert connector.keys() == {"name", "config"}
    config = connector["config"]
    assert all(isinstance(value, str) for value in config.values())
    assert NEEDED[config["connector.class"]] <= config.keys()
    assert {"tasks.max", "topics", "key.converter", "value.converter"} <= config.keys()


def test_every_transform_and_predicate_is_said_what_it_is(connector):
    config = connector["config"]
    for kind in DEFINERS & config.keys():
        for name in config[kind].split(","):
            assert f"{kind}.{name}.type" in config
    used = {value for name, value in config.items() if name.endswith(".predicate")}
    assert used <= set(config.get("predicates", "").split(","))


def test_where_records_are_sent_again_they_are_one_row(connector):
    config = connector["config"]
    if "insert.mode" in config:
        assert (config["insert.mode"], config["pk.mode"]) == ("upsert", "kafka")
        assert config["pk.fields"] == "topic,partition,offset"
    assert config["consumer.override.isolation.level"] == "read_committed"
    assert config["errors.tolerance"] == "none"


def test_no_secret_stands_in_a_file_and_no_reading_in_a_log(connector):
    config = connector["config"]
    for name, value in config.items():
        if re.search(r"password|user|url|bucket|secret|key\.id", name):
            assert value.startswith("${file:"), name
    assert config["errors.log.include.messages"] == "false"
