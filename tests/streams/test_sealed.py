"""Orders in the readings: decoded with their place where a worker sealed them, refused where nobody has."""

import json
from dataclasses import dataclass

from signing import commanded, person

from streams.contracts.command import COMMAND_BYTES_MAX, COMMAND_KEY, Admit
from streams.contracts.frame import TICK_KEY, encode_tick
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.decoding.decoded import PlacedCommand, Tick, Unproved
from streams.decoding.decoder import Decoder

ADMIT = {"kind": "admit", "id": "c1", "patient": "bed-1", "actor": "clerk", "issued_ts_ms": 1}


@dataclass(frozen=True)
class Record:
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None


def decode(*values, seals=DEVELOPMENT):
    return Decoder(seals).decode([Record(i, 1000, COMMAND_KEY, value) for i, value in enumerate(values)])


def sealed(order, seals=DEVELOPMENT):
    return seals.seal(COMMAND_KEY, Place(3, 17), commanded(order))


def test_a_sealed_order_is_decoded_with_the_place_of_its_command():
    (part,) = decode(sealed(ADMIT)).parts
    assert part == PlacedCommand(0, 1000, Admit(**ADMIT), Place(3, 17), person("clerk"))


def test_what_nobody_has_sealed_is_refused_and_its_place_in_the_log_is_known():
    huge = sealed({**ADMIT, "reason": "x" * 2 * COMMAND_BYTES_MAX})
    other = sealed(ADMIT, Seals([b"of another hospital, 32 bytes long"]))
    values = (json.dumps(ADMIT).encode(), b"", None, other, huge)
    decoded = decode(*values)
    assert {reject.reason for reject in decoded.rejects} == {"unproven-command"}
    assert [reject.record.value for reject in decoded.rejects] == list(values)
    assert decoded.parts == [Unproved(offset) for offset in range(len(values))]


def test_a_sealed_record_that_is_no_command_is_refused_as_such():
    decoded = decode(sealed({**ADMIT, "kind": "sing"}))
    assert [reject.reason for reject in decoded.rejects] == ["invalid"]
    assert decoded.parts == []


def test_ticks_need_no_seal():
    assert Decoder().decode([Record(0, 1000, TICK_KEY, encode_tick(5))]).parts == [Tick(0, 5, 1000)]
