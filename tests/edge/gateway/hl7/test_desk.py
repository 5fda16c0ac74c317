"""What becomes of a message: nothing is acknowledged that the door did not take."""

import asyncio
import time
from zoneinfo import ZoneInfo

import pytest
from hl7_world import (
    DEVICE,
    PEER,
    SENDER,
    VT,
    Client,
    Door,
    Registrar,
    block,
    desk_of,
    framed,
    msh,
    obx,
    pcd01,
    said,
    segments,
    serving,
)

from edge.gateway.accept import Busy, NotStored, Refusal, Sender
from edge.gateway.hl7 import desk as module
from edge.gateway.hl7.framing import Broken
from edge.gateway.hl7.profile import Profile

FULL = Busy("full", 0.01)


def answers(desk, *messages):
    run = [desk.take(one, PEER) for one in messages]
    return [code for one in asyncio.run(desk.settle(run)) for code in said(one)]


def test_a_message_is_accepted_once_its_frames_are_stored():
    door = Door()
    desk = desk_of(door)
    assert answers(desk, pcd01(41)) == [("AA", "41")]
    assert [frame.hr for frame in door.frames] == [80.0]
    assert (desk.counted.accepted, desk.counted.reasons) == (1, {})


def test_messages_of_a_run_go_through_the_door_together_in_their_order():
    door = Door()
    assert answers(desk_of(door), *(pcd01(number) for number in range(40, 50))) == [
        ("AA", str(one)) for one in range(40, 50)
    ]
    assert door.calls == [10]
    assert [frame.seq % 1000 for frame in door.frames] == list(range(40, 50))


def test_what_cannot_be_taken_stands_in_nobodys_way():
    door = Door()
    found = answers(
        desk_of(door), pcd01(1), b"nonsense", pcd01(2).replace(b"ORU^R01", b"ORM^O01", 1), pcd01(3)
    )
    assert found == [("AA", "1"), ("AR", ""), ("AR", "2"), ("AA", "3")]
    assert len(door.frames) == 2


def test_a_refusal_of_the_door_is_told_to_the_one_whose_frame_it_was():
    door = Door(refuse={"STRANGER": Refusal("foreign-device", "you may not send for this device")})
    stranger = block(segments(obx(f18="STRANGER"), message_id="2"))
    desk = desk_of(door)
    assert answers(desk, pcd01(1), stranger, pcd01(3)) == [("AA", "1"), ("AE", "2"), ("AA", "3")]
    assert desk.counted.reasons == {"foreign-device": 1}


def test_senders_in_turn_keep_their_order():
    door = Door()
    senders = {"MON": SENDER, "OTHER": Sender("other", ("*",))}
    desk = desk_of(door, identify=lambda peer, application, facility: senders[application.split("^")[0]])
    other = pcd01(2).replace(b"MSH|^~\\&|MON", b"MSH|^~\\&|OTHER", 1)
    assert answers(desk, pcd01(1), other, pcd01(3)) == [("AA", "1"), ("AA", "2"), ("AA", "3")]
    assert [frame.seq % 1000 for frame in door.frames] == [1, 2, 3]
    assert door.senders == ["icu", "other", "icu"]


@pytest.mark.parametrize("error", [FULL, NotStored("no answer")])
def test_where_there_is_no_room_it_is_tried_again_and_nothing_overtakes(error, monkeypatch):
    monkeypatch.setattr(module, "HOLD_STEP_S_MAX", 0.01)
    door = Door(errors=[error, error])
    assert answers(desk_of(door), pcd01(1), pcd01(2)) == [("AA", "1"), ("AA", "2")]
    assert [frame.seq % 1000 for frame in door.frames] == [1, 2]


@pytest.mark.parametrize(("error", "reason"), [(FULL, "busy"), (NotStored("no answer"), "not-stored")])
@pytest.mark.parametrize("mode", [("", "AE"), ("AL", "CE")])
def test_where_there_is_no_room_for_long_the_sender_is_told_in_time(error, reason, mode, monkeypatch):
    monkeypatch.setattr(module, "HOLD_S_MAX", 0.05)
    monkeypatch.setattr(module, "HOLD_STEP_S_MAX", 0.01)
    monkeypatch.setattr(module, "HOLD_STEP_S_MIN", 0.01)
    door = Door(errors=[error] * 1_000)
    desk = desk_of(door)
    began_s = time.monotonic()
    asks, code = mode
    assert answers(desk, pcd01(1, asks=(asks, "")), pcd01(2, asks=(asks, ""))) == [(code, "1"), (code, "2")]
    assert time.monotonic() - began_s < 2.0
    assert (door.frames, desk.counted.accepted, desk.counted.reasons) == ([], 0, {reason: 2})


def test_a_door_that_says_nothing_is_not_waited_for_beyond_the_bound(monkeypatch):
    monkeypatch.setattr(module, "HOLD_S_MAX", 0.05)

    async def story():
        desk = desk_of(Door(gate=asyncio.Event()))
        return await desk.settle([desk.take(pcd01(1), PEER)])

    assert said(asyncio.run(story())[0]) == [("AE", "1")]


def test_another_try_names_the_patient_whom_the_sender_named(monkeypatch):
    monkeypatch.setattr(module, "HOLD_STEP_S_MAX", 0.01)

    class FilingDoor(Door):
        async def readings(self, sender, readings, wait_s=None):
            named.append([one.frame.patient for one in readings])
            for one in readings:
                one.frame.patient = "~device/X"
            return await super().readings(sender, readings)

    named = []
    assert answers(desk_of(FilingDoor(errors=[FULL])), pcd01(1)) == [("AA", "1")]
    assert named[0] == named[1]


def test_a_hospitals_wait_for_an_answer_is_longer_than_ours():
    assert module.HOLD_S_MAX < 10.0


@pytest.mark.parametrize(
    ("message", "code", "reason"),
    [
        (pcd01(), "AR", "unknown-sender"),
        (b"MSH|^~\\&|MON", "AR", "unknown-sender"),
    ],
)
def test_whom_nobody_knows_is_rejected_and_stores_nothing(message, code, reason):
    door = Door()
    desk = desk_of(door, identify=lambda *_: Refusal("unknown-sender", "no such sender"))
    assert answers(desk, message)[0][0] == code
    assert (door.frames, desk.counted.reasons) == ([], {reason: 1})


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (pcd01().replace(b"|1|P|", b"||P|", 1), "no-id"),
        (pcd01("7" * 200), "no-id"),
        (pcd01().replace(b"ORU^R01", b"ORM^O01", 1), "message-type"),
        (block([msh("1", "ADT^A99"), "PID|||1"]), "event"),
        (block([msh(charset="KLINGON"), "PID|||Ü"]), "charset"),
        (pcd01().replace(b"|1|P|", b"|1|T|", 1), "not-production"),
        (pcd01().replace(b"|1|P|", b"|1|D|", 1), "not-production"),
        (block([msh(), *["NTE|1"] * 5_000]), "too-long"),
    ],
)
def test_a_message_that_is_none_of_ours_is_rejected_with_a_reason(message, reason):
    desk = desk_of()
    assert answers(desk, message)[0][0] == "AR"
    assert desk.counted.reasons == {reason: 1}


def test_a_result_message_in_which_nothing_was_found_is_never_accepted():
    for asks in (("", ""), ("AL", "NE"), ("AL", "AL")):
        found = answers(desk_of(), block(segments(obx("0^X^99Y"), asks=asks)))
        assert not {code for code, _ in found} & {"AA", "CA"}


def test_the_registrar_takes_admissions_and_associations_and_its_refusal_is_the_answer():
    registrar = Registrar()
    adt = block([msh("5", "ADT^A01^ADT_A01"), "EVN|A01|20261129153000+0000", "PID|||MRN1", "PV1||I|ICU^2^7"])
    assert answers(desk_of(registrar=registrar), adt) == [("AA", "5")]
    assert registrar.told[0].kind == "admit"
    taken_already = Registrar(
        answer=Refusal("device-associated", "device is associated with another patient")
    )
    assert answers(desk_of(registrar=taken_already), adt) == [("AE", "5")]


def test_an_admission_is_not_weighed_against_a_view_that_is_too_old(monkeypatch):
    monkeypatch.setattr(module, "HOLD_S_MAX", 0.02)
    registrar = Registrar()
    adt = block([msh("5", "ADT^A08^ADT_A01"), "EVN|A08|20261129153000+0000", "PID|||MRN1", "PV1||I|ICU^2^7"])
    assert answers(desk_of(registrar=registrar, stale=10**6), adt) == [("AE", "5")]
    assert registrar.told == [], "it might seem to say nothing new"


def test_a_senders_profile_gives_zone_interval_acks_and_character_set():
    profile = Profile("enhanced", "8859/1", ZoneInfo("Europe/Berlin"), 60_000, "HOSP")
    door = Door()
    desk = desk_of(door, profiles={"icu": profile})
    stamp = "20261129163000"
    message = "\r".join(segments(obx(f14=stamp), stamp=stamp, patient="MRN-Ü")).encode("latin-1")
    assert answers(desk, message) == [("CA", "1")]
    assert (door.frames[0].event_ts_ms, door.frames[0].interval_ms) == (1_795_966_200_000, 60_000)
    assert desk.counted.reasons == {}


def test_what_is_no_message_is_answered_by_its_id_and_in_its_senders_way():
    desk = desk_of(profile=Profile("enhanced"))
    assert said(desk.answer_broken(Broken("no-end", pcd01(41)[:300]), PEER)) == [("CR", "41")]
    assert said(desk.answer_broken(Broken("no-start", b"nonsense"), PEER)) == [("AR", "")]
    assert desk.counted.reasons == {"no-end": 1, "no-start": 1}


def test_a_device_stands_for_itself_in_every_frame():
    door = Door()
    answers(desk_of(door), pcd01())
    assert door.frames[0].device == DEVICE


def test_an_answer_is_never_answered():
    desk = desk_of()
    ack = block([msh("9", "ACK^R01^ACK", asks=("AL", "AL")), "MSA|AA|1"])
    assert answers(desk, ack, pcd01(1)) == [("AA", "1")]
    assert desk_of().answer_broken(Broken("no-end", ack), PEER) == b""
    assert desk.counted.reasons == {"acknowledgement": 1}


def test_training_messages_are_taken_where_the_sender_is_set_to_that():
    door = Door()
    message = pcd01().replace(b"|1|P|", b"|1|T|", 1)
    assert answers(desk_of(door, profile=Profile(processing=("T",))), message) == [("AA", "1")]


CANARY = "zq7canary"


def canary_messages():
    """Return messages with a token wherever a person or device could stand."""
    lines = segments(obx(f18=f"{CANARY}D"), patient=f"{CANARY}P^^^{CANARY}A^MR")
    lines[2] = f"PV1||E|{CANARY}L^2^7"
    whole = block(lines).replace(b"Doe^Jane", CANARY.encode() + b"^" + CANARY.encode())
    adt = block([msh("5", "ADT^A01^ADT_A01"), f"PID|||{CANARY}", f"PV1||I|{CANARY}"])
    yield from (whole, whole.replace(b"147842", b"1"), whole.replace(b"ORU^R01", b"ORM^O01"), adt)
    yield from (whole.replace(b"P^^^", b"?^^^"), whole.replace(f"{CANARY}D".encode(), f"{CANARY}?".encode()))
    yield whole.replace(b"UNICODE UTF-8", b"KLINGON").replace(b"PV1", "PV1ü".encode())


@pytest.mark.parametrize("errors", [[], [FULL], [RuntimeError(CANARY)]])
def test_who_a_message_is_about_is_in_no_log_answer_or_reason(errors, caplog):
    async def story():
        desk = desk_of(Door(errors=errors * 10, refuse={f"{CANARY}D@GE": Refusal("foreign-device", "no")}))
        async with serving(desk) as server:
            client = await Client.to(server)
            client.send(b"".join(framed(one) for one in canary_messages()))
            client.send(VT + b"".join(canary_messages()) + framed(b"nonsense " + CANARY.encode()))
            client.writer.write_eof()
            return await client.rest(), desk.counted.reasons

    caplog.set_level("DEBUG")
    reply, reasons = asyncio.run(story())
    assert len(said(reply)) == 9
    assert CANARY not in reply.decode()
    assert CANARY not in caplog.text + str(reasons)
