"""Do devices' readings come in, and what becomes of those that do not?"""

from typing import Final

from edge.dashboards.grafana_json import Dashboard, Panel, Query, Row
from edge.dashboards.queries import per_second, quantiles

GATEWAYS: Final = Dashboard(
    "vigil-gateways",
    "Vigil: gateways",
    "Do devices' readings come in, and what becomes of those that do not?",
    (
        Row(
            "Coming in",
            (
                Panel(
                    "Gateways that answer",
                    (Query('sum(up{job="vigil-gateway"})'),),
                    width=6,
                    now=True,
                    good_from=1,
                ),
                Panel(
                    "Gateways that Kafka takes nothing of",
                    (Query("count(vigil_gateway_kafka_takes == 0) or vector(0)"),),
                    width=6,
                    now=True,
                    good_below=1,
                ),
                Panel(
                    "Readings",
                    (Query(per_second("vigil_gateway_accepted_total")),),
                    "In Kafka.",
                    "cps",
                    width=6,
                    now=True,
                ),
                Panel(
                    "Waiting on disks",
                    (Query("sum(vigil_gateway_spool_records)"),),
                    width=6,
                    now=True,
                    good_below=1,
                ),
                Panel(
                    "Readings in Kafka, by protocol",
                    (Query(per_second("vigil_gateway_accepted_total", "protocol"), "{{protocol}}"),),
                    unit="cps",
                ),
                Panel(
                    "Until the acknowledgement", quantiles("vigil_gateway_ack_seconds", "protocol"), unit="s"
                ),
                Panel("Connections", (Query("sum by (protocol) (vigil_gateway_clients)", "{{protocol}}"),)),
                Panel(
                    "At work",
                    (
                        Query("sum by (protocol) (vigil_gateway_in_flight)", "messages: {{protocol}}"),
                        Query("sum(vigil_gateway_records_in_flight)", "readings on their way to Kafka"),
                    ),
                ),
            ),
        ),
        Row(
            "Not coming in",
            (
                Panel(
                    "Not taken, by reason",
                    (
                        Query(
                            per_second("vigil_gateway_refused_total", "protocol", "reason"),
                            "{{protocol}} {{reason}}",
                        ),
                    ),
                    "Devices that get an answer send most of these again.",
                    "cps",
                ),
                Panel(
                    "Lost",
                    (
                        Query(
                            per_second("vigil_gateway_gaps_total", "protocol", "kind"),
                            "{{protocol}} {{kind}}",
                        ),
                    ),
                    "Of protocols in which nobody sends again.",
                    "cps",
                ),
                Panel(
                    "Records on disks",
                    (
                        Query(
                            "sum by (instance, protocol) (vigil_gateway_spool_records)",
                            "{{instance}} {{protocol}}",
                        ),
                    ),
                ),
                Panel(
                    "Size of the spools",
                    (
                        Query(
                            "sum by (instance, protocol) (vigil_gateway_spool_bytes)",
                            "{{instance}} {{protocol}}",
                        ),
                    ),
                    unit="bytes",
                ),
            ),
        ),
    ),
)
