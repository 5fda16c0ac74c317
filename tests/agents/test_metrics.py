"""What a worker shows on /metrics: every promised name, and no label that could name a patient."""

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families

from agents.health.metrics import Metrics

NAMES = {
    "vigil_ready": set(),
    "vigil_partitions_assigned": set(),
    "vigil_partitions": set(),
    "vigil_publish_waiting_seconds": set(),
    "vigil_frames": set(),
    "vigil_readings": set(),
    "vigil_ticks": set(),
    "vigil_frames_not_judged": {"reason"},
    "vigil_conditions_not_alarmed": {"reason"},
    "vigil_commands": {"kind", "outcome"},
    "vigil_clock_suspect_frames": set(),
    "vigil_dead_letters": {"reason"},
    "vigil_partitions_rebuilt": set(),
    "vigil_alerts": {"rule", "phase"},
    "vigil_spans": {"outcome"},
    "vigil_event_to_alert_seconds": {"le"},
    "vigil_append_to_alert_seconds": {"le"},
    "vigil_block_records": {"le"},
    "vigil_stage_seconds": {"le", "stage"},
    "vigil_lag_frames": {"partition"},
    "vigil_lag_seconds": {"partition"},
    "vigil_checkpoint_age_seconds": {"partition"},
    "vigil_patients": {"partition"},
    "vigil_misplaced_patients": {"partition"},
    "vigil_canary_seconds": {"partition"},
    "vigil_canary_heard_timestamp_seconds": {"partition"},
    "vigil_recovery_seconds": set(),
    "vigil_rules_decision": set(),
    "vigil_rules_refused": set(),
    "vigil_records_gone": {"topic", "partition"},
    "vigil_partition_unreadable": {"topic", "partition"},
}


def shown(metrics):
    text = generate_latest(metrics.registry).decode()
    families = {family.name: family for family in text_string_to_metric_families(text)}
    return {name: family for name, family in families.items() if not name.endswith("_created")}


def filled():
    """Return metrics in which every label has been used once."""
    metrics = Metrics()
    for gauge in (
        metrics.lag_frames,
        metrics.lag_seconds,
        metrics.checkpoint_age,
        metrics.patients,
        metrics.misplaced,
        metrics.canary,
        metrics.canary_heard,
    ):
        gauge.labels("0").set(1)
    metrics.gone.labels("vitals.readings", "0").inc()
    metrics.unreadable.labels("vitals.readings", "0").set(1)
    metrics.alerts.labels(rule="hr-high", phase="start").inc()
    metrics.dead_letters.labels(reason="empty").inc()
    metrics.not_judged.labels(reason="duplicate").inc()
    metrics.not_alarmed.labels(reason="paused").inc()
    metrics.spans.labels(outcome="sent").inc()
    metrics.commands.labels(kind="pause", outcome="accepted").inc()
    return metrics


def test_every_name_is_there_with_these_labels_and_no_others():
    families = shown(filled())
    labels = {
        name: set().union(*(sample.labels for sample in family.samples)) for name, family in families.items()
    }
    assert labels == NAMES


def test_every_metric_says_what_it_is():
    assert all(family.documentation for family in shown(filled()).values())


def test_latencies_are_told_apart_from_5_ms_to_30_s():
    bounds = [
        float(sample.labels["le"])
        for sample in shown(Metrics())["vigil_event_to_alert_seconds"].samples
        if sample.name.endswith("_bucket")
    ]
    assert (bounds[0], bounds[-2], bounds[-1]) == (0.005, 30.0, float("inf"))


def test_how_many_partitions_there_are_is_shown_before_any_is_assigned():
    registry = Metrics(48).registry
    assert registry.get_sample_value("vigil_partitions") == 48
    assert registry.get_sample_value("vigil_partitions_assigned") == 0


def test_two_workers_in_one_process_do_not_share_metrics():
    one, two = Metrics(), Metrics()
    one.frames.inc()
    assert two.registry.get_sample_value("vigil_frames_total") == 0


def test_how_a_partition_is_is_shown_no_more_when_it_is_gone_and_what_was_counted_stays():
    metrics = filled()
    metrics.canary.remove("0")
    metrics.forget(0)
    assert not any(
        sample.labels.get("partition") == "0"
        for family in shown(metrics).values()
        for sample in family.samples
        if family.type == "gauge"
    )
    assert metrics.registry.get_sample_value(
        "vigil_records_gone_total", {"topic": "vitals.readings", "partition": "0"}
    )
