"""`python -m edge.dashboards FOLDER`: write each dashboard to a file of its own, as Grafana imports it."""

import json
import sys
from pathlib import Path
from typing import Final

from edge.dashboards.delivery_dashboard import DELIVERY
from edge.dashboards.gateways_dashboard import GATEWAYS
from edge.dashboards.grafana_json import Dashboard, document
from edge.dashboards.wards_dashboard import WARDS
from edge.dashboards.workers_dashboard import WORKERS

DASHBOARDS: Final[tuple[Dashboard, ...]] = (WARDS, WORKERS, GATEWAYS, DELIVERY)


def texts() -> dict[str, str]:
    """Return the content of each file by its name."""
    return {f"{one.name}.json": json.dumps(document(one), indent=1) + "\n" for one in DASHBOARDS}


def main(folder: Path) -> None:
    """Write all of them into a folder that exists; files of dashboards that are no more are removed."""
    for old in folder.glob("*.json"):
        old.unlink()
    for name, text in texts().items():
        (folder / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
