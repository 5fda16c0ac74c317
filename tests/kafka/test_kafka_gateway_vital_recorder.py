"""The makers' own client through a real gateway into a real Kafka with a worker: an alarm comes of it."""

import pytest
from gateway_and_worker import GATEWAY, STOP_S, GatewayAndWorker, wait_until
from makers_client import client_command

from edge.brokers.embedded import free_port

pytestmark = pytest.mark.kafka

CLIENTS = """
[clients.ward-3]
devices = ["BED-7"]
vital_recorder.codes = ["WARD3"]
vital_recorder.networks = ["127.0.0.0/8"]
"""
ACCEPTED = b'vigil_gateway_accepted_total{protocol="vital_recorder"} '


def test_a_client_of_the_makers_raises_an_alarm_also_over_a_gateway_that_is_killed(
    kafka, tmp_path, monkeypatch
):
    monkeypatch.setenv("TZ", "UTC")
    with GatewayAndWorker(kafka, tmp_path, CLIENTS, gateway_vital_recorder_port=free_port()) as world:
        world.begin(client_command(world.settings.gateway_vital_recorder_port, value=70))

        def is_accepted():
            said = world.scrape(world.settings.gateway_metrics_port)
            return ACCEPTED in said and ACCEPTED + b"0.0" not in said

        wait_until(is_accepted, "readings")
        world.gateway.kill()
        world.gateway.wait(STOP_S)
        world.begin(GATEWAY)
        told = world.alert("spo2-desat", "~device/BED-7")
        assert (told.phase, told.priority) == ("start", "high")
    assert b"BED-7" not in world.log.read_bytes()
