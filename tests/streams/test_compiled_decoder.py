"""Compiled code reads a frame as the decoder does that says what a frame is, or leaves it to that one."""

import random
from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.vitals import SIGNALS
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.decoding.compiled_decoder import MEMBERS, CompiledDecoder
from streams.decoding.decoded import Frames
from streams.decoding.decoder import Decoder
from streams.decoding.raw_records import RawRecords, ReadRecord, joined
from streams.decoding.wire_frames import WireFrame

NAMES = [f"bed-{i}" for i in range(5)]
PLAIN = (
    '{"patient": "%s", "device": "mon-%d", "boot": 1, "seq": 7, "event_ts_ms": 1760000000123,'
    '"hr":60.5,"spo2":null,"temp":-36.65 , "consciousness":"V","on_oxygen":true,"vfib":false,"interval_ms":2000}'
)
PIECES = (
    b"0",
    b"9",
    b"-",
    b".",
    b"e5",
    b"E",
    b'"',
    b"\\",
    b",",
    b":",
    b"{",
    b"}",
    b"[",
    b" ",
    b"\n",
    b"\0",
    b"null",
)


def frame(i, value=None, key=None):
    name = NAMES[i % len(NAMES)]
    value = (PLAIN % (name, i % 3)).encode() if value is None else value
    return ReadRecord(100 + 2 * i, 9_000 + i, name.encode() if key is None else key, value)


class Unasked:
    """A judge who must not be asked."""

    def decode(self, records):
        raise AssertionError([record.value for record in records])


def knowing():
    """Return a decoder that knows the names."""
    decoder = CompiledDecoder()
    decoder.decode([frame(i) for i in range(15)])
    return decoder


def described(decoded):
    """Return all that was decoded; floats by their bits."""
    parts = []
    for part in decoded.parts:
        if isinstance(part, Frames):
            columns = {of.name: getattr(part, of.name) for of in fields(Frames)}
            said = columns.pop("bounds")
            columns |= {} if said is None else {"comparator": said.comparator, "limit": said.limit}
            part = {
                name: column.tobytes() if isinstance(column, np.ndarray) else list(column)
                for name, column in columns.items()
            }
        parts.append(part)
    return parts, decoded.rejects, decoded.notes, decoded.marks, decoded.refiled


def assert_same(records, decoder=None):
    decoder = decoder or knowing()
    expected = described(Decoder().decode(records))
    assert described(decoder.decode(records)) == expected
    assert described(decoder.decode(RawRecords.of(records))) == expected


def mutated(rng, value):
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        at = rng.randrange(len(value) + 1)
        piece = rng.choice((b"", bytes([rng.randrange(256)]), rng.choice(PIECES)))
        value = value[:at] + piece + value[at + rng.randrange(3) :]
    return value


def with_bound(value, rng):
    said = f'"bounds":{{"{rng.choice(("spo2", "pulse"))}":{{"comparator":"{rng.choice("<>")}","value":85}}}}'
    return value[:-1] + f", {said}}}".encode()


def test_an_empty_block_is_nothing():
    for decoder in (Decoder(), CompiledDecoder()):
        assert described(decoder.decode([])) == ([], [], [], [], 0)


def test_compiled_code_knows_every_member_of_a_frame():
    assert sorted(MEMBERS) == sorted(WireFrame.__struct_fields__)
    assert MEMBERS[6:] == tuple(signal.name for signal in SIGNALS)


def test_a_plain_frame_of_numbered_names_is_left_to_nobody():
    decoder = knowing()
    decoder._judge = Unasked()
    assert len(decoder.decode([frame(i) for i in range(30)]).parts[0]) == 30


@pytest.mark.parametrize("seed", range(20))
def test_of_damaged_frames_the_same_is_made(seed):
    rng = random.Random(seed)
    decoder = knowing()
    for _ in range(4):
        records = [frame(i) for i in range(60)]
        for i in rng.sample(range(60), 3):
            records[i] = frame(i, with_bound(records[i].value, rng))
        for i in rng.sample(range(60), 50):
            records[i] = frame(i, mutated(rng, records[i].value))
        for i in rng.sample(range(60), 4):
            records[i] = ReadRecord(100 + 2 * i, 9_000 + i, TICK_KEY, encode_tick(5 + i))
        for i in rng.sample(range(60), 4):
            key = rng.choice((None, b"", b"bed-0", b"bed-9", b"\xff", TICK_KEY))
            records[i] = ReadRecord(100 + 2 * i, 9_000 + i, key, rng.choice((None, b"", records[i].value)))
        assert_same(records, decoder)


def decimals(rng):
    """Yield numbers as texts: plain ones, and those that look like them."""
    for _ in range(2_000):
        digits = "".join(rng.choice("0123456789") for _ in range(rng.randrange(1, 19)))
        at = rng.randrange(0, 6)
        yield rng.choice(("", "-")) + digits[:at] + rng.choice(("", ".")) + digits[at:]
        yield repr(rng.uniform(-300, 300))
        yield f"{rng.uniform(-10_001, 10_001):.{rng.randrange(12)}f}"


def test_numbers_are_the_same_to_the_last_bit():
    texts = [
        "0",
        "-0",
        "0.0",
        "-0.0",
        "1e1",
        "00",
        "01",
        "1.",
        ".5",
        "-",
        "9999.99999999999",
        "10000",
        "10000.0",
    ]
    texts += ["10000.00000000001", "-10000", "0.00000000000001", "123456789012345", "1234567890123456"]
    texts += list(decimals(random.Random(1)))
    plain = (PLAIN % (NAMES[0], 0)).encode()
    for member, was in ((b"hr", b"60.5"), (b"boot", b" 1"), (b"interval_ms", b"2000")):
        texts_of = texts if member == b"hr" else texts[:900]
        old = b'"%s":%s' % (member, was)
        assert old in plain
        values = [plain.replace(old, b'"%s":%s' % (member, text.encode())) for text in texts_of]
        assert_same([frame(5 * i, value) for i, value in enumerate(values)])


members = [piece.encode() for piece in (PLAIN % (NAMES[0], 0)).strip("{}").split(",")]


@given(
    st.lists(st.sampled_from(members), max_size=14) | st.permutations(members),
    st.sampled_from((b",", b" , ", b",,", b"\t,")),
    st.sampled_from((b"{%s}", b" {%s} ", b"{%s", b"%s}", b"{%s,}", b"[%s]", b"{%s}{}", b"{ \r\n%s\n}")),
)
def test_members_in_any_order_missing_or_twice_are_read_as_the_judge_reads_them(drawn, comma, around):
    assert_same([frame(0), frame(5, around % comma.join(drawn)), frame(10)], everybody())


@cache
def everybody():
    """Return one decoder for all examples; not while tests are found, where it would be compiled from nothing."""
    return knowing()


def test_nothing_is_read_behind_the_end_of_a_record():
    value = frame(0).value
    decoder = knowing()
    for end in range(len(value) + 1):
        outcomes = []
        for behind in (value[end:], b"0" * 20, b'"}' * 10):
            data = b"bed-0" + value[:end] + behind
            raw = RawRecords(data, np.array([[1, 2, 0, 5, 5, 5 + end]]))
            outcomes.append(described(decoder.decode(raw)))
        assert outcomes[0] == outcomes[1] == outcomes[2] == described(Decoder().decode([raw[0]]))


def test_stretches_of_several_fetches_are_one():
    records = [frame(i) for i in range(9)] + [ReadRecord(200, 5, None, None)]
    whole = RawRecords.of(records)
    assert list(whole) == records
    assert list(whole[2:7:2]) == records[2:7:2]
    assert whole[-1] == records[-1]
    assert list(joined([whole[:4], whole[4:]])) == records
    assert (
        list(joined([RawRecords.of(records[:4]), RawRecords.of([]), RawRecords.of(records[4:])])) == records
    )
