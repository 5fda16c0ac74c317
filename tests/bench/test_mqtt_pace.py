"""The bench's publisher of MQTT: a broker that hangs up is an error, and not waited for."""

import socket
import threading

import pytest

from bench.gateway.mqtt_pace import Publisher


def test_a_broker_that_hangs_up_ends_the_measurement():
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up():
            connection, _ = server.accept()
            with connection:
                connection.recv(1_000)

        broker = threading.Thread(target=hang_up, daemon=True)
        broker.start()
        with pytest.raises(ConnectionError, match="hung up"):
            Publisher(server.getsockname()[1], 1)
        broker.join(5)
