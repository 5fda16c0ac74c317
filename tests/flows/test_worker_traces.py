"""A real worker with a collector: its spans, nothing of a record in them, and what it tells of itself on /metrics."""

import pytest
from otlp_receiver import collecting, facts
from worker_flow import frame, wait_until

TOKEN = "Zq7kanarienvogel"


@pytest.fixture(scope="module")
def run(make_ward):
    """Return what a collector got of a worker that judged a log and drained, the worker's memory, and its alerts."""
    with collecting() as collector:
        ward = make_ward(otlp_endpoint=collector.endpoint)
        ward.send_all((1, *frame(f"p-{TOKEN}", t, hr=140)) for t in range(10))
        worker = ward.start_ready_worker()
        ward.wait_for_alerts(ward.expected())
        wait_until(lambda: collector.spans("send"), "the span of an alert")
        memory_bytes = worker.metric("process_resident_memory_bytes")
        checkpoint_age_s = worker.metric("vigil_checkpoint_age_seconds", partition="1")
        assert worker.terminate() == 0
        yield collector, ward.alerts(), memory_bytes, checkpoint_age_s


def test_each_alert_is_a_span_below_its_block_with_the_offset_that_the_broker_gave_it(run):
    collector, alerts, *_ = run
    blocks = {span.span_id: facts(span.attributes) for span in collector.spans("process")}
    sent = collector.spans("send")
    assert len(sent) == len(alerts) > 0
    assert sorted(facts(span.attributes)["messaging.kafka.offset"] for span in sent) == [*range(len(alerts))]
    for span in sent:
        assert blocks[span.parent_span_id]["messaging.destination.partition.id"] == "1"


def test_nothing_of_a_record_leaves_with_them(run):
    collector, alerts, *_ = run
    assert any(TOKEN in alert["patient"] for alert in alerts)
    assert not any(TOKEN.encode() in body for body in collector.bodies)


def test_a_worker_tells_its_memory_and_how_old_its_checkpoints_are(run):
    _, _, memory_bytes, checkpoint_age_s = run
    assert memory_bytes > 50e6
    assert 0 < checkpoint_age_s < 60
