"""The messages that the bench sends as monitors do: whole for the gateway, and known again in the topic."""

import msgspec
from hl7_world import desk_of

from bench.gateway.frames import Load, identity_in
from bench.gateway.messages import TRAINING, message_of, number_of
from edge.gateway.hl7.desk import Peer
from edge.gateway.hl7.framing import Framer

LOAD = Load(port=1, connections=64, frames=1, rate_hz=0.0, seconds=1.0, boot=1_790_000_000)
SIGNALS = ("hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean")


def taken(message):
    (block,) = Framer().feed(message)
    desk = desk_of()
    found = desk.take(block, Peer("127.0.0.1"))
    assert not desk.counted.reasons
    return found


def test_a_message_is_one_frame_of_seven_readings_that_says_which_message_it_was():
    for place, number in ((0, 0), (3, 7), (63, 1_999)):
        (reading,) = taken(message_of(LOAD, place, number)).readings
        assert [getattr(reading.frame, signal) for signal in SIGNALS] == [80, 80, 97, 15, 120, 80, 93]
        found = identity_in(msgspec.json.encode(reading.frame))
        assert [int(one) for one in found.groups()[:3]] == [place, LOAD.boot, 0]
        assert number_of(LOAD, place, int(found[4])) == number


def test_what_measures_a_round_trip_is_refused_by_its_header():
    assert taken(message_of(LOAD, 0, 1, TRAINING)).refusal.reason == "not-production"
