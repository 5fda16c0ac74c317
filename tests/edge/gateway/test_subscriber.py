"""The gateway at a real mosquitto: nothing is acknowledged before Kafka has it, and all comes again."""

import asyncio
import contextlib
import subprocess

import paho.mqtt.publish
import pytest
from gateway_world import ANYBODY, RecordingDoor, frame, until
from mosquitto_world import Mosquitto

from edge.gateway.accept import Sender
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.mqtt import batches as batches_module
from edge.gateway.mqtt.access import Access, access_of
from edge.gateway.mqtt.batches import Batches
from edge.gateway.mqtt.subscriber import Subscriber
from edge.gateway.mqtt.topic_map import TopicMap
from streams.config.settings import Settings
from streams.errors import Busy

TOPICS = TopicMap([("vitals/{device}/frames", ANYBODY)])
TOPIC = "vitals/mon-a/frames"
FIVE = [frame(seq=seq) for seq in range(1, 6)]


@contextlib.asynccontextmanager
async def line(mosquitto, door, topics=lambda: TOPICS, cut=False, **changes):
    """A line to the broker while the block lasts; `cut` = it ends as a killed process does, without a word."""
    access = Access("127.0.0.1", mosquitto.port, "gateway-1", "test", **changes)
    metrics = GatewayMetrics().protocol("mqtt")
    subscriber = Subscriber(access, topics, Batches(door, metrics), metrics)
    await subscriber.start()
    try:
        await until(lambda: subscriber.connected)
        yield subscriber
    finally:
        if cut:
            subscriber._running.cancel()
            subscriber._session._socket.shutdown(2)
            await asyncio.wait([subscriber._running], timeout=5)
        else:
            ended = mosquitto.said("Client gateway-1 disconnected")
            await subscriber.stop()
            # Who takes a session over before the broker has read the last acknowledgements gets those again.
            await until(lambda: mosquitto.said("Client gateway-1 disconnected") > ended)


async def publish(mosquitto, *payloads, topic=TOPIC):
    for payload in payloads:
        await asyncio.to_thread(mosquitto.publish, topic, payload)


def numbers(door):
    return [reading.frame.seq for reading in door.given]


def test_what_mosquitto_pub_sends_is_in_the_door_in_its_order(mosquitto):
    async def scenario():
        door = RecordingDoor()
        async with line(mosquitto, door):
            await publish(mosquitto, *FIVE)
            await until(lambda: len(door.given) == 5)
        assert numbers(door) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_what_paho_sends_is_in_the_door_once_and_not_again_for_the_next_gateway(mosquitto):
    async def scenario():
        door = RecordingDoor()
        messages = [{"topic": TOPIC, "payload": one, "qos": 1} for one in FIVE]
        async with line(mosquitto, door):
            await asyncio.to_thread(
                paho.mqtt.publish.multiple, messages, "127.0.0.1", mosquitto.port, protocol=5
            )
            await until(lambda: len(door.given) == 5)
        assert numbers(door) == [1, 2, 3, 4, 5]
        after = RecordingDoor()
        async with line(mosquitto, after):
            await publish(mosquitto, frame(seq=6))
            await until(lambda: after.given)
        assert numbers(after) == [6]

    asyncio.run(scenario())


def test_a_gateway_that_is_killed_between_message_and_kafka_gets_all_five_again(mosquitto):
    async def scenario():
        door = RecordingDoor()
        door.hold = asyncio.Event()
        async with line(mosquitto, door, cut=True):
            await publish(mosquitto, *FIVE)
            await asyncio.wait_for(door.came.wait(), 5)
        assert not door.given
        again = RecordingDoor()
        async with line(mosquitto, again):
            await until(lambda: len(again.given) == 5)
        assert numbers(again) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_what_comes_while_no_gateway_runs_is_kept_by_the_broker(mosquitto):
    async def scenario():
        door = RecordingDoor()
        async with line(mosquitto, door):
            pass
        await publish(mosquitto, *FIVE)
        async with line(mosquitto, door):
            await until(lambda: len(door.given) == 5)
        assert numbers(door) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_a_broker_that_restarts_is_found_again_and_loses_nothing(mosquitto):
    async def scenario():
        door = RecordingDoor()
        async with line(mosquitto, door) as subscriber:
            door.hold = asyncio.Event()
            await publish(mosquitto, *FIVE[:3])
            await asyncio.wait_for(door.came.wait(), 5)
            await asyncio.to_thread(mosquitto.stop)
            door.hold.set()
            await until(lambda: not subscriber.connected)
            await asyncio.to_thread(mosquitto.start)
            await until(lambda: subscriber.connected)
            await publish(mosquitto, *FIVE[3:])
            await until(lambda: {1, 2, 3, 4, 5} <= set(numbers(door)))
        firsts = list(dict.fromkeys(numbers(door)))
        assert firsts == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_a_busy_door_has_the_broker_send_all_of_it_again_in_its_order(mosquitto, monkeypatch):
    monkeypatch.setattr(batches_module, "HOLD_S_MAX", 0.2)

    async def scenario():
        door = RecordingDoor()
        door.raises = [Busy("no room", 0.05)] * 8
        async with line(mosquitto, door):
            await publish(mosquitto, *FIVE)
            await until(lambda: len(door.given) >= 5)
        assert list(dict.fromkeys(numbers(door))) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_what_was_sent_with_qos_0_and_is_lost_in_hand_is_counted(mosquitto, monkeypatch):
    monkeypatch.setattr(batches_module, "HOLD_S_MAX", 0.2)

    async def scenario():
        door = RecordingDoor()
        door.raises = [Busy("no room", 0.05)] * 8
        async with line(mosquitto, door) as subscriber:
            await asyncio.to_thread(mosquitto.publish, TOPIC, FIVE[0], "-q", "0")
            registry = subscriber._metrics._metrics.registry
            kind = {"protocol": "mqtt", "kind": "qos-0"}
            await until(lambda: registry.get_sample_value("vigil_gateway_gaps_total", kind) == 1)
            door.raises.clear()
            await publish(mosquitto, FIVE[1])
            await until(lambda: door.given)
            assert registry.get_sample_value("vigil_gateway_gaps_total", kind) == 1
        assert numbers(door) == [2]

    asyncio.run(scenario())


def test_no_more_messages_than_the_bound_are_under_way(mosquitto):
    async def scenario():
        door = RecordingDoor()
        door.hold = asyncio.Event()
        async with line(mosquitto, door, receive_max=2) as subscriber:
            await publish(mosquitto, *FIVE)
            await asyncio.wait_for(door.came.wait(), 5)
            assert subscriber._at_work + subscriber._waiting() <= 2
            door.hold.set()
            await until(lambda: len(door.given) == 5)
        assert numbers(door) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_a_foreign_device_is_a_dead_letter_and_does_not_come_again(mosquitto):
    async def scenario():
        door = RecordingDoor()
        async with line(mosquitto, door):
            await publish(mosquitto, frame(device="mon-b"), b"nonsense", frame(seq=9))
            await until(lambda: door.given)
        assert numbers(door) == [9]
        assert len(door.stored) == 2
        after = RecordingDoor()
        async with line(mosquitto, after):
            await publish(mosquitto, frame(seq=10))
            await until(lambda: after.given)
        assert (numbers(after), after.stored) == ([10], [])

    asyncio.run(scenario())


def test_topics_that_change_are_subscribed_and_the_former_ones_no_longer(mosquitto):
    async def scenario():
        door, topics = RecordingDoor(), [TOPICS]
        async with line(mosquitto, door, topics=lambda: topics[0]) as subscriber:
            topics[0] = TopicMap([("other/{device}", Sender("other", ("*",)))])
            await until(lambda: subscriber._former == ("other/+",))
            await publish(mosquitto, frame(seq=1))
            await publish(mosquitto, frame(seq=2), topic="other/mon-a")
            await until(lambda: door.given)
        assert (numbers(door), door.stored) == ([2], [])

    asyncio.run(scenario())


def test_a_clients_file_that_changes_without_its_topics_cuts_no_session_and_counts_at_once(mosquitto):
    async def scenario():
        door, topics = RecordingDoor(), [TOPICS]
        async with line(mosquitto, door, topics=lambda: topics[0]) as subscriber:
            await publish(mosquitto, frame(seq=1))
            await until(lambda: len(door.given) == 1)
            session, ward = subscriber._session, Sender("ward", ("mon-*",))
            topics[0] = TopicMap([("vitals/{device}/frames", ward)])
            await publish(mosquitto, frame(seq=2))  # for which it may have waited since before the change
            await until(lambda: len(door.given) == 2)
            await publish(mosquitto, frame(seq=3))
            await until(lambda: len(door.given) == 3)
            assert subscriber._session is session
        assert [door.senders[0], door.senders[-1]] == [ANYBODY, ward]

    asyncio.run(scenario())


def test_two_gateways_share_what_comes(mosquitto):
    async def scenario():
        door = RecordingDoor()
        access = Access("127.0.0.1", mosquitto.port, "gateway-2", "test")
        metrics = GatewayMetrics().protocol("mqtt")
        second = Subscriber(access, lambda: TOPICS, Batches(door, metrics), metrics)
        await second.start()
        async with line(mosquitto, door):
            await until(lambda: second.connected)
            await publish(mosquitto, *FIVE)
            await until(lambda: len(door.given) == 5)
        await second.stop()
        assert sorted(numbers(door)) == [1, 2, 3, 4, 5]

    asyncio.run(scenario())


def test_a_large_message_and_thousands_of_small_ones_are_all_taken(mosquitto):
    async def scenario():
        door = RecordingDoor()
        lines = b"\n".join(frame(seq=seq) for seq in range(9_000))
        messages = [{"topic": TOPIC, "payload": lines, "qos": 1}]
        messages += [{"topic": TOPIC, "payload": frame(seq=seq), "qos": 1} for seq in range(9_000, 12_000)]
        async with line(mosquitto, door):
            await asyncio.to_thread(
                paho.mqtt.publish.multiple, messages, "127.0.0.1", mosquitto.port, protocol=5
            )
            await until(lambda: len(door.given) >= 12_000)
        assert numbers(door) == list(range(12_000))

    asyncio.run(scenario())


@pytest.mark.usefixtures("needs_mosquitto", "needs_openssl")
def test_by_password_and_tls_and_not_with_another_password(tmp_path):
    key = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    names = ["-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    files = ["-keyout", str(tmp_path / "key.pem"), "-out", str(tmp_path / "cert.pem")]
    subprocess.run([*key, *names, *files], check=True, capture_output=True, timeout=30)
    (tmp_path / "users").write_text("")
    (tmp_path / "users").chmod(0o700)
    for user in ("gateway", "device"):
        subprocess.run(
            ["mosquitto_passwd", "-b", str(tmp_path / "users"), user, f"{user}-secret"],
            check=True,
            timeout=30,
        )
    more = (
        f"allow_anonymous false\npassword_file {tmp_path}/users\n"
        f"certfile {tmp_path}/cert.pem\nkeyfile {tmp_path}/key.pem"
    )
    (tmp_path / "password").write_text("gateway-secret\n")
    tls = ["--cafile", str(tmp_path / "cert.pem"), "-u", "device", "-P", "device-secret"]
    mosquitto = Mosquitto(tmp_path, more, tls)
    try:
        asyncio.run(_secured(mosquitto, tmp_path))
    finally:
        mosquitto.stop()


async def _secured(mosquitto, folder):
    settings = Settings(
        gateway_mqtt_host="127.0.0.1",
        gateway_mqtt_port=mosquitto.port,
        gateway_mqtt_username="gateway",
        gateway_mqtt_password_file=folder / "password",
        gateway_mqtt_cafile=folder / "cert.pem",
    )
    good = access_of(settings)
    door = RecordingDoor()
    async with line(mosquitto, door, username=good.username, password=good.password, tls=good.tls):
        await publish(mosquitto, *FIVE)
        await until(lambda: len(door.given) == 5)
    metrics = GatewayMetrics().protocol("mqtt")
    bad = Access("127.0.0.1", mosquitto.port, "g", "test", "gateway", "wrong", good.tls)
    refused = Subscriber(bad, lambda: TOPICS, Batches(door, metrics), metrics)
    await refused.start()
    log = folder / "mosquitto.log"
    await until(lambda: "not authorised" in log.read_text())
    assert not refused.connected
    await refused.stop()
    assert numbers(door) == [1, 2, 3, 4, 5]
