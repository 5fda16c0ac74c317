"""Topics of MQTT: whose each is, and which device stands in it."""

import time

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


def test_a_topic_without_pattern_is_nobodys_either_where_two_claim_it():
    topics = TopicMap(
        [("v/mon-1", WARD), ("v/+", LAB), ("v/mon-2", LAB), ("w/mon-1", WARD), ("w/mon-1", LAB)]
    )
    assert topics.route("v/mon-1") is topics.route("w/mon-1") is UNKNOWN_TOPIC
    assert topics.route("v/mon-2") == Route(LAB, "")


def test_ten_thousand_devices_with_a_topic_each_do_not_hold_others_up_when_each_sends_for_the_first_time():
    topics = TopicMap([(f"vitals/mon-{i}/frames", WARD) for i in range(10_000)])
    began_s = time.process_time()
    for i in range(10_000):
        topics.route(f"vitals/mon-{i}/frames")
    assert time.process_time() - began_s < 5  # a minute, where each pattern is looked at


def test_a_topic_longer_than_a_pattern_is_found_and_not_kept_in_mind():
    topics = TopicMap([("gateways/#", WARD)])
    assert topics.route("gateways/" + "x" * 60_000) == Route(WARD, "")
    assert not topics._known


def test_of_two_patterns_of_one_client_the_one_with_a_device_counts():
    assert TopicMap([("v/#", WARD), ("v/{device}", WARD)]).route("v/mon-1") == Route(WARD, "mon-1")


@pytest.mark.parametrize(
    "pattern", ["", "v/{device}/{device}", "v/{bed}", "v/#/x", "v/a+", "$SYS/#", "v/x{device}", "v/\0"]
)
def test_a_pattern_that_is_none_is_refused(pattern):
    with pytest.raises(ValidationError):
        MqttEntry(topics=(pattern,))
