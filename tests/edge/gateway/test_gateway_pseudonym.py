"""Record numbers as opaque patients."""

import asyncio

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from edge.brokers.embedded import free_port
from edge.gateway.process import serve
from edge.gateway.pseudonym import DEVELOPMENT_KEY, Pseudonyms, pseudonyms_of
from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, UsageError

KEY = b"0123456789abcdef0123456789abcdef"


@given(st.text(max_size=3), st.text(max_size=3), st.text(max_size=3), st.text(max_size=3))
@example("c", "bc", "ab", "a")
@example("\x1fc", "c", "a", "a\x1f")
def test_two_identifiers_are_one_patient_only_if_they_are_the_same_of_the_same_authority(
    one, other, here, there
):
    made = Pseudonyms(KEY)
    assert (made.of(here, one) == made.of(there, other)) == ((here, one) == (there, other))


def test_every_gateway_with_the_key_makes_the_same_and_another_key_another():
    assert Pseudonyms(KEY).of("HOSP", "1") == Pseudonyms(KEY).of("HOSP", "1")
    assert Pseudonyms(KEY).of("HOSP", "1") != Pseudonyms().of("HOSP", "1")


def test_a_key_is_read_from_a_file_without_the_end_of_its_line(tmp_path):
    (tmp_path / "key").write_bytes(KEY + b"\n")
    assert pseudonyms_of(tmp_path / "key").of("", "1") == Pseudonyms(KEY).of("", "1")
    assert pseudonyms_of(None).of("", "1") == Pseudonyms().of("", "1")


@pytest.mark.parametrize("content", [None, b"", b"short\n", DEVELOPMENT_KEY])
def test_a_file_without_a_key_is_refused_without_showing_it(tmp_path, content):
    if content is not None:
        (tmp_path / "key").write_bytes(content)
    with pytest.raises(UsageError, match="gateway_patient_key_file") as told:
        pseudonyms_of(tmp_path / "key")
    assert "short" not in str(told.value)


def test_a_gateway_of_any_protocol_says_that_it_has_no_key(caplog):
    settings = Settings(brokers=f"127.0.0.1:{free_port()}", gateway_http_port=1, connect_wait_s=0.001)
    with pytest.raises(BrokerUnreachable):
        asyncio.run(serve(settings, asyncio.Event(), asyncio.Event()))
    assert "gateway_patient_key_file: none" in caplog.text
