"""Damaged messages of VSCapture: no crash, no hang, each refused with a reason or frames."""

from hypothesis import given, settings
from hypothesis import strategies as st

from bench.vscapture_mutations import run


def test_damaged_messages_are_refused_with_a_reason_or_are_frames(caplog):
    found = run(2_000, seed=25)
    assert found.wrong == []
    assert set(found.outcomes) >= {"taken", "invalid", "not-json", "unknown-code", "no-time"}
    assert caplog.records == [], "what is logged of a damaged message would quote it"


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32))
def test_any_seed_does(seed):
    assert run(19, seed).wrong == []
