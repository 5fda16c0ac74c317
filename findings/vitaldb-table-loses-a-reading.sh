#!/usr/bin/env bash
# vitaldb's tables (to_numpy, to_pandas) have one row too few, and the last reading stands in the place of the one before.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check vitaldb==1.7.0 numpy==2.4.6 pandas==3.1.1
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import vitaldb

START_S, RATES = 1_700_000_000.0, [80.0, 81.0, 82.0, 83.0, 84.0]
file = vitaldb.VitalFile()
file.dtstart, file.dtend = START_S, START_S + len(RATES) - 1
file.add_track("Monitor/HR", [{"dt": START_S + i, "val": rate} for i, rate in enumerate(RATES)], unit="/min")
file.to_vital("made-up.vital")

again = vitaldb.VitalFile("made-up.vital")
records = [record["val"] for record in again.trks["Monitor/HR"].recs]
table = again.to_numpy(["Monitor/HR"], 1).ravel().tolist()
frame = again.to_pandas(["Monitor/HR"], 1)["Monitor/HR"].tolist()
print(f"vitaldb {version('vitaldb')}: a heart rate of five readings, one a second")
print(f"expected: the table at one second has them all, {RATES}")
print(f"seen: the file's records have, {records}; to_numpy {table}, to_pandas {frame}")
assert records == RATES
assert table == frame == [80.0, 81.0, 82.0, 84.0]
PYTHON
