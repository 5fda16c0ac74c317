"""Whose a Vital Recorder's code is: by the clients file, from the client's own networks."""

import pytest

from edge.gateway.accept import Refusal
from edge.gateway.identities import ANYBODY, Identities
from streams.config.settings import Settings
from streams.errors import UsageError

FILE = """
[clients.ward-3]
devices = ["BED-1", "BED-2"]
vital_recorder.codes = ["WARD3", "BOTH"]
vital_recorder.networks = ["10.3.0.0/16"]
vital_recorder.zone = "Europe/Berlin"
vital_recorder.interval_s = 2

[clients.ward-4]
devices = ["BED-9"]
vital_recorder.codes = ["WARD4", "BOTH"]
vital_recorder.networks = ["10.0.0.0/8"]
"""


@pytest.fixture
def identities(tmp_path):
    (tmp_path / "clients.toml").write_text(FILE)
    settings = Settings(gateway_clients=tmp_path / "clients.toml", gateway_vital_recorder_zone="Asia/Seoul")
    return Identities(settings)


def test_a_code_from_its_network_is_its_clients(identities):
    sender, profile = identities.of_code("10.3.0.7", "WARD3")
    assert (sender.name, sender.may_send_for("BED-1"), sender.may_send_for("BED-9")) == (
        "ward-3",
        True,
        False,
    )
    assert (str(profile.zone), profile.interval_ms) == ("Europe/Berlin", 2000)


def test_the_gateways_zone_counts_where_a_client_has_none(identities):
    assert str(identities.of_code("10.3.0.7", "WARD4")[1].zone) == "Asia/Seoul"


@pytest.mark.parametrize(
    ("address", "code"),
    [
        ("10.4.0.7", "WARD3"),
        ("10.3.0.7", "OTHER"),
        ("10.3.0.7", "BOTH"),
        ("", "WARD3"),
        ("10.3.0.7", "ward-3"),
    ],
)
def test_no_other_code_is_anybodys(identities, address, code):
    found = identities.of_code(address, code)
    assert isinstance(found, Refusal)
    assert found.reason == "unknown-sender"


def test_without_a_clients_file_this_machine_may_send():
    assert Identities(Settings()).of_code("127.0.0.1", "ANY")[0] is ANYBODY


def test_senders_are_found_again_by_their_name_for_what_the_spool_holds(identities):
    assert identities.named("ward-3").devices == ("BED-1", "BED-2")
    assert identities.named("gone") is None
    assert Identities(Settings()).named("anybody") is ANYBODY


@pytest.mark.parametrize(
    "line", ["networks = []\n", 'networks = ["10.0.0.0/8"]\nvital_recorder.zone = "Mars/Base"']
)
def test_codes_without_a_network_and_zones_that_are_none_are_told(tmp_path, line):
    path = tmp_path / "clients.toml"
    path.write_text(f'[clients.a]\nvital_recorder.codes = ["A"]\nvital_recorder.{line}')
    with pytest.raises(UsageError, match="vital_recorder"):
        Identities(Settings(gateway_clients=path))


def test_an_interval_that_is_no_millisecond_is_refused(tmp_path):
    (tmp_path / "clients.toml").write_text(FILE.replace("interval_s = 2", "interval_s = 0.0001"))
    with pytest.raises(UsageError, match="interval_s"):
        Identities(Settings(gateway_clients=tmp_path / "clients.toml"))
