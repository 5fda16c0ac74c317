"""Connecting to a broker that lets nobody in: one bounded wait, and the reason that says most."""

import time

import pytest

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable
from streams.kafka import connect
from streams.kafka.connect import CLIENT_S_MIN, PROBE_TIMEOUT_S, connect_admin, connect_with
from streams.kafka.probe import Refusal


def test_a_last_probe_that_is_cut_short_does_not_hide_what_the_others_said(monkeypatch):
    asked_s = []

    def refusal(settings, server, timeout_s):
        asked_s.append(timeout_s)
        return Refusal("it wants a certificate" if timeout_s >= PROBE_TIMEOUT_S else "no answer")

    monkeypatch.setattr(connect, "refusal", refusal)
    wait_s = PROBE_TIMEOUT_S + 0.3
    started_s = time.monotonic()
    with pytest.raises(BrokerUnreachable, match="it wants a certificate"):
        connect_admin(Settings(brokers="127.0.0.1:1"), wait_s)
    assert min(asked_s) < PROBE_TIMEOUT_S
    assert time.monotonic() - started_s >= wait_s


def test_a_wait_shorter_than_a_probe_still_tells_why(monkeypatch):
    monkeypatch.setattr(connect, "refusal", lambda settings, server, timeout_s: Refusal("no answer"))
    with pytest.raises(BrokerUnreachable, match="no answer"):
        connect_admin(Settings(brokers="127.0.0.1:1"), 0.2)


def test_a_broker_that_answers_at_the_end_of_the_wait_is_given_some_seconds(monkeypatch):
    given_ms = []
    monkeypatch.setattr(connect, "refusal", lambda settings, server, timeout_s: None)
    found = connect_with(
        Settings(brokers="127.0.0.1:1"), 0.2, lambda **common: given_ms.append(common["bootstrap_timeout_ms"])
    )
    assert found is None
    assert given_ms == [CLIENT_S_MIN * 1000]
