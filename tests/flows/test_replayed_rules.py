"""A replay says where the rules of the ward were switched while its recordings were made, and by which it goes on."""

import json
from types import SimpleNamespace

import pytest

from edge import cli
from edge.readers import open_recording
from edge.replayed_rules import notes_of_rules, stretches_of, switched
from streams.config.settings import Settings
from streams.contracts.seals import DEVELOPMENT
from streams.contracts.topics import RULES
from streams.kafka.admin import apply_topics
from streams.kafka.producers import ORDERS, Producer
from streams.kafka.rules_log import Rules, decided, name_of, sealed

TEXT = '[[rule]]\nid = "hr-high"\nsignal = "hr"\nhigh = 120\n'
BEGUN_MS = 1_772_366_400_000
ROWS = "".join(f"2026-03-01T12:00:{second:02}Z,150\n" for second in range(30))


def rules(number, kind="switch", text=TEXT):
    said = {"kind": kind, "group": "vigil", "number": number, "name": name_of(text) if text else ""}
    said |= {"file": "new.toml", "text": text, "actor": "e-1", "role": "engineer", "reason": "why"}
    return Rules(**said, at_ts_ms=number)


def log(*times_ms, **said):
    values = [sealed(rules(number, **said), DEVELOPMENT) for number in range(1, len(times_ms) + 1)]
    return decided(
        [
            SimpleNamespace(offset=offset, timestamp=at, key=b"vigil", value=value)
            for offset, (at, value) in enumerate(zip(times_ms, values, strict=True))
        ],
        "vigil",
        DEVELOPMENT,
    )


def test_only_switches_inside_a_recording_are_told_and_at_most_three_are_named():
    here = Settings(rules="ward.toml")
    inside = [(10_000, 20_000), (50_000, 60_000)]
    assert switched(log(9_999, 20_001, 40_000), inside, here) == ""
    assert switched(log(15_000, kind="trial"), inside, here) == ""
    assert switched(log(10_000), inside, here) == (
        f"the rules of group vigil were switched in the recordings' time (1970-01-01T00:00:10Z to {name_of(TEXT)} "
        "(new.toml)): this replay goes on by ward.toml throughout"
    )
    many = switched(log(10_000, 12_000, 20_000, 50_000, 60_000, text=None), inside, Settings())
    assert many.count("each worker's own") == 3
    assert " and 2 more): this replay goes on by the built-in rules throughout" in many


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "bed.csv"
    path.write_text("when,HeartRate\n" + ROWS)
    return path


def test_when_a_recording_was_made_is_what_it_says_else_the_given_start(recording):
    said = open_recording(recording, {"time_iso": "when", "hr": "HeartRate"})
    assert list(stretches_of([said], 0)) == [(BEGUN_MS, BEGUN_MS + 29_000)]
    late = said.beside("bed-1", "second", 5_000)
    assert list(stretches_of([late], 7)) == [(BEGUN_MS, BEGUN_MS + 29_000)]
    recording.write_text("t,hr\n0,80\n1,80\n2,80\n")
    unsaid = open_recording(recording, {"time_s": "t", "hr": "hr"})
    assert list(stretches_of([unsaid], 0)) == []
    assert list(stretches_of([unsaid.beside("bed-1", "second", 5_000)], 1_000)) == [(6_000, 8_000)]


def test_a_replay_beside_the_ward_s_broker_tells_the_switch_and_one_without_says_nothing(
    broker, recording, capsys, monkeypatch, tmp_path
):
    prefix = f"{tmp_path.name[-12:]}."
    settings = Settings(brokers=broker.bootstrap, topic_prefix=prefix, partitions=1)
    apply_topics(settings)
    with Producer(settings, ORDERS, settings.topic(RULES)) as producer:
        producer.send(b"vigil", sealed(rules(1), DEVELOPMENT), ts_ms=BEGUN_MS + 10_000).get(10)
    monkeypatch.setenv("VIGIL_TOPIC_PREFIX", prefix)
    arguments = [
        "replay",
        str(recording),
        "--columns",
        "time_iso=when,hr=HeartRate",
        "--speed",
        "max",
        "--json",
    ]
    assert cli.main([*arguments, "--brokers", broker.bootstrap]) == 0
    said = capsys.readouterr()
    [note] = json.loads(said.out)["notes"]
    assert note.startswith(
        "the rules of group vigil were switched in the recordings' time (2026-03-01T12:00:10Z to "
    )
    assert note in said.err
    opened = [open_recording(recording, {"time_iso": "when", "hr": "HeartRate"})]
    assert notes_of_rules(Settings(), opened, 0) == []
    other = Settings(brokers=broker.bootstrap, topic_prefix="nobody.")
    assert notes_of_rules(other, opened, 0) == []
