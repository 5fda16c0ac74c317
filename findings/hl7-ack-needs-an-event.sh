#!/usr/bin/env bash
# python-hl7's create_ack raises TypeError where MSH-9 names no event, and IndexError where MSH ends before MSH-12.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check hl7==0.4.5
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import hl7

HEADERS = {
    "no event in MSH-9": "MSH|^~\\&|MON|ICU|X|Y|20261129153000||ORU|41|P|2.6\r",
    "no MSH-12": "MSH|^~\\&|MON|ICU|X|Y|20261129153000||ORU^R01|41|P\r",
}
seen = {}
for what, header in HEADERS.items():
    try:
        seen[what] = str(hl7.parse(header).create_ack("AR").segment("MSA")(2))
    except Exception as error:
        seen[what] = type(error).__name__
print(f"hl7 {version('hl7')}: the answer AR to a message that is to be refused")
print("expected: an acknowledgement of 41 (a refusal is for messages that lack something)")
print(f"seen: {seen}; a server that answers so drops its connection instead")
assert seen == {"no event in MSH-9": "TypeError", "no MSH-12": "IndexError"}
PYTHON
