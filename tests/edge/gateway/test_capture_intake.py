"""VSCapture at both doors: a post is answered when Kafka has it, a message acknowledged, and who sends each."""

import asyncio
import base64
import json
from zoneinfo import ZoneInfo

import pytest
from gateway_world import JSON, RecordingDoor, post

from edge.gateway.accept import Sender
from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.identities import Identities
from edge.gateway.keys import new_key
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.mqtt.batches import Batches
from edge.gateway.mqtt.session import Message
from edge.gateway.opaque_ids import opaque
from edge.gateway.vscapture.capture_intake import PATH, capture_intakes, items_of
from edge.gateway.vscapture.capture_payload import CaptureProfile
from streams.config.settings import Settings, load_settings
from streams.decoding.wire_frames import WireBound
from streams.errors import UsageError

KEY = new_key("theatre-2")
CLIENTS = f"""
[clients.theatre-1]
devices = ["mp-*"]
vscapture.networks = ["127.0.0.0/8"]
vscapture.topics = ["/VSCapture/{{device}}/#", "/VSCapture/+/numericdata/"]
vscapture.zone = "Asia/Seoul"
vscapture.interval_s = 5
vscapture.names = {{ P1_Systolic = "abp_sys" }}
[clients.theatre-2]
key_sha256 = ["{KEY.sha256}"]
"""
AT_MS = 1_773_463_140_000


def values(device="mp-50", name="NOM_PULS_OXIM_SAT_O2", text="85"):
    at = "14-03-2026 13:39:00.000"
    return json.dumps([{"DeviceID": device, "PhysioID": name, "SystemLocalTime": at, "Value": text}]).encode()


def identities_of(folder, text=CLIENTS, **more):
    path = folder / "clients.toml"
    path.write_text(text)
    return Identities(Settings(gateway_clients=path, **more))


def posted(identities, *requests, path=PATH):
    """Return status and body of each post (body, headers), the door, and what was counted."""
    door, metrics, said = RecordingDoor(), GatewayMetrics(), []
    intakes = capture_intakes(
        metrics.protocol("vscapture"), identities.capture_profile_of, lambda: AT_MS + 1_000
    )

    async def run():
        pages = Pages(intakes=intakes, at=dict.fromkeys(intakes, identities.capture_at))
        server = HttpServer(door, identities, metrics.protocol("http"), pages)
        await server.start("127.0.0.1", 0)
        try:
            for body, headers in requests:
                said.append((await post(server, body, {**JSON, **headers}, path=path))[:2])
        finally:
            await server.stop()

    asyncio.run(run())
    return said, door, metrics


def refused(metrics, reason, protocol="vscapture"):
    labels = {"protocol": protocol, "reason": reason}
    return metrics.registry.get_sample_value("vigil_gateway_refused_total", labels) or 0


def test_a_program_that_shows_nothing_is_known_by_its_network(tmp_path):
    said, door, _ = posted(identities_of(tmp_path), (values(), {}))
    assert said == [(200, {"accepted": 1})]
    assert door.senders[0].name == "theatre-1"
    (frame,) = [one.frame for one in door.given]
    assert (frame.device, frame.spo2, frame.event_ts_ms, frame.interval_ms) == ("mp-50", 85, AT_MS, 5_000)


def test_an_address_that_two_clients_claim_is_neithers(tmp_path):
    text = CLIENTS.replace(
        "[clients.theatre-2]", '[clients.theatre-2]\nvscapture.networks = ["127.0.0.1/32"]'
    )
    said, door, _ = posted(identities_of(tmp_path, text), (values(), {}))
    assert said[0][0] == 401
    assert not door.given


@pytest.mark.parametrize("path", ["/v1/readings", "/fhir"])
def test_a_network_counts_for_nothing_else(tmp_path, path):
    said, *_ = posted(identities_of(tmp_path), (b"{}", {}), path=path)
    assert said[0][0] in (401, 404)
    assert posted(identities_of(tmp_path), (values(), {"Authorization": "Bearer nobody"}))[0][0][0] == 401


def test_a_key_is_shown_as_basic_too_and_its_client_sends_for_itself(tmp_path):
    shown = {"Authorization": "Basic " + base64.b64encode(f"user:{KEY.key}".encode()).decode()}
    wrong = {"Authorization": "Basic " + base64.b64encode(b"user:vgk.theatre-2.x").decode()}
    odd = {"Authorization": "Basic \xff"}
    requests = [(values(device=""), shown), (values(), wrong), (values(), odd)]
    said, door, _ = posted(identities_of(tmp_path), *requests)
    assert [status for status, _ in said] == [200, 401, 401]
    assert [one.frame.device for one in door.given] == ["theatre-2"]


def test_what_is_left_out_is_counted_and_nothing_at_all_is_refused(tmp_path):
    both = json.dumps([*json.loads(values()), *json.loads(values(name="NOM_OTHER"))]).encode()
    said, _, metrics = posted(identities_of(tmp_path), (both, {}), (values(name="NOM_OTHER"), {}))
    assert [status for status, _ in said] == [200, 422]
    assert (refused(metrics, "unknown-code"), refused(metrics, "no-observation")) == (1, 1)


def settled(identities, *messages):
    door, metrics = RecordingDoor(), GatewayMetrics()
    given = [Message(mid, topic, payload) for mid, (topic, payload) in enumerate(messages, 1)]
    batches = Batches(door, metrics.protocol("mqtt"))
    return asyncio.run(batches.settle(given, identities.topics().route)), door, metrics


def test_a_message_of_mqtt_is_of_the_client_whose_topic_it_is_and_of_the_device_in_it(tmp_path):
    identities = identities_of(tmp_path)
    topic = "/VSCapture/mp-50/numericdata/"
    said, door, _ = settled(
        identities,
        (topic, values()),
        (topic, values(device="mp-51")),
        (topic, b"no"),
        (topic, values(name="P1_Systolic", text="120", device="")),
    )
    assert said == [(1, 0), (2, 0x87), (3, 0x99), (4, 0)]
    assert [(one.frame.device, one.frame.spo2 > 0) for one in door.given] == [
        ("mp-50", True),
        ("mp-50", False),
    ]
    assert [value for _, _, value in door.stored] == [values(device="mp-51"), b"no"]
    assert identities.topics().filters == ("/VSCapture/+/#", "/VSCapture/+/numericdata/")


def test_a_device_whose_name_is_no_id_is_the_same_in_a_topic_in_a_message_and_in_a_post(tmp_path):
    text = CLIENTS.replace('["mp-*"]', '["MP-50-*"]')
    _, posts, _ = posted(identities_of(tmp_path, text), (values(device="MP 50"), {}))
    said, door, _ = settled(
        identities_of(tmp_path, text),
        ("/VSCapture/MP 50/numericdata/", values(device="MP 50")),
        ("/VSCapture/MP 50/numericdata/", values(device="")),
        ("/VSCapture/MP 50/numericdata/", values(device="MP 51")),
    )
    assert said == [(1, 0), (2, 0), (3, 0x87)]
    assert {one.frame.device for one in (*posts.given, *door.given)} == {opaque("MP 50")}


def test_a_bound_is_the_same_by_either_way(tmp_path):
    identities = identities_of(tmp_path)
    said, posts, metrics = posted(identities, (values(text="<40"), {}))
    taken, door, _ = settled(identities, ("/VSCapture/mp-50/numericdata/", values(text="<40")))
    assert (said, taken) == ([(200, {"accepted": 1})], [(1, 0)])
    assert [one.frame for one in posts.given] == [one.frame for one in door.given]
    assert posts.given[0].frame.bounds == {"spo2": WireBound("<", 40.0)}
    assert refused(metrics, "bound") == 1


def test_without_a_clients_file_the_usual_topic_of_a_broker_on_this_machine_is_read():
    identities = Identities(Settings(gateway_vscapture_zone="Asia/Seoul"))
    said, door, _ = settled(identities, ("/VSCapture/mp50/numericdata/", values(device="mp50")))
    assert said == [(1, 0)]
    assert door.given[0].frame.event_ts_ms == AT_MS
    assert identities.capture_at("127.0.0.1") is None


@pytest.mark.parametrize(
    "wrong",
    ['vscapture.zone = "Mars"', 'vscapture.names = { X = "hearts" }', 'vscapture.topics = ["a/#/b"]'],
)
def test_what_is_wrong_in_the_clients_file_is_told(tmp_path, wrong):
    with pytest.raises(UsageError, match="vscapture"):
        identities_of(tmp_path, f"[clients.a]\n{wrong}\n")


def test_a_zone_that_there_is_not_is_told():
    with pytest.raises(UsageError, match=r"vscapture.zone.*is no time zone"):
        load_settings(gateway_vscapture_zone="Mars")


def test_a_client_that_may_send_for_any_device_lends_its_name_to_none(tmp_path):
    assert Sender("a", ("*",)).may_send_for("a")
    text = CLIENTS.replace("[clients.theatre-2]", '[clients.theatre-2]\ndevices = ["*"]')
    shown = {"Authorization": f"Bearer {KEY.key}"}
    said, *_ = posted(identities_of(tmp_path, text), (values(device=""), shown))
    assert said[0][0] == 422


@pytest.mark.parametrize("now_ms", [1_792_888_200_000, 1_792_891_800_000])
def test_an_hour_that_comes_twice_is_the_one_nearer_to_now(now_ms):
    """2026-10-25 02:30 in Berlin is 00:30 and 01:30 UTC."""
    body = values().replace(b"14-03-2026 13:39:00.000", b"25-10-2026 02:30:00.000")
    items, _ = items_of(body, CaptureProfile(zone=ZoneInfo("Europe/Berlin")), "", now_ms + 5_000)
    assert [item.frame.event_ts_ms for item in items] == [now_ms]
