"""Clients that hospitals use, against our MLLP server: each answer is the one that their own checks take."""

import asyncio
import base64

import hl7_peers
import pytest
from hl7_world import PEER, Door, block, desk_of, msh, obx, pcd01, segments, serving

from edge.gateway.accept import Busy, NotStored, Refusal
from edge.gateway.hl7 import desk as desk_module
from edge.gateway.hl7.profile import Profile

pytestmark = [pytest.mark.kafka, pytest.mark.usefixtures("needs_java", "needs_node")]

CLIENT_S_MAX = 120.0
UMLAUT = block(segments(message_id="5", patient="Müller7^^^HOSP^MR"))
ADT = block([msh("9", "ADT^A01^ADT_A01"), "EVN|A01|20261129153000+0000", "PID|||MRN1", "PV1||I|ICU^2^7"])


def conversation(desk, client, messages, **options):
    """Let a client send messages to a server; return what it made of the answers."""

    async def story():
        async with serving(desk) as server:
            process = await asyncio.create_subprocess_exec(
                *client(server.port, **options),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE,
            )
            lines = b"".join(base64.b64encode(one) + b"\n" for one in messages)
            async with asyncio.timeout(CLIENT_S_MAX):
                out, error = await process.communicate(lines)
            assert process.returncode == 0, error.decode()
        return out.decode().split("\n")[:-1]

    return asyncio.run(story())


@pytest.fixture(params=["hapi", "medplum"])
def client(request):
    return getattr(hl7_peers, request.param)


@pytest.fixture
def medplum():
    return hl7_peers.medplum


@pytest.fixture
def hapi():
    return hl7_peers.hapi


def test_a_client_sends_observations_and_admissions_and_hears_that_they_are_stored(client):
    door = Door()
    desk = desk_of(door)
    heard = conversation(desk, client, [*(pcd01(number) for number in range(1, 21)), ADT])
    assert heard == [*(f"AA {number}" for number in range(1, 21)), "AA 9"]
    assert [frame.seq % 1000 for frame in door.frames] == list(range(1, 21))
    assert {frame.hr for frame in door.frames} == {80.0}


def test_a_client_hears_why_a_message_is_not_taken_and_goes_on(client):
    foreign = block(segments(obx(f18="STRANGER"), message_id="3"))
    nothing = block(segments(obx("0^X^99Y"), message_id="2"))
    other = pcd01(4).replace(b"ORU^R01^ORU_R01", b"ORU^R30^ORU_R30", 1)
    door = Door(refuse={"STRANGER": Refusal("foreign-device", "you may not send for this device")})
    assert conversation(desk_of(door), client, [nothing, foreign, other, pcd01(5)]) == [
        "AE 2",
        "AE 3",
        "AR 4",
        "AA 5",
    ]


@pytest.mark.parametrize("error", [Busy("full", 0.01), NotStored("no answer")])
def test_while_kafka_has_no_room_a_client_hears_it_in_time_and_what_it_sends_again_is_taken(
    client, error, monkeypatch
):
    monkeypatch.setattr(desk_module, "HOLD_S_MAX", 0.2)
    monkeypatch.setattr(desk_module, "HOLD_STEP_S_MAX", 0.1)
    monkeypatch.setattr(desk_module, "HOLD_STEP_S_MIN", 0.1)
    door = Door(errors=[error] * 2)
    assert conversation(desk_of(door), client, [pcd01(1), pcd01(1)]) == ["AE 1", "AA 1"]
    assert len(door.frames) == 1


def test_a_short_shortage_is_never_heard_of(client):
    assert conversation(desk_of(Door(errors=[Busy("full", 0.01)])), client, [pcd01(1)]) == ["AA 1"]


ENHANCED = [pcd01(number, asks=("AL", "NE")) for number in (1, 2)]
BOTH = [pcd01(number, asks=("AL", "AL")) for number in (1, 2, 3)]


def test_hapi_takes_a_commit_for_final_and_where_both_were_asked_for_either_but_never_anothers(hapi):
    assert conversation(desk_of(), hapi, ENHANCED) == ["CA 1", "CA 2"]
    heard = conversation(desk_of(), hapi, BOTH)
    assert [one.split()[1] for one in heard] == ["1", "2", "3"]
    assert {one.split()[0] for one in heard} <= {"CA", "AA"}


def test_medplum_waits_for_more_than_a_commit_unless_its_sender_is_set_to_the_original_mode(medplum):
    assert conversation(desk_of(), medplum, BOTH) == ["AA 1", "AA 2", "AA 3"]
    assert conversation(desk_of(), medplum, ENHANCED[:1], timeout_ms=500) == ["timeout"]
    assert conversation(desk_of(), medplum, ENHANCED, ack="first") == ["CA 1", "CA 2"]
    assert conversation(desk_of(profile=Profile("original")), medplum, ENHANCED) == ["AA 1", "AA 2"]


def test_a_client_that_does_not_wait_for_answers_keeps_its_order(medplum):
    door = Door(errors=[Busy("full", 0.01)])
    messages = [pcd01(number) for number in range(1, 201)]
    assert conversation(desk_of(door), medplum, messages, mode="at-once") == [
        f"AA {one}" for one in range(1, 201)
    ]
    assert [frame.seq % 1000 for frame in door.frames] == list(range(1, 201))


def test_hapi_as_it_comes_damages_an_umlaut_which_is_told_and_the_frame_stays_under_its_device(hapi):
    door = Door()
    desk = desk_of(door)
    assert conversation(desk, hapi, [UMLAUT]) == ["AA 5"]
    assert [frame.patient for frame in door.frames] == [""]
    assert desk.counted.reasons == {"damaged-patient": 1}


@pytest.mark.parametrize("options", [{"client": "hapi", "charset": "UTF-8"}, {"client": "medplum"}])
def test_an_umlaut_that_comes_whole_is_whole(options):
    door = Door()
    desk = desk_of(door)
    assert conversation(desk, getattr(hl7_peers, options.pop("client")), [UMLAUT], **options) == ["AA 5"]
    assert door.frames == [one.frame for one in desk_of().take(UMLAUT, PEER).readings]
    assert desk.counted.reasons == {}


def test_what_both_send_is_what_our_own_messages_hold(client):
    door = Door()
    conversation(desk_of(door), client, [pcd01(7)])
    assert door.frames == [one.frame for one in desk_of().take(pcd01(7), PEER).readings]
