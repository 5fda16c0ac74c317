"""A provider of SDC raises an alarm: through a real gateway into a real Kafka, judged by a worker."""

import subprocess
import sys
import uuid

import pytest
from gateway_and_worker import GatewayAndWorker

pytestmark = pytest.mark.kafka

OWN = "~device/monitor-7"
NO_DATA_S_MAX = 25.0


@pytest.fixture
def provider():
    """A provider's endpoint reference, and its process."""
    epr = uuid.uuid4()
    process = subprocess.Popen([sys.executable, "-m", "bench.sdc_provider", str(epr), "70"])
    yield epr, process
    process.kill()
    process.wait(10)


def test_a_providers_low_saturation_is_an_alarm_of_its_device_and_its_end_one_within_25_s(
    kafka, provider, tmp_path
):
    epr, process = provider
    clients = f'[clients.monitor-7]\nsdc = ["{epr.urn}"]\n'
    with GatewayAndWorker(kafka, tmp_path, clients, gateway_sdc_interface="127.0.0.1") as world:
        assert world.alert("spo2-desat", OWN, deadline_s=90.0).phase == "start"
        found = {(said["device"], said["spo2"]) for key, said in world.readings() if key == OWN.encode()}
        assert found == {("monitor-7", 70)}
        world.wait_for_metric('vigil_gateway_clients{protocol="sdc"} 1.0')
        assert not any(one.rule == "silent-device" for one in world.alerts)
        process.kill()
        assert world.alert("silent-device", OWN, deadline_s=NO_DATA_S_MAX).phase == "start"
    assert str(epr) not in world.log.read_text()
