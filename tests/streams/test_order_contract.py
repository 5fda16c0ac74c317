"""The contract of commands: what a pause may say, and that what is refused is no command."""

import pytest
from pydantic import ValidationError
from signing import commanded, person, signed

from edge.order_sending import make_order
from edge.order_sending import signed as signed_by_door
from streams.contracts.command import Answer, Command, said_in
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.decoding.decoded import Reject
from streams.decoding.sealed import read_command, read_signed
from streams.errors import UsageError

PAUSE = {"kind": "pause", "id": "c1", "patient": "bed-1", "actor": "nurse-7", "issued_ts_ms": 1}


class Given:
    """A record as the decoder reads it."""

    offset, timestamp, key = 0, 1, b"~command"

    def __init__(self, **said):
        self.value = commanded(PAUSE | said)


@pytest.mark.parametrize("mode", ["alarm-off", "audio-off"])
def test_alarms_are_switched_off_with_a_reason_and_without_a_time_only(mode):
    with pytest.raises(ValidationError, match=f"{mode} needs a reason"):
        Command.model_validate(PAUSE | {"mode": mode})
    with pytest.raises(ValidationError, match=f"{mode} takes no seconds"):
        Command.model_validate(PAUSE | {"mode": mode, "reason": "transport", "seconds": 60})
    assert Command.model_validate(PAUSE | {"mode": mode, "reason": "transport"}).root.seconds is None
    given = Given(mode=mode, seconds=60, reason="transport")
    assert isinstance(read_command(given, given.value), Reject)


def test_a_pause_with_a_time_needs_no_reason():
    assert Command.model_validate(PAUSE | {"mode": "alarm-paused", "seconds": 60}).root.seconds == 60
    with pytest.raises(ValidationError):
        Command.model_validate(PAUSE | {"seconds": 601})


def test_a_command_as_it_is_sent_is_one_again():
    for said in ({"mode": "audio-off", "reason": "transport"}, {"mode": "audio-paused"}):
        order = make_order("pause", person(), patient="bed-1", seconds=None, **said)
        again = Command.model_validate_json(order.model_dump_json(exclude_none=True)).root
        assert again == order


def test_the_command_line_says_in_one_line_what_is_wrong_with_a_pause():
    with pytest.raises(
        UsageError, match=r"^pause: audio-off takes no seconds: it ends when the rules file says so$"
    ):
        make_order("pause", person(), patient="bed-1", mode="audio-off", seconds=60, reason="transport")


class Sent:
    """A record of vitals.commands."""

    offset, timestamp = 0, 1

    def __init__(self, value, key=b"bed-1"):
        self.key, self.value = key, value


def test_a_command_is_signed_together_with_who_orders_it():
    who = person("nurse-3", wards=["icu"], station="board", session="s1")
    order = make_order("pause", who, patient="bed-1")
    assert order.actor == "nurse-3"
    said, content = read_signed(Sent(signed_by_door(DEVELOPMENT, order, who)), DEVELOPMENT)
    assert (said.person, said.order.root) == (who, order)
    assert b"nurse-3" in content


def test_nobody_signs_a_command_of_another_actor():
    order = make_order("pause", person("nurse-3"), patient="bed-1")
    with pytest.raises(UsageError, match=r"by who is signed in, not by nurse-3$"):
        signed_by_door(DEVELOPMENT, order, person("nurse-4"))
    forged = signed(PAUSE, person("nurse-4"))
    assert read_signed(Sent(forged), DEVELOPMENT).reason == "invalid"


GOOD = signed(PAUSE, person())
ALTERED = {
    "nobody signed it": (commanded(PAUSE), b"bed-1"),
    "signed by who does not know the key": (signed(PAUSE, seals=Seals([b"guessed" * 5])), b"bed-1"),
    "under another patient's key": (GOOD, b"bed-2"),
    "another actor": (GOOD.replace(b'"nurse-7"', b'"nurse-8"'), b"bed-1"),
    "a greater role": (GOOD.replace(b'"role": "nurse"', b'"role": "system"'), b"bed-1"),
    "more wards": (GOOD.replace(b'["*"]', b'["*", "icu"]'), b"bed-1"),
    "another pause": (GOOD.replace(b'"pause"', b'"resume"'), b"bed-1"),
    "sealed, not signed": (DEVELOPMENT.seal(b"bed-1", (0, 0), commanded(PAUSE)), b"bed-1"),
    "no JSON": (b"\xff", b"bed-1"),
}


@pytest.mark.parametrize("how", ALTERED)
def test_what_is_not_signed_as_it_stands_proves_nothing(how):
    assert not isinstance(read_signed(Sent(GOOD), DEVELOPMENT), Reject)
    value, key = ALTERED[how]
    assert value != GOOD or key != b"bed-1"
    assert read_signed(Sent(value, key), DEVELOPMENT).reason == "unproven-command"


def test_what_a_record_of_commands_says_is_read_without_believing_it():
    assert said_in(GOOD).person == person()
    assert said_in(signed(PAUSE, seals=Seals([b"guessed" * 5]))).order.root.id == "c1"
    answer = Answer(
        id="c1",
        patient="bed-1",
        command="pause",
        outcome="refused",
        reason="no",
        offset=1,
        append_ts_ms=1,
    )
    assert said_in(answer.model_dump_json().encode()) == answer
    assert [said_in(value) for value in (None, b"", b"{}", commanded(PAUSE))] == [None] * 4


def test_a_signed_command_counts_as_no_sealed_one_and_the_other_way_round():
    from streams.contracts.seals import Unproven

    with pytest.raises(Unproven):
        DEVELOPMENT.opened(b"bed-1", GOOD)
    with pytest.raises(Unproven):
        DEVELOPMENT.signed(b"bed-1", ALTERED["sealed, not signed"][0])
