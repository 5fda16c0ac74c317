"""Topics of MQTT: whose each is, and which device stands in it."""

import pytest
from pydantic import ValidationError

from edge.gateway.accept import Sender
from edge.gateway.mqtt.topic_map import UNKNOWN_TOPIC, MqttEntry, Route, TopicMap

WARD = Sender("ward", ("mon-*",))
LAB = Sender("lab", ("*",))


@pytest.mark.parametrize(
    ("pattern", "topic", "device"),
    [
        ("vitals/{device}/frames", "vitals/mon-1/frames", "mon-1"),
        ("vitals/{device}/frames", "vitals//frames", None),
        ("vitals/{device}/frames", "vitals/mon-1/frames/x", None),
        ("vitals/{device}/frames", "vitals/mon-1", None),
        ("vitals/{device}/frames", "", None),
        ("{device}", "mon-1", "mon-1"),
        ("site/+/{device}/#", "site/a/mon-1/x/y", "mon-1"),
        ("site/+/{device}/#", "site/a/mon-1", "mon-1"),
        ("site/+/{device}/#", "site/a", None),
        ("gateways/icu", "gateways/icu", ""),
        ("gateways/icu", "gateways/er", None),
        ("gateways/#", "gateways", ""),
    ],
)
def test_a_pattern_finds_the_device_in_a_topic(pattern, topic, device):
    found = TopicMap([(pattern, WARD)]).route(topic)
    assert found == (UNKNOWN_TOPIC if device is None else Route(WARD, device))


def test_filters_are_those_of_mqtt_each_once():
    topics = TopicMap([("v/{device}/f", WARD), ("v/+/f", LAB), ("box/#", LAB)])
    assert topics.filters == ("v/+/f", "box/#")


def test_what_two_clients_claim_is_neithers():
    assert TopicMap([("v/{device}", WARD), ("v/#", LAB)]).route("v/mon-1") is UNKNOWN_TOPIC


def test_of_two_patterns_of_one_client_the_one_with_a_device_counts():
    assert TopicMap([("v/#", WARD), ("v/{device}", WARD)]).route("v/mon-1") == Route(WARD, "mon-1")


@pytest.mark.parametrize(
    "pattern", ["", "v/{device}/{device}", "v/{bed}", "v/#/x", "v/a+", "$SYS/#", "v/x{device}", "v/\0"]
)
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(ValidationError):
        MqttEntry(topics=(pattern,))
