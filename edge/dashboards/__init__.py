"""Dashboards for Grafana, written to `deploy/grafana/` by `make dashboards`.

| file | what it holds |
|---|---|
| `grafana_json.py` | panels, rows and dashboards, and Grafana's document of them (pure) |
| `queries.py` | expressions that many panels share |
| `wards_dashboard.py` | what patients' alarms do, and whether people see them |
| `workers_dashboard.py` | is everybody judged, in time, and kept? |
| `gateways_dashboard.py` | do devices' readings come in? |
| `delivery_dashboard.py` | are people told? |
"""
