"""MLLP's blocks: in pieces of any size, ended as senders end them."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.hl7.framing import STRAY_BYTES_MAX, Broken, Framer

VT, FS, CR = b"\x0b", b"\x1c", b"\r"
A, B = b"MSH|^~\\&|a\rPID|1\r", b"MSH|^~\\&|b\rPID|2"


def fed(*pieces, bytes_max=1_000):
    framer = Framer(bytes_max)
    return [one for piece in pieces for one in framer.feed(piece)]


def reasons(found):
    return [one.reason if isinstance(one, Broken) else one for one in found]


@pytest.mark.parametrize(
    "between",
    [
        FS + CR + VT,
        FS + VT,
        FS + CR + b"\n" + VT,
        FS + FS + CR + VT,
        FS + CR + VT + VT,
        FS + CR + FS + CR + VT,
        FS + b"\n" + VT,
    ],
)
def test_two_messages_are_two_however_the_block_between_them_ends_and_begins(between):
    assert fed(VT + A + between + B + FS) == [A, B]


def test_a_line_feed_before_the_first_block_is_passed_over():
    assert fed(b"\n" + VT + A + FS + CR) == [A]


def test_a_message_without_its_end_is_refused_and_not_joined_to_the_next():
    found = fed(VT + A + VT + B + FS + CR)
    assert reasons(found) == ["no-end", B]
    assert found[0].head == A


def test_a_message_whose_start_was_lost_is_refused_by_itself():
    assert reasons(fed(A + FS + CR + VT + B + FS + CR)) == ["no-start", B]


def test_empty_blocks_are_no_messages():
    assert fed(VT + FS + CR + VT + CR + FS + CR) == []


def test_a_message_that_is_too_long_is_refused_with_its_beginning_and_the_next_is_taken():
    long = A + b"x" * 2_000
    for pieces in (
        [VT + long + FS + CR + VT + B + FS + CR],
        [VT + long[:700], long[700:1500], long[1500:] + FS, VT + B + FS],
    ):
        found = fed(*pieces)
        assert reasons(found) == ["too-long", B]
        assert found[0].head.startswith(A)


def test_a_message_of_the_longest_length_is_taken():
    assert fed(VT + b"x" * 1_000 + FS) == [b"x" * 1_000]
    assert reasons(fed(VT + b"x" * 1_001 + FS)) == ["too-long"]


def test_memory_stays_bounded_whatever_comes():
    framer = Framer(1_000)
    framer.feed(VT)
    for _ in range(100):
        framer.feed(b"x" * 1_000)
        assert framer.held_bytes <= 2_000


def test_who_speaks_another_protocol_is_told_once_and_for_all():
    (found,) = fed(b"GET / HTTP/1.1\r\n" + b"x" * STRAY_BYTES_MAX)
    assert (found.reason, found.fatal) == ("not-mllp", True)
    assert reasons(fed(b"x" * 5_000 + VT + A + FS, VT + B + FS)) == ["not-mllp"]


pieces_of = st.lists(
    st.sampled_from([VT, FS, CR, b"\n", A, B, b"MSH", b"x" * 300, b"\x00", VT + A + FS + CR]), max_size=12
).map(b"".join)


@given(pieces_of, st.lists(st.integers(0, 3_000), max_size=12))
def test_where_the_stream_is_cut_into_reads_changes_nothing(stream, cuts):
    places = sorted({min(cut, len(stream)) for cut in cuts} | {0, len(stream)})
    pieces = [stream[start:end] for start, end in itertools.pairwise(places)]
    assert fed(*pieces) == fed(stream)
    assert fed(*(stream[at : at + 1] for at in range(len(stream)))) == fed(stream)


class Watched(bytes):
    """Counts how many bytes are looked at for signs."""

    looked_at = 0

    def find(self, sign, start=0, end=None):
        end = len(self) if end is None else end
        found = super().find(sign, start, end)
        self.looked_at += (end if found < 0 else found + 1) - start
        return found


@pytest.mark.parametrize("data", [VT * 4_000, (VT + b"a") * 2_000 + FS, (VT + b"a" + FS) * 1_000])
def test_the_work_of_a_piece_grows_with_its_length_and_no_faster(data):
    watched = Watched(data)
    Framer().feed(watched)
    assert watched.looked_at <= 3 * len(data)
