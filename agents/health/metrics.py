"""What a worker measures, for /metrics. No label names a patient or a device."""

import contextlib
from collections.abc import Sequence
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

LATENCY_S: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
STAGE_S: Final = (0.0005, 0.001, 0.0025, *LATENCY_S)
BLOCK_RECORDS: Final = (1, 4, 16, 64, 256, 1024, 4096)

OURS: Final = "vigil"
SHADOWS: Final = "vigil_shadow"
"""What names begin with: those of a shadow otherwise, so that no rule takes one for a worker whose alerts count."""


class Metrics:
    """All metrics of one worker, in a registry of their own. Counters, then distributions, then gauges.

    Args:
        partitions: of the readings, all workers' together.
        prefix: begins every name.
    """

    def __init__(self, partitions: int = 0, prefix: str = OURS) -> None:
        self._prefix = prefix
        self.registry = CollectorRegistry()

        self.frames = self._counter("frames_total", "frames read, duplicates and replays included")
        self.readings = self._counter("readings_total", "plausible readings judged")
        self.ticks = self._counter("ticks_total", "ticks judged")
        self.not_judged = self._counter(
            "frames_not_judged_total", "frames that changed no alarm, by reason", "reason"
        )
        self.not_alarmed = self._counter(
            "conditions_not_alarmed_total", "violations that led to no alarm, by reason", "reason"
        )
        self.commands = self._counter("commands_total", "commands, by kind and outcome", "kind", "outcome")
        self.suspect = self._counter(
            "clock_suspect_frames_total", "frames judged by append time: wrong device clock"
        )
        self.dead_letters = self._counter("dead_letters_total", "records refused, by reason", "reason")
        self.rebuilt = self._counter(
            "partitions_rebuilt_total", "partitions whose state was missing and built again from the readings"
        )
        self.alerts = self._counter("alerts_total", "alerts, by rule and phase", "rule", "phase")
        self.spans = self._counter(
            "spans_total", "spans of blocks and alerts, by what became of them", "outcome"
        )

        self.event_to_alert = self._histogram(
            "event_to_alert_seconds", "measurement by the device's clock to alert on the broker"
        )
        self.append_to_alert = self._histogram(
            "append_to_alert_seconds", "deciding record on the broker to alert on the broker"
        )
        self.block_records = self._histogram("block_records", "records judged at once", BLOCK_RECORDS)
        stages = self._histogram(
            "stage_seconds", "a stage's delay of blocks judged at once", STAGE_S, "stage"
        )
        self.fetch = stages.labels("fetch")
        """From the broker taking a block's first record until its judging begins."""
        self.decode = stages.labels("decode")
        self.decide = stages.labels("decide")
        self.publish = stages.labels("publish")
        """From an alert being decided until the broker has it, for each alert."""
        self.checkpoint = stages.labels("checkpoint")
        """One partition's checkpoint, which runs beside the others."""

        self._add_partitions(partitions)
        self._add_canary()
        self._add_faults_of_the_log()
        self._add_rules()

    def _add_partitions(self, partitions: int) -> None:
        self.ready = self._gauge("ready", "1 while partitions are assigned and recovered")
        self.partitions = self._gauge("partitions_assigned", "partitions this worker owns")
        self.partitions_of_all = self._gauge("partitions", "partitions that all workers together should own")
        self.partitions_of_all.set(partitions)
        self.lag_frames = self._gauge("lag_frames", "records not yet judged", "partition")
        self.lag_seconds = self._gauge(
            "lag_seconds", "age of the last judged record while others wait", "partition"
        )
        self.checkpoint_age = self._gauge(
            "checkpoint_age_seconds",
            "since what was judged became durable, or since the partition came",
            "partition",
        )
        self.patients = self._gauge("patients", "patients held", "partition")
        self.recovery = self._gauge("recovery_seconds", "the last recovery from the changelog")
        self.waiting = self._gauge(
            "publish_waiting_seconds", "how long the oldest record waits for the broker to take it"
        )

    def _add_canary(self) -> None:
        self.canary = self._gauge(
            "canary_seconds",
            "the canary's last crossing on the broker to its alert on the broker",
            "partition",
        )
        self.canary_heard = self._gauge(
            "canary_heard_timestamp_seconds", "when the canary's last alert was on the broker", "partition"
        )

    def _add_rules(self) -> None:
        self.rules = self._gauge(
            "rules_decision", "number of the decision whose rules hold, 0 = its settings'"
        )
        self.rules_refused = self._gauge(
            "rules_refused", "1 while the newest decision is one that this version cannot judge by"
        )

    def _add_faults_of_the_log(self) -> None:
        self.misplaced = self._gauge(
            "misplaced_patients", "patients held who belong into another partition", "partition"
        )
        labels = "topic", "partition"
        self.gone = self._counter(
            "records_gone_total", "records that were deleted before they were judged", *labels
        )
        self.unreadable = self._gauge(
            "partition_unreadable", "1 while a partition cannot be read on", *labels
        )

    def forget(self, partition: int) -> None:
        """Show nothing more of a partition that is somebody else's now."""
        gauges = (self.lag_frames, self.lag_seconds, self.checkpoint_age, self.patients, self.misplaced)
        for gauge in (*gauges, self.canary, self.canary_heard):
            with contextlib.suppress(KeyError):
                gauge.remove(str(partition))
        self.unreadable.remove_by_labels({"partition": str(partition)})

    def readable(self, topic: str, partition: int) -> None:
        """Show no longer that a partition cannot be read."""
        with contextlib.suppress(KeyError):
            self.unreadable.remove(topic, str(partition))

    def _counter(self, name: str, about: str, *labels: str) -> Counter:
        return Counter(f"{self._prefix}_{name}", about, labels, registry=self.registry)

    def _gauge(self, name: str, about: str, *labels: str) -> Gauge:
        return Gauge(f"{self._prefix}_{name}", about, labels, registry=self.registry)

    def _histogram(
        self, name: str, about: str, buckets: Sequence[float] = LATENCY_S, *labels: str
    ) -> Histogram:
        return Histogram(f"{self._prefix}_{name}", about, labels, buckets=buckets, registry=self.registry)
