"""The proxies against a plain echo server: what passes, what does not, and what is said about it."""

import contextlib
import socket
import threading
import time

import pytest

from bench.drills.proxy import Mode, Proxies

TIMEOUT_S = 5.0
QUIET_S = 0.3
"""How long nothing must be heard to count as silence."""


@pytest.fixture
def echo():
    """Serve echoes on loopback; yield host:port."""
    connections = []

    def serve(connection):
        with connection, contextlib.suppress(OSError):
            while data := connection.recv(65_536):
                connection.sendall(data)

    def accept():
        with contextlib.suppress(OSError):
            while True:
                connection, _ = server.accept()
                connections.append(connection)
                threading.Thread(target=serve, args=(connection,), daemon=True).start()

    server = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=accept, daemon=True)
    thread.start()
    yield f"127.0.0.1:{server.getsockname()[1]}"
    server.shutdown(socket.SHUT_RDWR)
    server.close()
    thread.join(TIMEOUT_S)
    for connection in connections:
        connection.close()


@pytest.fixture
def proxies():
    with Proxies() as running:
        yield running


def connect(address):
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), TIMEOUT_S)


def exchange(connection, data):
    """Send bytes and return as many that come back."""
    connection.sendall(data)
    return receive(connection, len(data))


def receive(connection, count):
    found = b""
    while len(found) < count and (more := connection.recv(count - len(found))):
        found += more
    return found


def hears_nothing(connection):
    connection.settimeout(QUIET_S)
    try:
        connection.recv(1)
    except TimeoutError:
        return True
    finally:
        connection.settimeout(TIMEOUT_S)
    return False


def test_it_forwards_both_ways_whatever_the_size(echo, proxies):
    with connect(proxies.add(echo)) as connection:
        assert exchange(connection, b"hello") == b"hello"
        large = bytes(range(256)) * 4_000
        threading.Thread(target=connection.sendall, args=(large,)).start()
        assert receive(connection, len(large)) == large


def test_the_end_of_one_side_reaches_the_other(echo, proxies):
    with connect(proxies.add(echo)) as connection:
        connection.sendall(b"last words")
        connection.shutdown(socket.SHUT_WR)
        assert receive(connection, 100) == b"last words"


def test_a_black_hole_keeps_connections_and_says_nothing_then_delivers_what_it_swallowed(echo, proxies):
    with connect(proxies.add(echo)) as connection:
        assert exchange(connection, b"before") == b"before"
        proxies.set_mode(echo, Mode.BLACK_HOLE)
        connection.sendall(b"during")
        assert hears_nothing(connection)
        proxies.set_mode(echo, Mode.FORWARD)
        assert receive(connection, 6) == b"during"


def test_a_black_hole_accepts_new_connections_and_says_nothing_to_them(echo, proxies):
    address = proxies.add(echo)
    proxies.set_mode(echo, Mode.BLACK_HOLE)
    assert proxies.mode(echo) is Mode.BLACK_HOLE
    with connect(address) as connection:
        connection.sendall(b"anyone?")
        assert hears_nothing(connection)
        proxies.set_mode(echo, Mode.FORWARD)
        assert receive(connection, 7) == b"anyone?"


def test_refusing_resets_what_is_open_and_lets_nobody_in_until_it_forwards_again(echo, proxies):
    address = proxies.add(echo)
    with connect(address) as connection:
        assert exchange(connection, b"before") == b"before"
        proxies.set_mode(echo, Mode.REFUSE)
        with contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""
        with pytest.raises(ConnectionRefusedError):
            connect(address)
    proxies.set_mode(echo, Mode.FORWARD)
    with connect(address) as connection:
        assert exchange(connection, b"after") == b"after"


def test_latency_delays_each_direction_and_keeps_the_order(echo, proxies):
    with connect(proxies.add(echo)) as connection:
        exchange(connection, b"warm")
        proxies.set_mode(echo, Mode.FORWARD, latency_s=0.1)
        started_s = time.monotonic()
        connection.sendall(b"a")
        connection.sendall(b"b")
        assert receive(connection, 2) == b"ab"
        assert 0.2 <= time.monotonic() - started_s < TIMEOUT_S


def test_a_target_that_is_not_there_ends_the_connection(proxies):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = proxies.add(f"127.0.0.1:{nobody.getsockname()[1]}")
        with connect(address) as connection, contextlib.suppress(ConnectionResetError):
            assert connection.recv(1) == b""


def test_targets_are_independent_of_each_other(echo, proxies):
    with socket.create_server(("127.0.0.1", 0)) as other:
        other_address = proxies.add(f"127.0.0.1:{other.getsockname()[1]}")
        address = proxies.add(echo)
        proxies.set_mode(f"127.0.0.1:{other.getsockname()[1]}", Mode.BLACK_HOLE)
        with connect(other_address), connect(address) as connection:
            assert exchange(connection, b"hello") == b"hello"
