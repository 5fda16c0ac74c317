"""Two scrapes of a process make one row: rates, quantiles and gauges, over restarts too."""

import math
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import generate_latest

from agents.delivery.metrics import DeliveryMetrics
from agents.health.canary import CANARY as THE_CANARY
from agents.health.metrics import LATENCY_S, Metrics
from edge.channels.metrics import ChannelMetrics
from edge.gateway.metrics import GatewayMetrics
from edge.metrics_scrape import NOTHING, Scrape, began_again, grown, parse
from edge.top import top_rows
from edge.top.top_rows import kind_of, row_of


def scrape_of(metrics):
    return parse(generate_latest(metrics.registry).decode())


def one_alert(metrics, rule, seconds):
    metrics.alerts.labels(rule, "start").inc()
    metrics.append_to_alert.observe(seconds)


@pytest.fixture
def worker():
    metrics = Metrics()
    metrics.ready.set(1)
    metrics.partitions.set(2)
    metrics.frames.inc(1_000)
    one_alert(metrics, "hr-high", 20.0)
    return metrics


def test_a_workers_row_is_of_what_happened_between_the_two(worker):
    before = scrape_of(worker)
    worker.frames.inc(500)
    worker.dead_letters.labels("empty").inc(3)
    for seconds in (0.02, 0.02, 0.02, 0.07):
        one_alert(worker, "spo2-low", seconds)
    one_alert(worker, THE_CANARY, 0.02)
    for partition, lag_s, age_s in (("0", 0.5, 3.0), ("1", 4.0, 9.0)):
        worker.lag_seconds.labels(partition).set(lag_s)
        worker.lag_frames.labels(partition).set(10)
        worker.checkpoint_age.labels(partition).set(age_s)
        worker.patients.labels(partition).set(6)
    row = row_of("worker", before, scrape_of(worker), over_s=2.0)
    assert (row.is_ready, row.partitions, row.patients) == (True, 2, 12)
    assert (row.frames_per_s, row.alerts_per_s) == (250.0, 2.0)
    assert (row.lag_s, row.lag_records, row.checkpoint_age_s) == (4.0, 20, 9.0)
    assert (row.dead_letters, row.dead_letters_new) == (3, 3)
    assert 0.01 < row.alert_p50_s <= 0.025
    assert 0.05 < row.alert_p99_s <= 0.1  # the one of 20 s was told before


def test_one_scrape_has_gauges_and_no_rate(worker):
    row = row_of("worker", scrape_of(worker), scrape_of(worker), over_s=0.0)
    assert row.partitions == 2
    assert (row.frames_per_s, row.alerts_per_s, row.alert_p50_s, row.alert_p99_s) == (None,) * 4


def test_without_an_alert_between_them_there_is_no_latency(worker):
    before = scrape_of(worker)
    worker.frames.inc(10)
    row = row_of("worker", before, scrape_of(worker), over_s=1.0)
    assert (row.frames_per_s, row.alert_p50_s, row.alert_p99_s) == (10.0, None, None)


def test_an_alert_that_took_longer_than_the_scale_is_told_as_that(worker):
    before = scrape_of(worker)
    one_alert(worker, "hr-high", 2 * LATENCY_S[-1])
    assert row_of("worker", before, scrape_of(worker), 1.0).alert_p99_s == math.inf


def test_a_worker_that_began_again_has_counted_all_that_it_shows(worker):
    other = Metrics()
    other.frames.inc(40)
    one_alert(other, "hr-high", 0.02)
    row = row_of("worker", scrape_of(worker), scrape_of(other), over_s=2.0)
    assert (row.frames_per_s, row.alerts_per_s) == (20.0, 0.5)
    assert row.alert_p50_s <= 0.025


def test_a_restart_is_seen_by_its_start_where_every_count_is_beyond_the_old_one():
    before = Scrape({("process_start_time_seconds", ()): 1.0, ("a_total", ()): 5.0})
    after = Scrape({("process_start_time_seconds", ()): 9.0, ("a_total", ()): 7.0})
    assert began_again(before, after)
    assert grown(before, after).value("a_total") == 7.0


counts = st.lists(st.integers(0, 1_000), min_size=1, max_size=6)


@given(counts, counts, st.lists(st.integers(0, 1_000), max_size=6))
def test_what_has_grown_is_never_below_nothing_and_all_that_was_added(first, added, anew):
    names = [(f"{chr(97 + place)}_total", ()) for place in range(6)]
    first, added = (values + [0] * (6 - len(values)) for values in (first, added))
    before = Scrape(dict(zip(names, map(float, first), strict=True)))
    later = Scrape(
        {name: value + more for (name, value), more in zip(before.samples.items(), added, strict=True)}
    )
    assert list(grown(before, later).samples.values()) == added
    restarted = Scrape(dict(zip(names, map(float, anew), strict=False)))
    assert all(value >= 0 for value in grown(before, restarted).samples.values())


def test_a_gateways_row():
    metrics = GatewayMetrics()
    metrics.watch(lambda: True, lambda: 0)
    protocol = metrics.protocol("http")
    protocol.watch(lambda: 4)
    protocol.watch_spool(lambda: 7, lambda: 4_096)
    before = scrape_of(metrics)
    protocol.answered([None] * 30, 0.02)
    protocol.refused("unknown-client", 10)
    row = row_of("gateway", before, scrape_of(metrics), over_s=10.0)
    assert (row.accepted_per_s, row.refused_per_s) == (3.0, 1.0)
    assert (row.kafka_takes, row.clients, row.spool_records, row.spool_bytes) == (True, 4, 7, 4_096)
    assert 0.01 < row.ack_p99_s <= 0.025


def test_the_rows_of_who_brings_alerts_to_people():
    decides, sends = DeliveryMetrics(), ChannelMetrics()
    decides.ready.set(1)
    decides.failed.set(2)
    decides.open.set(5)
    before = scrape_of(sends)
    sends.given_up.labels("pager").inc()
    sends.tries.labels("pager", "taken").inc(20)
    sends.open.labels("pager").set(1)
    row = row_of("delivery", scrape_of(decides), scrape_of(decides), over_s=1.0)
    assert (row.is_ready, row.failed, row.open) == (True, 2, 5)
    row = row_of("sender", before, scrape_of(sends), over_s=10.0)
    assert (row.tries_per_s, row.given_up, row.given_up_new, row.channels_left_alone) == (2.0, 1, 1, 1)


@pytest.mark.parametrize(
    ("metrics", "kind"),
    [
        (Metrics(), "worker"),
        (GatewayMetrics(), "gateway"),
        (DeliveryMetrics(), "delivery"),
        (ChannelMetrics(), "sender"),
        (Metrics(prefix="vigil_shadow"), None),
    ],
)
def test_a_process_is_known_by_what_it_measures(metrics, kind):
    assert kind_of(scrape_of(metrics)) == kind
    assert kind_of(NOTHING) is None


def test_every_metric_that_a_row_asks_for_exists():
    asked = set(re.findall(r'"(vigil_\w+)"', Path(top_rows.__file__).read_text(encoding="utf-8")))
    exported = set()
    for metrics in (Metrics(), GatewayMetrics(), DeliveryMetrics(), ChannelMetrics()):
        for family in metrics.registry.collect():
            exported.add(family.name + ("_total" if family.type == "counter" else ""))
    assert len(asked) > 20
    assert asked <= exported


def test_the_canary_is_the_one_that_workers_write():
    assert top_rows.CANARY == THE_CANARY
