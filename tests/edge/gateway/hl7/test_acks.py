"""Answers by MSH-15 and MSH-16, and their bytes."""

import hl7
import pytest
from hl7_world import CR, FS, VT, msh, pcd01, said
from hypothesis import given
from hypothesis import strategies as st

from edge.gateway.accept import Refusal
from edge.gateway.hl7.acks import NO_HEADER, answer, answers_of, error_code
from edge.gateway.hl7.split import read_header

BAD = Refusal("no-observation", "none was found")
NEVER = Refusal("message-type", "not taken")


def codes(asks, refusal=None, mode="message"):
    header = read_header(msh("41", asks=asks).encode())
    return [code for code, _ in said(answer(header, refusal, mode))]


@pytest.mark.parametrize(
    ("asks", "good", "bad"),
    [
        (("", ""), ["AA"], ["AE"]),
        (("AL", "NE"), ["CA"], ["CE"]),
        (("NE", "AL"), ["AA"], ["AE"]),
        (("AL", "AL"), ["CA", "AA"], ["CE", "AE"]),
        (("AL", ""), ["CA"], ["CE"]),
        (("", "AL"), ["AA"], ["AE"]),
        (("ER", "NE"), [], ["CE"]),
        (("NE", "ER"), [], ["AE"]),
        (("SU", "SU"), ["CA", "AA"], []),
        (("ER", "SU"), ["AA"], ["CE"]),
        (("NE", "NE"), [], []),
        (("al", "ne"), ["CA"], ["CE"]),
    ],
)
def test_a_message_gets_the_answers_that_it_asks_for(asks, good, bad):
    assert codes(asks) == good
    assert codes(asks, BAD) == bad


def test_what_can_never_be_taken_is_rejected():
    assert codes(("", ""), NEVER) == ["AR"]
    assert codes(("AL", "NE"), NEVER) == ["CR"]


@pytest.mark.parametrize("asks", [("", ""), ("AL", "NE"), ("AL", "AL"), ("NE", "NE")])
def test_a_senders_setting_stands_above_what_its_messages_ask(asks):
    assert codes(asks, mode="original") == ["AA"]
    assert codes(asks, BAD, "original") == ["AE"]
    assert codes(asks, mode="enhanced") == ["CA"]
    assert codes(asks, BAD, "enhanced") == ["CE"]


def test_an_answer_is_what_the_full_parser_would_make_but_for_its_id_and_time():
    header = read_header(pcd01(41))
    reply = answer(header, None, "message")
    assert reply.startswith(VT)
    assert reply.endswith(CR + FS + CR)
    ours, theirs = hl7.parse(reply[1:-2].decode()), hl7.parse(pcd01(41).decode()).create_ack("AA")
    for number in (1, 2, 3, 4, 5, 6, 9, 11, 12):
        assert str(ours.segment("MSH")(number)) == str(theirs.segment("MSH")(number)), number
    assert str(ours.segment("MSA")) == str(theirs.segment("MSA"))


def test_every_answer_has_an_id_of_its_own():
    header = read_header(pcd01())
    ids = {
        str(hl7.parse(answer(header, None, "message")[1:-2].decode()).segment("MSH")(10)) for _ in range(50)
    }
    assert len(ids) == 50


def test_an_answer_has_the_signs_and_the_character_set_of_its_message():
    message = pcd01(41).translate(bytes.maketrans(b"|^~\\&", b"#*@%$"))
    reply = answer(read_header(message), BAD, "message")
    assert said(reply) == [("AE", "41")]
    assert b"MSH#*@%$#VIGIL#WARD#MON*" in reply
    assert b"UNICODE UTF-8" in reply


def test_a_refusal_says_why_in_words_and_by_hl7s_code():
    rows = answer(read_header(pcd01()), BAD, "message").decode().split("\r")
    assert rows[1] == "MSA|AE|1|no-observation: none was found"
    assert rows[2].startswith("ERR|||101^^HL70357|E")


@given(st.binary(min_size=1, max_size=40).filter(lambda data: not set(data) & set(b"|\r\n\x0b\x1c ")))
def test_the_answer_names_the_message_by_the_very_bytes_of_its_id(message_id):
    message = pcd01().replace(b"|1|P|", b"|" + message_id + b"|P|", 1)
    assert b"MSA|AA|" + message_id + b"\r" in answer(read_header(message), None, "message")


def test_what_has_no_header_is_answered_without_a_name():
    assert said(answer(NO_HEADER, Refusal("no-header", "none"), "original")) == [("AR", "")]


def test_a_reason_of_somebody_else_is_an_error():
    assert error_code("something-new") == ("E", "207")


def test_odd_requests_for_answers_are_none():
    assert answers_of("XX", "", "message").accepted == ()
