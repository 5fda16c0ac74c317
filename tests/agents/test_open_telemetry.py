"""Spans of blocks and alerts as a collector gets them: what is in them, what never is, and that nothing waits."""

import asyncio
import json
import socket
import sys
import time

import pytest
from logs import Record, frame_record, seconds
from monitor_world import World, fetched
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from opentelemetry.semconv._incubating.attributes import messaging_attributes
from opentelemetry.semconv.attributes.error_attributes import ERROR_TYPE
from otlp_receiver import collecting, facts
from waiting import wait_until

from agents import open_telemetry
from agents.health.metrics import Metrics
from agents.traces import UNTRACED, traces_of
from streams.config.settings import Settings, load_settings
from streams.contracts.command import COMMAND_KEY
from streams.contracts.topics import ALERTS, READINGS
from streams.errors import UsageError
from streams.lane.block import Block, Blocks

TOKEN = "Zq7kanarienvogel"


@pytest.fixture
def collector():
    with collecting() as collector:
        yield collector


@pytest.fixture
def world(collector):
    world = World(otlp_endpoint=collector.endpoint)
    yield world
    world.traces.close()


def sent(world, count):
    """Send what is left and wait until the collector has said that it took so many spans."""
    world.traces.close()
    wait_until(lambda: world.count("vigil_spans_total", outcome="sent") == count, f"{count} spans", 30)


def test_a_block_is_a_span_and_each_alert_one_below_it(world, collector):
    world.watch(seconds([80, 140, 140, 140, 140]), partition=3)
    sent(world, 2)
    (block,), (alert,) = collector.spans("process"), collector.spans("send")
    assert (block.name, alert.name) == (f"process {READINGS}", f"send {ALERTS}")
    assert (block.kind, alert.kind) == (Span.SPAN_KIND_CONSUMER, Span.SPAN_KIND_PRODUCER)
    assert block.parent_span_id == b""
    assert (alert.parent_span_id, alert.trace_id) == (block.span_id, block.trace_id)
    assert block.start_time_unix_nano <= alert.start_time_unix_nano <= alert.end_time_unix_nano
    assert facts(block.attributes) == {
        "messaging.system": "kafka",
        "messaging.operation.name": "process",
        "messaging.operation.type": "process",
        "messaging.destination.name": READINGS,
        "messaging.destination.partition.id": "3",
        "messaging.consumer.group.name": "vigil",
        "messaging.batch.message_count": 5,
        "messaging.kafka.offset": 0,
    }
    assert facts(alert.attributes)["messaging.destination.partition.id"] == "3"
    assert facts(collector.resources()[0].resource.attributes)["service.name"] == "vigil-worker"


def test_of_live_readings_it_is_told_how_long_the_first_had_waited(collector):
    world = World(otlp_endpoint=collector.endpoint, time_base="live")
    now_ms = time.time_ns() // 1_000_000
    world.watch([frame_record(0, now_ms - 5_000, event_ms=now_ms - 5_000, hr=80)])
    sent(world, 1)
    assert 5 <= facts(collector.spans("process")[0].attributes)["vigil.waited_s"] < 60


def test_names_of_facts_are_those_of_the_conventions(world, collector):
    world.watch(seconds([140] * 4))
    sent(world, 2)
    known = {name for name in vars(messaging_attributes).values() if isinstance(name, str)} | {ERROR_TYPE}
    used = {name for span in collector.spans() for name in facts(span.attributes)}
    assert {name for name in used if not name.startswith("vigil.")} <= known


def test_blocks_that_were_judged_at_once_have_a_link_to_the_first(world, collector):
    blocks = [Block(READINGS, partition, seconds([80] * 2)) for partition in range(5)]
    event = fetched([frame_record(0)])
    event.value = Blocks([blocks])
    asyncio.run(world.work_off(event))
    sent(world, 5)
    first, *others = sorted(
        collector.spans(), key=lambda span: facts(span.attributes)["messaging.destination.partition.id"]
    )
    assert list(first.links) == []
    assert [[link.span_id for link in other.links] for other in others] == [[first.span_id]] * 4
    assert len({span.trace_id for span in (first, *others)}) == 5


def test_nothing_of_a_record_is_in_any_span(world, collector):
    """A token wherever a record has text, in what is judged, in what is refused, and in an error of the judging."""
    patient, device = f"p-{TOKEN}", f"d-{TOKEN}"

    def seen(at):
        fields = {"device": device, "seq": at, "event_ms": at * 1_000, "hr": 140}
        return frame_record(at, at * 1_000, patient, **fields)

    strange = json.dumps({TOKEN: TOKEN, "ward": TOKEN, "bed": TOKEN, "patient": patient}).encode()
    refused = [Record(4, 4_000, patient.encode(), strange), Record(5, 4_000, COMMAND_KEY, strange)]
    world.watch([*map(seen, range(4)), *refused])

    def break_off(*_):
        raise RuntimeError(f"cannot judge {TOKEN}")

    world.monitor.judge.judge_together = break_off
    world.watch([seen(6)])
    sent(world, 3)
    told = [value for topic, _, value, _ in world.sent if topic == ALERTS]
    assert any(TOKEN.encode() in value for value in told)
    assert len(world.dead_letters()) == 2
    assert any(TOKEN in failure for failure in world.failures)
    assert len(collector.spans()) == 3
    assert not any(TOKEN.encode() in body for body in collector.bodies)


def test_an_error_is_told_by_its_kind_alone(world, collector):
    def break_off(*_):
        raise RuntimeError(TOKEN)

    world.monitor.judge.judge_together = break_off
    world.watch(seconds([80]))
    sent(world, 1)
    (block,) = collector.spans()
    assert (block.status.code, block.status.message) == (Status.STATUS_CODE_ERROR, "")
    assert facts(block.attributes)[ERROR_TYPE] == "RuntimeError"
    assert list(block.events) == []


def test_an_alert_that_the_broker_refuses_is_a_span_that_failed(world, collector):
    async def refuse(*_):
        arrival = asyncio.get_running_loop().create_future()
        arrival.set_exception(OSError(TOKEN))
        return arrival

    async def run():
        arrival = await world.traces.sending(refuse)(ALERTS, b"k", b"v", 0, ())
        with pytest.raises(OSError, match=TOKEN):
            await arrival

    asyncio.run(run())
    sent(world, 1)
    (alert,) = collector.spans()
    assert facts(alert.attributes)[ERROR_TYPE] == "OSError"
    assert alert.parent_span_id == b""


def test_a_share_of_the_blocks_has_spans_and_their_alerts_with_them(collector):
    world = World(otlp_endpoint=collector.endpoint, otlp_share=0.5)
    log = seconds([value for _ in range(100) for value in (140, 140, 140, 80)])
    world.watch(*(log[at : at + 4] for at in range(0, len(log), 4)))
    alerts = len(world.alerts())
    world.traces.close()
    wait_until(lambda: collector.spans(), "spans")
    wait_until(
        lambda: len(collector.spans()) == world.count("vigil_spans_total", outcome="sent"), "all of them"
    )
    blocks = {span.span_id for span in collector.spans("process")}
    assert 20 < len(blocks) < 80  # of 100; beyond this once in 10 ** 9 runs
    assert {span.parent_span_id for span in collector.spans("send")} <= blocks
    assert 0 < len(collector.spans("send")) < alerts


def test_while_a_collector_takes_connections_and_says_nothing_no_block_waits_and_spans_are_dropped(
    monkeypatch,
):
    """Whoever waited for this collector would do so for ten minutes."""
    for name, value in (("SPANS_MAX", 64), ("SEND_SPANS_MAX", 64), ("SEND_TIMEOUT_S", 600.0)):
        monkeypatch.setattr(open_telemetry, name, value)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        world = World(otlp_endpoint=f"http://127.0.0.1:{mute.getsockname()[1]}/v1/traces")
        blocks = [[record] for record in seconds([80] * (open_telemetry.SPANS_MAX + 20))]
        begun_s = time.monotonic()
        world.watch(*blocks)
        world.traces.close()
        assert time.monotonic() - begun_s < open_telemetry.SEND_TIMEOUT_S / 2
        assert world.count("vigil_frames_total") == len(blocks)
        assert world.count("vigil_spans_total", outcome="dropped") == 20


def test_a_collector_that_refuses_is_told_of_once_and_once_when_it_takes_them_again(world, collector, caplog):
    collector.answer(400)

    def refused(count):
        return lambda: world.count("vigil_spans_total", outcome="refused") == count

    for count in (1, 2):
        world.watch(seconds([80]))
        wait_until(refused(count), "a refusal")
    collector.answer(200)
    world.watch(seconds([80]))
    wait_until(lambda: world.count("vigil_spans_total", outcome="sent") == 1, "a span")
    said = [record.getMessage() for record in caplog.records if record.levelname == "WARNING"]
    assert said == [
        f"spans do not arrive at {collector.endpoint}",
        f"spans arrive again at {collector.endpoint}",
    ]


def test_without_a_collector_both_functions_come_back_as_they_were():
    world = World()
    assert world.traces is UNTRACED
    assert world.reader.take == world.monitor.take
    assert world.traces.sending(world._send) == world._send
    assert world.count("vigil_spans_total", outcome="sent") == 0


def test_without_the_extra_a_worker_says_which_one_is_missing(monkeypatch):
    monkeypatch.delitem(sys.modules, "agents.open_telemetry")
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    with pytest.raises(UsageError, match=r"otlp_endpoint.*vigil\[otel\]"):
        traces_of(Settings(otlp_endpoint="http://c:4318/v1/traces"), Metrics().spans)


@pytest.mark.parametrize(
    "endpoint", ["collector:4318", "grpc://c:4317/", "http://me:secret@c:4318/v1/traces", "http://c"]
)
def test_an_endpoint_that_is_no_url_or_shows_a_password_is_refused(endpoint):
    with pytest.raises(UsageError, match="otlp_endpoint"):
        load_settings(otlp_endpoint=endpoint)
