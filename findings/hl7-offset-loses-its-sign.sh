#!/usr/bin/env bash
# python-hl7's parse_datetime takes an offset of less than an hour west of Greenwich for one east of it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hl7==0.4.5
venv/bin/python - <<'PYTHON'
from datetime import timedelta
from importlib.metadata import version

import hl7

west = hl7.parse_datetime("20261129120000-0044").utcoffset()
far = hl7.parse_datetime("20261129120000-0330").utcoffset()
print(f"hl7 {version('hl7')}: noon at -0044 and at -0330")
print("expected: 44 minutes and 3 hours 30 minutes behind UTC")
print(f"seen: {west.total_seconds() / 60:g} and {far.total_seconds() / 60:g} minutes")
assert far == -timedelta(hours=3, minutes=30)
assert west == timedelta(minutes=44)
PYTHON
