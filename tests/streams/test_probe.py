"""What the probe says of listeners that are no broker, by sockets that answer in the ways of such listeners."""

import socket
import struct
import threading
from contextlib import closing

import pytest

from edge.brokers.embedded import EmbeddedBroker, free_port
from streams.config.settings import Settings
from streams.errors import BrokerUnreachable
from streams.kafka.connect import connect_admin
from streams.kafka.probe import address_of, refusal

TIMEOUT_S = 1.0
TLS_ALERT = b"\x15\x03\x03\x00\x02\x02\x0a"


class Listener(threading.Thread):
    """Answers every connection's first bytes with `answer`, then closes it; None = never answers."""

    def __init__(self, answer):
        super().__init__(daemon=True)
        self._answer = answer
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._held = []
        self.address = f"127.0.0.1:{self._socket.getsockname()[1]}"
        self.start()

    def run(self):
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            if self._answer is None:
                self._held.append(connection)
                continue
            with closing(connection):
                connection.recv(1024)
                connection.sendall(self._answer)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._socket.close()


def said(settings, address, timeout_s=TIMEOUT_S):
    return refusal(settings, address, timeout_s)


def test_a_broker_lets_us_in():
    with EmbeddedBroker() as broker:
        assert said(Settings(), broker.bootstrap) is None


def test_an_address_where_nobody_listens():
    found = said(Settings(), f"127.0.0.1:{free_port()}")
    assert (found.reason, found.final) == ("connection refused", False)


def test_a_host_that_nobody_knows():
    found = said(Settings(), "no-such-host.invalid:9092")
    assert "name" in found.reason
    assert not found.final


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (None, "no answer"),
        (b"", "does not answer as a Kafka broker"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "does not answer as a Kafka broker"),
        (struct.pack(">i", -1), "does not answer as a Kafka broker"),
        (struct.pack(">i", 2**30), "does not answer as a Kafka broker"),
        (struct.pack(">i", 100) + b"short", "does not answer as a Kafka broker"),
        (TLS_ALERT, "does not answer as a Kafka broker"),
    ],
    ids=[
        "silence",
        "closes",
        "http",
        "negative length",
        "huge length",
        "cut short",
        "alert without handshake",
    ],
)
def test_listeners_that_are_no_broker(answer, reason):
    with Listener(answer) as listener:
        found = said(Settings(), listener.address)
        assert reason in found.reason
        assert not found.final


@pytest.mark.parametrize("answer", [b"", b"HTTP/1.1 400 Bad Request\r\n\r\n"], ids=["closes", "http"])
def test_tls_to_what_does_not_speak_it(answer):
    with Listener(answer) as listener:
        found = said(Settings(security_protocol="SSL"), listener.address)
        assert "does it speak TLS?" in found.reason


def test_one_line_with_progress_ends_a_bounded_wait(monkeypatch):
    monkeypatch.setattr("streams.kafka.connect.PROGRESS_EVERY_S", 0.2)
    lines = []
    address = f"127.0.0.1:{free_port()}"
    with pytest.raises(
        BrokerUnreachable, match=rf"no broker at {address}: connection refused \(waited 1 s\)"
    ):
        connect_admin(Settings(brokers=address), 1.0, lines.append)
    assert 2 <= len(lines) <= 5
    assert all(line.startswith(f"waiting for a broker at {address}: connection refused (") for line in lines)


@pytest.mark.parametrize(
    ("server", "address"),
    [("kafka:9092", ("kafka", 9092)), ("[::1]:9092", ("::1", 9092)), ("10.0.0.1:1", ("10.0.0.1", 1))],
)
def test_addresses_are_host_and_port(server, address):
    assert address_of(server) == address
