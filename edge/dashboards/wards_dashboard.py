"""What patients' alarms do, whether they come in time, and whether people see them. Names no ward, patient or bed."""

from typing import Final

from edge.dashboards.grafana_json import Dashboard, Panel, Query, Row
from edge.dashboards.queries import per_second, quantiles

OTHERS: Final = 'vigil_alerts_total{rule!="canary"}'
"""Without the canaries, who are no patients (`agents/health/canary.py`)."""

BEGUN: Final = 'vigil_alerts_total{phase="start",rule!="canary"}'

WARDS: Final = Dashboard(
    "vigil-wards",
    "Vigil: wards",
    "What patients' alarms do, whether they come in time, and whether people see them.",
    (
        Row(
            "Alarms",
            (
                Panel(
                    "Patients",
                    (Query("sum(vigil_patients)"),),
                    "Known to workers, canaries too.",
                    width=6,
                    now=True,
                ),
                Panel(
                    "Alarms in the last hour",
                    (Query(f"sum(increase({BEGUN}[1h]))"),),
                    "Episodes begun, without the first of each rule and worker, which increase() does not see.",
                    width=6,
                    now=True,
                ),
                Panel(
                    "Alarms that reached nobody",
                    (Query("sum(vigil_delivery_failed)"),),
                    "Open, and no step of the route reached a person.",
                    width=6,
                    now=True,
                    good_below=1,
                ),
                Panel(
                    "Frames by a wrong clock",
                    (Query(f"{per_second('vigil_clock_suspect_frames_total')}"),),
                    "Of devices that are judged by the time their frames came.",
                    "cps",
                    width=6,
                    now=True,
                    good_below=0.001,
                ),
                Panel("Alerts by phase", (Query(per_second(OTHERS, "phase"), "{{phase}}"),), unit="cps"),
                Panel(
                    "Rules that alarmed most in the last hour",
                    (Query(f"topk(10, sum by (rule) (increase({BEGUN}[1h])))", "{{rule}}"),),
                ),
                Panel(
                    "Violations that led to no alarm",
                    (Query(per_second("vigil_conditions_not_alarmed_total", "reason"), "{{reason}}"),),
                    "Paused, suppressed by a more severe one, doubted, shorter than the delay.",
                    "cps",
                ),
                Panel(
                    "Frames that changed no alarm",
                    (Query(per_second("vigil_frames_not_judged_total", "reason"), "{{reason}}"),),
                    unit="cps",
                ),
            ),
        ),
        Row(
            "In time",
            (
                Panel(
                    "From the measurement to the alert",
                    quantiles("vigil_event_to_alert_seconds"),
                    "By the device's clock: gateway and network are in it.",
                    "s",
                ),
                Panel("From the broker to the alert", quantiles("vigil_append_to_alert_seconds"), unit="s"),
                Panel("From the alert to the pages", quantiles("vigil_board_delivery_seconds"), unit="s"),
                Panel(
                    "Canaries' alerts",
                    (Query("max(vigil_canary_seconds)", "slowest partition"),),
                    "An alarm that began now would take as long.",
                    "s",
                ),
            ),
        ),
        Row(
            "People",
            (
                Panel("Pages open", (Query("vigil_board_viewers", "{{instance}}"),)),
                Panel(
                    "Orders from pages, by what came of them",
                    (Query(per_second("vigil_board_commands_total", "outcome"), "{{outcome}}"),),
                    unit="cps",
                ),
                Panel(
                    "Orders judged",
                    (Query(per_second("vigil_commands_total", "kind", "outcome"), "{{kind}} {{outcome}}"),),
                    unit="cps",
                ),
                Panel(
                    "Since a board heard of a topic",
                    (Query("max by (topic) (vigil_board_source_age_seconds)", "{{topic}}"),),
                    "The heartbeat comes every two seconds; -1 = nothing has come.",
                    "s",
                ),
                Panel("Boards that read", (Query("vigil_board_reads", "{{instance}}"),), unit="bool"),
                Panel(
                    "Streams begun, cut, and requests turned away",
                    (
                        Query(per_second("vigil_board_streams_total", "begin"), "{{begin}}"),
                        Query(per_second("vigil_board_cut_total"), "cut"),
                        Query(per_second("vigil_board_refused_total", "reason"), "refused: {{reason}}"),
                    ),
                    unit="cps",
                ),
                Panel(
                    "Sources of a bed's page",
                    (
                        *quantiles("vigil_board_source_seconds", "source", shares=(0.99,)),
                        *quantiles("vigil_board_encode_seconds", shares=(0.99,)),
                    ),
                    "Encoding what changed, for all, is the one without a source.",
                    "s",
                ),
                Panel(
                    "Late sources, and the audit",
                    (
                        Query(per_second("vigil_board_late_total", "source"), "without {{source}}"),
                        Query(per_second("vigil_audit_written_total"), "audit records written"),
                        Query("sum(vigil_audit_waiting)", "audit records that wait"),
                        Query("sum(vigil_audit_lost_total)", "audit records lost"),
                    ),
                ),
            ),
        ),
    ),
)
