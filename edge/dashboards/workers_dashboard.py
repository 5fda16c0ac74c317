"""Is every partition judged, in time, and is what was judged kept?"""

from typing import Final

from edge.dashboards.grafana_json import Dashboard, Panel, Query, Row
from edge.dashboards.queries import per_second, quantiles

_MONITORED: Final = Row(
    "Is everybody monitored?",
    (
        Panel("Workers that answer", (Query('sum(up{job="vigil-worker"})'),), width=6, now=True, good_from=1),
        Panel(
            "Partitions without an owner",
            (Query("max(vigil_partitions) - sum(vigil_partitions_assigned)"),),
            "Their patients are not monitored.",
            width=6,
            now=True,
            good_below=1,
        ),
        Panel(
            "Furthest behind", (Query("max(vigil_lag_seconds)"),), unit="s", width=6, now=True, good_below=5
        ),
        Panel(
            "Longest without a canary's alert",
            (Query("time() - min(vigil_canary_heard_timestamp_seconds)"),),
            "One is due every 10 s in each partition.",
            "s",
            width=6,
            now=True,
            good_below=40,
        ),
        Panel(
            "Behind, by partition",
            (Query("max by (partition) (vigil_lag_seconds)", "{{partition}}"),),
            unit="s",
        ),
        Panel(
            "Records that wait, by partition",
            (Query("sum by (partition) (vigil_lag_frames)", "{{partition}}"),),
        ),
        Panel(
            "Partitions owned",
            (
                Query("vigil_partitions_assigned", "{{instance}}"),
                Query("max(vigil_partitions)", "there are"),
            ),
        ),
        Panel("Ready", (Query("vigil_ready", "{{instance}}"),), unit="bool"),
        Panel(
            "Ticks judged",
            (Query(per_second("vigil_ticks_total", "instance"), "{{instance}}"),),
            unit="cps",
        ),
        Panel(
            "Canaries' alerts, by partition",
            (Query("max by (partition) (vigil_canary_seconds)", "{{partition}}"),),
            unit="s",
        ),
    ),
)

_LOAD: Final = Row(
    "Load and delay",
    (
        Panel(
            "Frames and readings",
            (
                Query(per_second("vigil_frames_total", "instance"), "frames {{instance}}"),
                Query(per_second("vigil_readings_total"), "readings, all"),
            ),
            unit="cps",
        ),
        Panel("Records judged at once", quantiles("vigil_block_records")),
        Panel(
            "Delay of each stage, p99",
            quantiles("vigil_stage_seconds", "stage", shares=(0.99,)),
            "Fetch: on the broker and in the queue. Publish: until the broker has an alert.",
            "s",
        ),
        Panel(
            "Longest wait for the broker",
            (Query("vigil_publish_waiting_seconds", "{{instance}}"),),
            "A worker stops at 15 s.",
            "s",
        ),
        Panel("Patients, by partition", (Query("sum by (partition) (vigil_patients)", "{{partition}}"),)),
        Panel(
            "Restarts within an hour",
            (Query("sum by (instance) (resets(vigil_ticks_total[1h]))", "{{instance}}"),),
        ),
    ),
)

_FAULTS: Final = Row(
    "State and faults",
    (
        Panel(
            "Checkpoints of a partition, a minute",
            (
                Query(
                    '60 * sum(rate(vigil_stage_seconds_count{stage="checkpoint"}[$__rate_interval]))'
                    " / sum(vigil_partitions_assigned)",
                    "of each",
                ),
            ),
            "Six by default.",
        ),
        Panel(
            "Age of the oldest checkpoint",
            (Query("max by (instance) (vigil_checkpoint_age_seconds)", "{{instance}}"),),
            "How much would be judged again after a death.",
            unit="s",
        ),
        Panel(
            "Spans",
            (Query(per_second("vigil_spans_total", "outcome"), "{{outcome}}"),),
            "Only with a collector.",
            unit="cps",
        ),
        Panel("Last recovery", (Query("vigil_recovery_seconds", "{{instance}}"),), unit="s"),
        Panel(
            "Records refused",
            (Query(per_second("vigil_dead_letters_total", "reason"), "{{reason}}"),),
            unit="cps",
        ),
        Panel(
            "Faults of the log",
            (
                Query(
                    "max by (topic, partition) (vigil_partition_unreadable)",
                    "unreadable: {{topic}} {{partition}}",
                ),
                Query("sum by (topic) (vigil_records_gone_total)", "gone: {{topic}}"),
                Query("sum(vigil_misplaced_patients)", "misplaced patients"),
                Query("sum(vigil_partitions_rebuilt_total)", "partitions rebuilt"),
            ),
            "Counts since the workers began.",
        ),
        Panel(
            "Rules in force",
            (
                Query("vigil_rules_decision", "{{instance}}"),
                Query("vigil_rules_refused", "refused: {{instance}}"),
            ),
            "Number of the decision; two numbers for long are two kinds of patients.",
        ),
        Panel(
            "History: age of the newest reading on the disk",
            (Query("time() - (max(vigil_history_kept_timestamp_seconds) > 0)", "age"),),
            unit="s",
        ),
        Panel(
            "History: kept and waiting",
            (
                Query(per_second("vigil_history_kept_total", "store"), "kept a second: {{store}}"),
                Query("sum by (store) (vigil_history_waiting)", "wait: {{store}}"),
            ),
        ),
        Panel(
            "History: faults",
            (
                Query("max by (store) (vigil_history_failing)", "failing: {{store}}"),
                Query("sum(vigil_history_gone_total)", "removed before they were read"),
                Query("sum(vigil_history_refused_total)", "no frames"),
            ),
        ),
    ),
)

WORKERS: Final = Dashboard(
    "vigil-workers",
    "Vigil: workers",
    "Is every partition judged, in time, and is what was judged kept?",
    (_MONITORED, _LOAD, _FAULTS),
)
