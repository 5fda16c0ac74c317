"""Header, segments, fields: as plainly as hl7's parser, which is the reference on well-formed messages."""

import hl7
import pytest
from hl7_world import block, msh, pcd01, segments
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.accept import Refusal
from edge.gateway.hl7.split import USUAL_MARKS, field, part, plain, read_header, read_segments


def split(message, charset=None):
    return read_segments(message, read_header(message), charset)


@pytest.mark.parametrize("ending", ["\r", "\n", "\r\n", "\r\r\n"])
def test_segments_end_in_cr_lf_or_both(ending):
    names = [one[:3] for one in split(block(segments(), ending)) if one]
    assert names == ["MSH", "PID", "PV1", "OBR", *["OBX"] * 7]


def test_the_last_segment_needs_no_end():
    assert split(block(segments())[:-1])[-1].startswith("OBX")


words = st.text(
    st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters='|^~\\&"'), max_size=6
)


@given(
    st.lists(
        st.lists(st.lists(st.lists(words, min_size=1, max_size=3), min_size=1, max_size=3), max_size=6),
        max_size=5,
    )
)
def test_fields_repetitions_and_components_are_those_of_a_full_parser(rows):
    """Rows of fields of repetitions of components."""
    lines = [
        "|".join(["OBX", *("~".join("^".join(one) for one in field_) for field_ in row)]) for row in rows
    ]
    message = block([msh(), *lines])
    reference = hl7.parse(message.decode())
    ours = [line for line in split(message) if line]
    assert len(ours) == len(reference)
    for text, row in zip(ours[1:], list(reference)[1:], strict=True):
        fields = text.split("|")
        for number in range(1, len(row)):
            assert field(fields, number) == str(row[number])
            for at, repetition in enumerate(str(row[number]).split("~"), 1):
                assert part(field(fields, number), "~", at) == repetition


def test_the_header_is_that_of_a_full_parser():
    message = pcd01()
    reference = hl7.parse(message.decode())
    header = read_header(message)
    for number in (3, 4, 5, 6, 7, 9, 10, 11, 12, 15, 16, 18, 21):
        assert header.text(number) == str(reference.segment("MSH")(number))
    assert header.kind == "ORU^R01"
    assert header.text(30) == ""


def test_signs_are_those_that_the_message_declares():
    message = pcd01().translate(bytes.maketrans(b"|^~\\&", b"#*@%$"))
    header = read_header(message)
    assert header.marks == "#*@%$"
    assert header.kind == "ORU^R01"


def test_a_lost_backslash_in_the_signs_is_seen_as_that():
    assert read_header(pcd01().replace(b"^~\\&", b"^~&", 1)).marks == USUAL_MARKS


@pytest.mark.parametrize(
    "start",
    [
        b"",
        b"PID|1",
        b"MSH",
        b"MSH|",
        b"MSH|||||||||",
        b"MSHA^~\\&A",
        b"MSH|^^\\&|",
        b"MSH|^~~|||",
        b"MSH ^~\\& ",
    ],
)
def test_what_begins_with_no_header_has_none(start):
    assert read_header(start) is None


@pytest.mark.parametrize("before", [b"\xef\xbb\xbf", b"\r\n", b" "])
def test_a_line_or_a_mark_before_the_header_is_passed_over(before):
    assert read_header(before + pcd01()).text(10) == "1"


@pytest.mark.parametrize(
    ("declared", "codec"),
    [
        ("UNICODE UTF-8", "utf-8"),
        ("8859/1", "latin-1"),
        ("8859/15", "iso8859-15"),
        ("GB 18030-2000", "gb18030"),
        ("", "utf-8"),
    ],
)
def test_text_is_read_in_the_character_set_that_the_message_declares(declared, codec):
    message = "\r".join([msh(charset=declared), "PID|||Jürgen^ß|"]).encode(codec)
    assert split(message)[1] == "PID|||Jürgen^ß|"


def test_a_character_set_of_the_sender_stands_in_the_place_of_the_declared_one():
    message = "\r".join([msh(charset="UNICODE UTF-8"), "PID|||Jürgen"]).encode("latin-1")
    assert split(message)[1] == "PID|||J\N{REPLACEMENT CHARACTER}rgen"
    assert split(message, "8859/1")[1] == "PID|||Jürgen"


@pytest.mark.parametrize("unknown", ["KLINGON", "UTF-16", "hex", "UNICODE UTF-32"])
def test_a_character_set_that_is_not_known_is_refused_where_it_matters(unknown):
    lines = [msh(charset=unknown), "PID|||Jürgen"]
    assert split("\r".join(lines).encode()) == Refusal(
        "charset", "the character set that MSH-18 names is not known"
    )
    assert not isinstance(split(block([msh(charset=unknown), "PID|||Jurgen"])), Refusal)


@pytest.mark.parametrize(
    ("text", "value"),
    [(" a ", "a"), ('""', ""), ("a\\F\\b\\S\\c\\T\\d\\R\\e\\E\\f", "a|b^c&d~e\\f"),
     ("\\X41\\", "A"), ("\\H\\x\\N\\", "x"),
     ("a\\b", "a\\b"), ("\\Xzz\\", "\N{REPLACEMENT CHARACTER}")],
)  # fmt: skip
def test_escapes_and_nulls_of_a_value_are_undone(text, value):
    assert plain(text, USUAL_MARKS) == value


@given(st.binary(max_size=200))
def test_no_bytes_break_the_header(data):
    for message in (data, b"MSH" + data, b"MSH|^~\\&" + data):
        header = read_header(message)
        if header is not None:
            assert header.field(10) is not None
            split(message)
