"""The live lane's decoder: held to the public model, record by record and in blocks."""

import json
import math
from dataclasses import dataclass, replace

import numpy as np
import pytest
from frame_texts import IDENTITY, sound, values
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from clinical.comparators import COMPARATORS
from clinical.vitals import ABSENT, ACVPU, INDEX, SIGNALS
from streams.contracts.frame import EVENT_TS_MS_MAX, FRAME_BYTES_MAX, SEQ_MAX, TICK_KEY, Frame, encode_tick
from streams.contracts.frame import Tick as TickModel
from streams.decoding.compiled_decoder import CompiledDecoder
from streams.decoding.decoded import Frames, Tick
from streams.decoding.decoder import Decoder

both = pytest.mark.parametrize("of", [Decoder, CompiledDecoder])
GOOD = json.dumps({**IDENTITY, "hr": 60.5, "spo2": None, "consciousness": "V", "on_oxygen": True}).encode()


@dataclass(frozen=True)
class Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def changed(**changes):
    return json.dumps({**IDENTITY, **changes}).encode()


def spliced(text):
    """Return a frame with raw JSON text as its last member."""
    return GOOD[:-1] + b", " + text + b"}"


def decode_block(records):
    """Return what a decoder that knows nothing makes of a block; one that knows it and a compiled one do the same."""
    first = Decoder().decode(records)
    for decoder in (Decoder(), CompiledDecoder()):
        for _ in range(3):  # what is new to compiled code goes by what it knows the second time
            assert repr(decoder.decode(records)) == repr(first)
    return first


COPY = "a copy that is kept and not judged"


def decode(value, key=b"bed-1"):
    """Return the only frame of a block of one record, or the reason why there is none."""
    decoded = decode_block([Record(3, 5_000, key, value)])
    if decoded.rejects:
        assert not decoded.parts
        return decoded.rejects[0].reason
    if decoded.refiled:
        assert not decoded.parts
        return COPY
    (frames,) = decoded.parts
    return frames


def model_of(value):
    try:
        return Frame.model_validate_json(value)
    except ValidationError:
        return None


def wide(frames):
    return frames.of_all_signals(slice(None))


def bounds_in(frames, i):
    """Return what the i-th frame says in place of values."""
    if frames.bounds is None:
        return {}
    said = zip(frames.carried.tolist(), frames.bounds.comparator[i], frames.bounds.limit[i], strict=True)
    return {SIGNALS[signal].name: (COMPARATORS[code], limit) for signal, code, limit in said if code}


def said_by(frame):
    """Return all that one frame says, whatever else the block's frames carry."""
    return repr(replace(frame, carried=None, values=wide(frame), bounds=None)), bounds_in(frame, 0)


def assert_same(frames, i, model):
    assert (frames.patient[i], frames.device[i]) == (model.patient, model.device)
    whole = (frames.boot[i], frames.seq[i], frames.event_ts_ms[i], frames.interval_ms[i])
    assert tuple(map(int, whole)) == (model.boot, model.seq, model.event_ts_ms, model.interval_ms)
    values = wide(frames)[i]
    assert bounds_in(frames, i) == {
        name: (said.comparator, said.value) for name, said in model.bounds.items()
    }
    for signal in SIGNALS:
        value = values[INDEX[signal.name]]
        given_value = getattr(model, signal.name)
        if signal.name in model.bounds:
            assert math.isnan(value)
        elif signal.name not in model.model_fields_set:
            assert value == ABSENT
        elif given_value is None:
            assert math.isnan(value)
        elif signal.name == "consciousness":
            assert value == ACVPU.index(given_value)
        else:
            assert value == float(given_value)


def repeats_a_name(value):
    repeated = []

    def check(pairs):
        repeated.append(len({name for name, _ in pairs}) < len(pairs))
        return dict(pairs)

    json.loads(value, object_pairs_hook=check)
    return any(repeated)


@settings(max_examples=1_000, deadline=None)
@given(values())
def test_decoder_and_model_accept_and_refuse_the_same_bytes_with_the_same_values(value):
    model = model_of(value)
    key = model.patient.encode() if model else b"bed-1"
    frames = decode(value, key)
    if isinstance(frames, Frames):
        assert model is not None
        assert not model.refiled
        assert_same(frames, 0, model)
    elif frames == COPY:
        assert model is not None
        assert model.refiled
    else:
        # The model does not look at the first of two members of one name, the decoder does.
        assert model is None or repeats_a_name(value)


@both
def test_who_keeps_everything_gets_copies_as_frames_in_their_places(of):
    records = [
        Record(offset, 5_000, b"bed-1", changed(seq=offset, hr=70 + offset, refiled=offset == 4))
        for offset in (3, 4, 5)
    ]
    (frames,) = of(with_copies=True).decode(records).parts
    assert (frames.offset.tolist(), frames.seq.tolist()) == ([3, 4, 5], [3, 4, 5])
    assert frames.values[:, frames.carried.tolist().index(INDEX["hr"])].tolist() == [73, 74, 75]
    (others,) = of().decode(records).parts
    assert others.offset.tolist() == [3, 5]


CORPUS = {
    "not JSON": (b"hello", "not-json"),
    "cut short": (GOOD[:-5], "not-json"),
    "empty text": (b"", "not-json"),
    "no value": (None, "empty"),
    "something after the end": (GOOD + b"x", "not-json"),
    "a zero byte after the end": (GOOD + b"\0", "not-json"),
    "a byte order mark": (b"\xef\xbb\xbf" + GOOD, "not-json"),
    "bad UTF-8 in a text": (GOOD.replace(b"mon-a", b"mon-\xff"), "not-json"),
    "half a surrogate": (GOOD.replace(b"mon-a", b"mon-\\ud800"), "not-json"),
    "NaN": (spliced(b'"resp": NaN'), "not-json"),
    "Infinity": (spliced(b'"resp": Infinity'), "not-json"),
    "-Infinity": (spliced(b'"resp": -Infinity'), "not-json"),
    "a number beyond any float": (spliced(b'"resp": 1e999'), "invalid"),
    "a number no sensor reports": (changed(hr=10_001), "invalid"),
    "a text for a number": (changed(hr="60"), "invalid"),
    "true for a number": (changed(hr=True), "invalid"),
    "one for true": (changed(on_oxygen=1), "invalid"),
    "an unknown level of consciousness": (changed(consciousness="X"), "invalid"),
    "a list": (b"[]", "invalid"),
    "null": (b"null", "invalid"),
    "an unknown field": (changed(glucose=5), "invalid"),
    "no device": (json.dumps({k: v for k, v in IDENTITY.items() if k != "device"}).encode(), "invalid"),
    "a fraction for a count": (changed(seq=1.5), "invalid"),
    "a negative count": (changed(seq=-1), "invalid"),
    "a count beyond 2**53": (changed(seq=SEQ_MAX + 1), "invalid"),
    "a count of 5,000 digits": (changed().replace(b'"seq": 7', b'"seq": 1' + b"0" * 5_000), "invalid"),
    "a time after 2100": (changed(event_ts_ms=EVENT_TS_MS_MAX + 1), "invalid"),
    "an interval of 0": (changed(interval_ms=0), "invalid"),
    "a patient with a line break": (changed(patient="bed-1\n"), "invalid"),
    "a device with a line break": (changed(device="mon\na"), "invalid"),
    "an empty device": (changed(device=""), "invalid"),
    "a patient that looks like a tick": (changed(patient="~tick"), "invalid"),
    "deep nesting": (spliced(b'"resp": ' + b"[" * 5_000 + b"]" * 5_000), "invalid"),
    "deep nesting that is too long": (spliced(b'"resp": ' + b"[" * 100_000), "too-large"),
    "1 MiB of a frame": (GOOD + b" " * 2**20, "too-large"),
    "1 MiB of anything": (b"\xff" * 2**20, "too-large"),
    "a wrong member before the right one": (spliced(b'"resp": "x", "resp": 12'), "invalid"),
}


@pytest.mark.parametrize(("value", "reason"), CORPUS.values(), ids=CORPUS)
def test_bad_input_is_refused_with_its_reason_and_its_neighbours_survive(value, reason):
    assert decode(value) == reason
    block = [Record(10 + i, 500 + i, b"bed-1", changed(seq=i, hr=60 + i)) for i in range(4)]
    block.insert(2, Record(99, 700, b"bed-1", value))
    decoded = decode_block(block)
    assert [(r.record, r.reason) for r in decoded.rejects] == [(block[2], reason)]
    assert decoded.rejects[0].detail
    (frames,) = decoded.parts
    assert frames.offset.tolist() == [10, 11, 12, 13]
    assert frames.append_ts_ms.tolist() == [500, 501, 502, 503]
    assert frames.seq.tolist() == [0, 1, 2, 3]
    assert wide(frames)[:, INDEX["hr"]].tolist() == [60, 61, 62, 63]


@pytest.mark.parametrize(
    ("key", "reason"),
    [(None, "null-key"), (b"bed-2", "key-mismatch"), (b"", "key-mismatch"), (b"\xff", "key-mismatch")],
)
def test_a_key_that_is_not_the_patient_is_refused(key, reason):
    assert decode(GOOD, key) == reason


@both
def test_the_wrong_key_of_one_who_is_new_among_those_who_are_known_is_refused(of):
    decoder = of()
    known = [Record(i, 0, b"bed-1", changed(seq=i)) for i in range(3)]
    decoder.decode(known)
    new = Record(3, 0, b"bed-3", changed(patient="bed-2"))
    assert [(r.record, r.reason) for r in decoder.decode([*known, new]).rejects] == [(new, "key-mismatch")]
    assert not decoder.decode([*known, replace(new, key=b"bed-2")]).rejects


@both
def test_keys_that_only_together_look_right_are_refused(of):
    frames = [changed(patient="a"), changed(patient="b")]
    block = [Record(0, 0, b"a\nb", frames[0]), Record(1, 0, b"", frames[1])]
    assert [r.reason for r in of().decode(block).rejects] == ["key-mismatch"] * 2


def test_of_two_sound_members_of_one_name_the_last_counts():
    frames = decode(spliced(b'"resp": 12, "resp": 14'))
    assert wide(frames)[0, INDEX["resp"]] == 14


def test_a_frame_of_the_largest_size_is_read_and_one_byte_more_is_not():
    assert isinstance(decode(GOOD + b" " * (FRAME_BYTES_MAX - len(GOOD))), Frames)
    assert decode(GOOD + b" " * (FRAME_BYTES_MAX - len(GOOD) + 1)) == "too-large"


def test_absent_and_null_are_told_apart_for_every_signal():
    frames = decode(GOOD)
    expected = {"hr": 60.5, "spo2": np.nan, "consciousness": 2.0, "on_oxygen": 1.0}
    for signal in SIGNALS:
        assert np.array_equal(
            wide(frames)[0, INDEX[signal.name]], expected.get(signal.name, ABSENT), equal_nan=True
        )


PLAIN = b'{"patient": "bed-1", "device": "mon-a", "boot": 1, "seq": 7, "event_ts_ms": 1000%s}'


@example(
    [PLAIN % b', "consciousness": "A"', PLAIN % b', "bounds": {"hr": {"comparator": "<", "value": 0.0}}']
)
@settings(max_examples=200, deadline=None)
@given(st.lists(st.one_of(values(), sound.map(lambda s: json.dumps(s).encode())), min_size=1, max_size=12))
def test_a_block_is_what_its_records_are_alone(texts):
    block = [Record(100 + 3 * i, 9_000 + i, b"bed-1", text) for i, text in enumerate(texts)]
    decoded = decode_block(block)
    alone = [decode_block([record]) for record in block]
    assert decoded.rejects == [reject for one in alone for reject in one.rejects]
    frames = [part for one in alone for part in one.parts]
    together = [part.take(np.arange(len(part)) == i) for part in decoded.parts for i in range(len(part))]
    assert [said_by(one) for one in together] == [said_by(one) for one in frames]
    for one in frames:
        assert one.carried.tolist() == np.flatnonzero((wide(one) != ABSENT).any(axis=0)).tolist()
    for part in decoded.parts:
        assert part.carried.tolist() == sorted({column for one in frames for column in one.carried.tolist()})


@pytest.mark.parametrize(
    "name", ["", "-a", ".a", "a b", "a\nb", "\na", "a\n", "é", "aé", "a/", "a" * 64, "a" * 65, "9", "a-._:@"]
)
@pytest.mark.parametrize("field", ["patient", "device"])
@both
def test_an_identifier_among_good_ones_is_judged_by_its_form_alone(of, field, name):
    good = model_of(changed(**{field: name})) is not None
    key = name.encode() if field == "patient" else b"bed-1"
    bad = changed(**{field: name})
    block = [Record(0, 1, b"bed-1", GOOD), Record(1, 1, key, bad), Record(2, 1, key, bad)]
    decoded = of().decode(block)
    assert sum(map(len, decoded.parts)) == (3 if good else 1)
    assert [reject.record.offset for reject in decoded.rejects] == ([] if good else [1, 2])


@both
def test_what_a_decoder_knows_of_blocks_before_changes_no_verdict(of):
    decoder = of()
    for _ in range(2):
        assert decoder.decode([Record(1, 2, b"bed-1", GOOD)]).parts
        for key, value, reason in (
            (b"bed-2", GOOD, "key-mismatch"),
            (b"bed-1", changed(patient="bed-2"), "key-mismatch"),
            (b"x\n", changed(patient="x\n"), "invalid"),
            (b"bed-1", changed(device="x\n"), "invalid"),
        ):
            assert [reject.reason for reject in decoder.decode([Record(1, 2, key, value)]).rejects] == [
                reason
            ]


@both
def test_a_decoder_that_has_seen_too_many_identifiers_learns_anew(of, monkeypatch):
    monkeypatch.setattr(of.__module__ + ".IDENTIFIERS_MAX", 10)
    decoder = of()
    for number in range(20):
        name = f"bed-{number}"
        decoded = decoder.decode(
            [
                Record(1, 2, name.encode(), changed(patient=name)),
                Record(2, 2, b"bed-0", changed(patient=name)),
            ]
        )
        assert [part.patient for part in decoded.parts] == [[name] if number else [name, name]]
        assert len(decoder._patients) + len(decoder._devices) <= 10


@both
def test_a_decoder_learns_which_signals_come_and_takes_every_one_from_its_first_frame_on(of):
    decoder = of()
    for count, signal in enumerate(SIGNALS, start=1):
        block = [Record(1, 2, b"bed-1", changed(**{signal.name: None}))]
        decoder.decode(block)
        (part,) = decoder.decode(block).parts
        assert part.carried.tolist() == [INDEX[signal.name]]
        assert (wide(part)[0] != ABSENT).nonzero()[0].tolist() == [INDEX[signal.name]]
        assert len(decoder._signals if of is Decoder else decoder._carried) == count


@both
def test_ticks_divide_the_frames_in_the_order_of_the_log(of):
    tick = Record(2, 77, TICK_KEY, encode_tick(55))
    block = [
        Record(1, 2, b"bed-1", GOOD),
        tick,
        tick,
        Record(3, 4, b"bed-1", GOOD),
        Record(4, 4, b"bed-1", b""),
    ]
    decoded = of().decode(block)
    assert decoded.parts[1:3] == [Tick(2, 55, 77)] * 2
    assert [part.offset.tolist() for part in (decoded.parts[0], decoded.parts[3])] == [[1], [3]]
    assert [reject.record.offset for reject in decoded.rejects] == [4]


@pytest.mark.parametrize(
    "value", [None, b"", b"{}", b'{"tick_ts_ms":-1}', b'{"tick_ts_ms":1.5}', b'{"tick_ts_ms":1,"x":2}', GOOD]
)
@both
def test_a_tick_that_is_none_is_refused_as_the_model_refuses_it(of, value):
    with pytest.raises(ValidationError):
        TickModel.model_validate_json(value or b"")
    block = [
        Record(0, 1, b"bed-1", b"{}"),
        Record(1, 2, TICK_KEY, value),
        Record(2, 3, b"bed-1", GOOD),
    ]
    decoded = of().decode(block)
    assert [(reject.record.offset, reject.reason) for reject in decoded.rejects] == [
        (0, "invalid"),
        (1, "invalid"),
    ]
    assert [part.offset.tolist() for part in decoded.parts] == [[2]]
