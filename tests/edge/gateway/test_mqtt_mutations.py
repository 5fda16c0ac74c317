"""Damaged messages of MQTT, a few of those that `python -m bench.mqtt_mutations` makes."""

from bench.mqtt_mutations import run


def test_each_damaged_message_is_acknowledged_and_in_the_door_or_a_dead_letter():
    found = run(2_000, seed=3)
    assert found.wrong == []
    assert found.outcomes["frame: taken"] > 0
    assert {"frame: not-json", "frame: unknown-topic", "frame: foreign-device"} <= found.outcomes.keys()
    assert sum(count for outcome, count in found.outcomes.items() if outcome.startswith("message")) == 2_000
