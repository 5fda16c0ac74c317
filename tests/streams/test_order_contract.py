"""The contract of commands: what a pause may say, and that what is refused is no command."""

import json

import pytest
from pydantic import ValidationError

from edge.orders import make_order
from streams.commands import Command
from streams.decode import read_command
from streams.decoded import Reject
from streams.errors import UsageError

PAUSE = {"kind": "pause", "id": "c1", "patient": "bed-1", "actor": "nurse-7", "issued_ts_ms": 1}


class Given:
    """A record as the decoder reads it."""

    offset, timestamp, key = 0, 1, b"~command"

    def __init__(self, **said):
        self.value = json.dumps(PAUSE | said).encode()


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
        order = make_order("pause", patient="bed-1", actor="nurse-7", seconds=None, **said)
        again = Command.model_validate_json(order.model_dump_json(exclude_none=True)).root
        assert again == order


def test_the_command_line_says_in_one_line_what_is_wrong_with_a_pause():
    with pytest.raises(
        UsageError, match=r"^pause: audio-off takes no seconds: it ends when the rules file says so$"
    ):
        make_order("pause", patient="bed-1", actor="n1", mode="audio-off", seconds=60, reason="transport")
