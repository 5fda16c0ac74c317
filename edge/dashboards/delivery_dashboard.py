"""Are people told, over which channel, and how soon?"""

from typing import Final

from edge.dashboards.grafana_json import Dashboard, Panel, Query, Row
from edge.dashboards.queries import per_second, quantiles

_DECIDED: Final = Row(
    "Who is told",
    (
        Panel(
            "Alarms that reached nobody",
            (Query("sum(vigil_delivery_failed)"),),
            "Call the ward.",
            width=6,
            now=True,
            good_below=1,
        ),
        Panel(
            "Alarms for a role that nobody has",
            (Query("sum(vigil_delivery_unassigned)"),),
            width=6,
            now=True,
            good_below=1,
        ),
        Panel(
            "Partitions that nobody decides",
            (Query("max(vigil_partitions) - sum(vigil_delivery_partitions)"),),
            width=6,
            now=True,
            good_below=1,
        ),
        Panel(
            "Oldest delivery without an end",
            (Query("max(vigil_delivery_unanswered_seconds)"),),
            unit="s",
            width=6,
            now=True,
        ),
        Panel(
            "Milestones",
            (
                Query(
                    per_second("vigil_deliveries_total", "milestone", "channel"), "{{channel}} {{milestone}}"
                ),
            ),
            unit="cps",
        ),
        Panel("From queued until taken", quantiles("vigil_delivery_taken_seconds", "channel"), unit="s"),
        Panel(
            "Deliveries open, records that wait",
            (
                Query("sum(vigil_deliveries_open)", "open"),
                Query("sum(vigil_delivery_lag_records)", "records that wait"),
                Query("max(vigil_assignments)", "assignments known"),
            ),
        ),
        Panel(
            "Technical alerts and what cannot be read",
            (
                Query(per_second("vigil_delivery_alerts_total", "rule", "phase"), "{{rule}} {{phase}}"),
                Query(per_second("vigil_delivery_dead_letters_total", "reason"), "dead letter: {{reason}}"),
            ),
            unit="cps",
        ),
        Panel(
            "Processes that decide",
            (
                Query("vigil_delivery_ready", "ready: {{instance}}"),
                Query("vigil_delivery_partitions", "partitions: {{instance}}"),
            ),
        ),
    ),
)

_SENT: Final = Row(
    "Channels",
    (
        Panel(
            "Channels left alone",
            (Query("max by (channel) (vigil_channel_breaker_open)", "{{channel}}"),),
            "1 = it fails, and is only probed.",
            "bool",
        ),
        Panel(
            "Tries",
            (
                Query(
                    per_second("vigil_channel_tries_total", "channel", "outcome"), "{{channel}} {{outcome}}"
                ),
            ),
            unit="cps",
        ),
        Panel(
            "From queued to the first try", quantiles("vigil_channel_first_send_seconds", "channel"), unit="s"
        ),
        Panel(
            "Messages that wait, and those given up",
            (
                Query("sum by (channel) (vigil_channel_waiting)", "wait: {{channel}}"),
                Query("sum by (channel) (vigil_channel_given_up_total)", "given up: {{channel}}"),
            ),
        ),
        Panel(
            "Senders",
            (
                Query("vigil_channel_partitions", "partitions: {{instance}}"),
                Query("vigil_channel_milestones_unwritten", "milestones unwritten: {{instance}}"),
                Query("vigil_channel_records_skipped", "records skipped: {{instance}}"),
            ),
        ),
    ),
)

DELIVERY: Final = Dashboard(
    "vigil-delivery",
    "Vigil: delivery",
    "Are people told, over which channel, and how soon?",
    (_DECIDED, _SENT),
)
