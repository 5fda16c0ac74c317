"""What the clients file says of FHIR."""

import pytest

from edge.gateway.identities import Identities
from streams.config.settings import Settings
from streams.errors import UsageError


def test_a_clients_interval_is_that_of_the_file_and_else_a_frames(tmp_path):
    path = tmp_path / "clients.toml"
    path.write_text("[clients.mon-a]\nfhir.interval_s = 60\n[clients.mon-b]\n")
    found = Identities(Settings(gateway_clients=path)).fhir_interval_ms_of
    assert (found("mon-a"), found("mon-b"), found("mon-c")) == (60_000, 1_000, 1_000)
    assert Identities(Settings()).fhir_interval_ms_of("anybody") == 1_000


def test_an_interval_that_no_frame_may_have_is_told(tmp_path):
    path = tmp_path / "clients.toml"
    path.write_text("[clients.mon-a]\nfhir.interval_s = 0\n")
    with pytest.raises(UsageError, match="interval_s"):
        Identities(Settings(gateway_clients=path))
