"""Bodies: HTTP takes exactly the contract's frames, but for the three fields that may be left out."""

import json
import tracemalloc

import msgspec
import pytest
from gateway_world import GOOD, IDENTITY, frame
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.gateway.accept import Reading
from edge.gateway.http.server import BODY_BYTES_MAX
from edge.gateway.items import ITEMS_MAX, TooMany, read_items, split_json, split_lines
from edge.gateway.numbering import numbered
from streams.contracts.frame import EVENT_TS_MS_MAX, FRAME_BYTES_MAX, SEQ_MAX, Frame
from streams.decoding.wire_frames import decode_frame

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from((SEQ_MAX, SEQ_MAX + 1, 2**63, 2**64, EVENT_TS_MS_MAX, EVENT_TS_MS_MAX + 1, 10**400)),
    st.sampled_from((10_000, 10_000.5, 36.6, 1e300, -0.0, 1.0)),
    st.floats(),
    st.sampled_from(("A", "X", "", "60", "bed-1", "bed\n1", "~device/x", "é", "\u0000", "p" * 65)),
    st.lists(st.integers(), max_size=2),
)
names = st.sampled_from((*Frame.model_fields, "extra", "HR", ""))
objects = st.builds(
    lambda changes, gone: {k: v for k, v in {**IDENTITY, **changes}.items() if k not in gone},
    st.dictionaries(names, scalars, max_size=3),
    st.sets(st.sampled_from(tuple(IDENTITY)), max_size=3),
)


@st.composite
def texts(draw):
    """JSON of a frame, or of something close to one: wrong members, then perhaps wrong bytes."""
    text = json.dumps(draw(objects), ensure_ascii=draw(st.booleans())).encode()
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        at = draw(st.integers(0, len(text)))
        piece = draw(st.one_of(st.binary(max_size=2), st.sampled_from((b" ", b",", b"}", b"NaN", b"0"))))
        text = text[:at] + piece + text[at + draw(st.integers(0, 2)) :]
    return text


def model_of(text):
    """Return the model's frame of a text in which what HTTP lets be left out has been filled in, None if none."""
    try:
        given_members = json.loads(text)
    except (ValueError, RecursionError):
        given_members = None
    if isinstance(given_members, dict) and "refiled" in given_members:
        return None  # not a sender's to say
    if isinstance(given_members, dict) and text.rstrip().endswith(b"}"):
        rest = b"" if not given_members else b", "
        if "patient" not in given_members:
            text, rest = text.rstrip()[:-1] + rest + b'"patient": "p"}', b", "
        if "boot" not in given_members and "seq" not in given_members:
            text = text.rstrip()[:-1] + rest + b'"boot": 0, "seq": 0}'
    try:
        found = Frame.model_validate_json(text)
    except ValidationError:
        return None
    return None if found.patient.startswith("~") else found  # a device's own stream is nobody's to name


@settings(max_examples=1_000)
@given(texts())
@example(frame(patient=""))
@example(frame(device=""))
@example(frame(boot=-1, seq=-1))
@example(b"{}")
def test_http_takes_exactly_what_the_model_takes(text):
    (item,) = read_items([text], "key")
    model = model_of(text)
    assert isinstance(item, Reading) == (model is not None)
    if model is not None:
        assert (item.frame.device, item.frame.event_ts_ms) == (model.device, model.event_ts_ms)
        assert item.frame.patient in (model.patient, "")


@settings(max_examples=200)
@given(st.lists(texts(), max_size=4))
def test_a_frame_is_read_the_same_alone_and_among_others(found):
    alone = [read_items([text], "key")[0] for text in found]
    together = read_items(found, "key")
    for one, other in zip(alone, together, strict=True):
        assert type(one) is type(other)
        if isinstance(one, Reading) and one.raw is not None:
            assert (one.frame, one.raw) == (other.frame, other.raw)


def test_what_is_written_again_reads_as_the_same_frame():
    (item,) = read_items([frame(hr=60.5, spo2=None, on_oxygen=False, consciousness="V")], "")
    written = msgspec.json.encode(item.frame)
    assert decode_frame(written) == decode_frame(item.raw)
    assert json.loads(written).keys() == {*IDENTITY, "hr", "spo2", "on_oxygen", "consciousness"}


def test_empty_lines_are_no_frames_and_an_array_keeps_each_text():
    assert split_lines(b"\n" + GOOD + b"\r\n\n  \n" + GOOD) == [GOOD + b"\r", GOOD]
    assert split_json(b" [" + GOOD + b", 1]") == [GOOD, b"1"]


def test_bounds_of_a_frame_and_of_a_request():
    large = frame(device="d" * FRAME_BYTES_MAX)
    assert read_items([large], "")[0].reason == "too-large"
    padded = GOOD + b" " * FRAME_BYTES_MAX
    assert read_items([GOOD, padded], "")[1].reason == "too-large"
    assert len(read_items([GOOD] * ITEMS_MAX, "")) == ITEMS_MAX
    with pytest.raises(TooMany):
        read_items([GOOD] * (ITEMS_MAX + 1), "")


@pytest.mark.parametrize(
    ("split", "body"),
    [
        (split_lines, b"\n" * BODY_BYTES_MAX),
        (split_lines, b"10\n" * (BODY_BYTES_MAX // 3)),
        (split_json, b"[" + b"0," * (BODY_BYTES_MAX // 2 - 1) + b"0]"),
    ],
)
def test_a_body_of_millions_of_items_is_turned_away_before_it_is_taken_apart(split, body):
    tracemalloc.start()
    try:
        with pytest.raises(TooMany):
            split(body)
        assert tracemalloc.get_traced_memory()[1] < 1_000_000
    finally:
        tracemalloc.stop()


@given(st.integers(0, EVENT_TS_MS_MAX), st.text(max_size=20), st.text(max_size=20))
def test_a_number_made_from_a_message_rises_with_its_time_and_is_the_same_everywhere(event_ts_ms, one, other):
    assert numbered(event_ts_ms, one) == numbered(event_ts_ms, one) <= SEQ_MAX
    assert numbered(event_ts_ms, one) < numbered(event_ts_ms + 1, other)


def test_numeric_message_ids_keep_their_order_within_a_millisecond():
    assert [numbered(5, str(number)) for number in (41_007, 41_008, 41_999)] == [5_007, 5_008, 5_999]
    assert numbered(5, "٤٢") != 5_042, "only the digits of ASCII are a number"
