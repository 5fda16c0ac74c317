#!/usr/bin/env bash
# PagerDuty's own client cannot send a change event unless its caller says the time, which is optional.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pagerduty==7.2.0 httpx2==2.16.2
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import httpx2
import pagerduty

taken = []


def receive(request):
    """Take every event."""
    taken.append(request.content)
    return httpx2.Response(202)


client = pagerduty.EventsApiV2Client("r" * 32, transport=httpx2.MockTransport(receive))
try:
    client.submit("Alarm rules of the ward were switched")
    seen = "sent"
except AttributeError as error:
    seen = f"AttributeError: {error}"
client.submit("Alarm rules of the ward were switched", timestamp="2026-11-29T12:00:00Z")
print(f"pagerduty {version('pagerduty')}: submit() without a time, for which the client has a property of its own")
print("expected: a change event of the present moment")
print(f"seen: {seen}; events that came: {len(taken)}, the one with a time")
assert seen.startswith("AttributeError")
assert len(taken) == 1
PYTHON
