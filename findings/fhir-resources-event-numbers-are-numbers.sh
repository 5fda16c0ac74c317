#!/usr/bin/env bash
# fhir.resources takes R5's integer64 as a string, as FHIR's JSON wants it, and writes it as a number, which it must not be.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check fhir.resources==8.3.0
venv/bin/python - <<'PYTHON'
import json
from importlib.metadata import version

from fhir.resources.subscriptionstatus import SubscriptionStatus

told = {
    "resourceType": "SubscriptionStatus",
    "status": "active",
    "type": "event-notification",
    "eventsSinceSubscriptionStart": "9007199254740993",
    "subscription": {"reference": "Subscription/ward-7"},
}
written = SubscriptionStatus.model_validate(told).model_dump_json()
number = json.loads(written)["eventsSinceSubscriptionStart"]
print(f"fhir.resources {version('fhir.resources')}: a SubscriptionStatus of R5, read and written again")
print('expected: "eventsSinceSubscriptionStart":"9007199254740993", a string as it came: R5 has integer64 so in JSON')
print(f"seen: {written}")
print(f"a reader whose numbers are doubles, as JavaScript's are, counts {float(number):.0f}: one event fewer")
assert isinstance(number, int), "it writes a string now"
assert float(number) != number
PYTHON
