"""paho's privates that the seam stands on, and when it can go."""

import socket

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion

from edge.gateway.mqtt.paho_seam import ReadAhead, SeamedClient


def client():
    return SeamedClient(
        CallbackAPIVersion.VERSION2, "c", protocol=MQTTProtocolVersion.MQTTv5, manual_ack=True
    )


def test_acknowledgements_leave_as_one_write_in_their_order_each_with_its_reason():
    one = client()
    one.on_socket_register_write = lambda *_: None
    one.acknowledge([(1, 0), (513, 0x99), (3, 0)])
    (packet,) = one._out_packet
    assert packet["packet"] == b"\x40\x02\x00\x01" + b"\x40\x03\x02\x01\x99" + b"\x40\x02\x00\x03"
    assert packet["to_process"] == 13


def test_nothing_to_acknowledge_is_no_write():
    one = client()
    one.acknowledge([])
    assert not one._out_packet


def test_paho_itself_takes_no_reason_and_reads_one_byte_at_first():
    """When this fails, paho has mended it: look whether `paho_seam` can go."""
    assert Client.ack.__code__.co_varnames[: Client.ack.__code__.co_argcount] == ("self", "mid", "qos")
    asked = []

    class Counting:
        def recv(self, size_bytes):
            asked.append(size_bytes)
            raise BlockingIOError

    one = client()
    one._sock = Counting()
    one.loop_read()
    one._sock = None
    assert asked == [1]


@pytest.mark.parametrize(
    ("command", "packet", "taken"),
    [
        (0x32, b"\0\1t\0\7\0payload", (7, "t", b"payload")),
        (0x30, b"\0\1t\0payload", (0, "t", b"payload")),
        (0x3A, b"\0\1t\0\7\0", (7, "t", b"")),
        (0x32, b"\0\1\xff\0\7\0x", (7, "\ufffd", b"x")),
        # A user property.
        (0x32, b"\0\1t\0\7" + b"\x0a\x26\0\3one\0\2ab" + b"x", (7, "t", b"x")),
        (0x32, b"\0\1t\0\7" + b"\x82\x01" + b"p" * 130 + b"x", (7, "t", b"x")),
        (0x32, b"\0\1t\0\7\5ab", None),
        (0x32, b"\0\1t\0\7\x80", None),
        # A length of five bytes, which none is.
        (0x32, b"\0\1t\0\7" + b"\x80" * 4 + b"\0x", None),
        (0x32, b"\0\1t", None),
        (0x32, b"\0", None),
        (0x34, b"\0\1t\0\7\0x", None),
    ],
)
def test_a_message_is_read_without_its_properties(command, packet, taken):
    one, found = client(), []
    one.took = lambda *message: found.append(message)
    one._in_packet["command"], one._in_packet["packet"] = command, bytearray(packet)
    code = one._handle_publish()
    assert found == ([] if taken is None else [taken])
    assert (code == MQTTErrorCode.MQTT_ERR_PROTOCOL) is (taken is None)


def test_a_socket_is_read_ahead_and_says_what_it_holds():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ahead = ReadAhead(ours)
        theirs.sendall(b"abcdef")
        assert (ahead.recv(1), ahead.holds, ahead.recv(2)) == (b"a", True, b"bc")
        assert (ahead.recv(9), ahead.holds) == (b"def", False)
        theirs.close()
        assert ahead.recv(1) == b""
        assert ahead.fileno() == ours.fileno()
