"""Who reads the commands along takes orders, signed or not, and answers, and nothing else for either."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.order_records import said_in
from streams.commands import Answer, Resume

ORDER = {"kind": "resume", "id": "c1", "patient": "bed-1", "actor": "n", "issued_ts_ms": 1}
ANSWER = {
    "kind": "answer",
    "id": "c1",
    "patient": "bed-1",
    "command": "resume",
    "outcome": "accepted",
    "reason": "",
    "offset": 0,
    "append_ts_ms": 1,
    "alerts": [],
}


@pytest.mark.parametrize("said", [ORDER, {"seal": "x", "content": {"person": {"id": "n"}, "order": ORDER}}])
def test_an_order_is_read_plain_and_inside_its_envelope(said):
    assert said_in(json.dumps(said).encode()) == Resume(**{k: v for k, v in ORDER.items() if k != "kind"})


def test_an_answer_is_read():
    assert isinstance(said_in(json.dumps(ANSWER).encode()), Answer)


@pytest.mark.parametrize(
    "value",
    [None, b"", b"{}", b"[]", b"\xff", b'{"content": {}}', b'{"content": {"order": 3}}', b'{"kind": "x"}'],
)
def test_anything_else_is_neither(value):
    assert said_in(value) is None


@given(st.binary(max_size=60))
def test_no_bytes_are_a_failure(value):
    assert said_in(value) is None
