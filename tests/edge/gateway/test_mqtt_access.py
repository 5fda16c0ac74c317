"""How the gateway comes to its MQTT broker, and who may be there."""

import pytest

from edge.gateway.identities import Identities
from edge.gateway.mqtt.access import access_of
from streams.config.settings import Settings
from streams.errors import UsageError

CLIENTS = '[clients.ward]\ndevices = ["mon-*"]\nmqtt.topics = ["ward/{device}/frames"]\n'


def test_the_usual_is_a_broker_in_clear_and_a_session_of_the_host():
    access = access_of(Settings(gateway_mqtt_host="broker", group="g"))
    assert (access.host, access.port, access.tls, access.password) == ("broker", 1883, None, None)
    assert access.client_id.startswith("vigil-g-")


def test_a_password_is_read_from_its_file_and_never_shown(tmp_path):
    path = tmp_path / "password"
    path.write_text("s3cret\n")
    access = access_of(Settings(gateway_mqtt_username="g", gateway_mqtt_password_file=path))
    assert access.password == "s3cret"
    assert "s3cret" not in repr(access)


@pytest.mark.parametrize("text", ["", "\n"])
def test_an_empty_password_is_a_usage_error(tmp_path, text):
    path = tmp_path / "password"
    path.write_text(text)
    with pytest.raises(UsageError, match="one password"):
        access_of(Settings(gateway_mqtt_username="g", gateway_mqtt_password_file=path))


def test_files_that_cannot_be_read_are_usage_errors(tmp_path):
    with pytest.raises(UsageError, match="gateway_mqtt_password_file"):
        access_of(Settings(gateway_mqtt_username="g", gateway_mqtt_password_file=tmp_path / "none"))
    with pytest.raises(UsageError, match="gateway_mqtt_ settings"):
        access_of(Settings(gateway_mqtt_cafile=tmp_path / "none"))
    with pytest.raises(UsageError, match="gateway_mqtt_cafile"):
        access_of(Settings(gateway_mqtt_certfile=tmp_path / "none"))


def test_topics_are_those_of_the_clients_file(tmp_path):
    path = tmp_path / "clients.toml"
    path.write_text(CLIENTS)
    topics = Identities(Settings(gateway_clients=path)).topics()
    assert topics.filters == ("ward/+/frames",)
    assert topics.route("ward/mon-1/frames").sender.name == "ward"


def test_without_a_clients_file_the_broker_is_on_this_machine():
    identities = Identities(Settings(gateway_mqtt_host="localhost"))
    assert identities.topics().filters == ("vitals/+/frames", "/VSCapture/+/numericdata/#")
    assert identities.topics() is identities.topics()
    with pytest.raises(UsageError, match="gateway_clients"):
        Identities(Settings(gateway_mqtt_host="broker.hospital.example"))
