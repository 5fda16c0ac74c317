#!/usr/bin/env bash
# PagerDuty's own client sends an event again whose answer was lost, and gives neither of the two a key of its own.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pagerduty==7.2.0 httpx2==2.16.2
venv/bin/python - <<'PYTHON'
import json
import logging
from importlib.metadata import version

import httpx2
import pagerduty

logging.disable()
taken = []


def receive(request):
    """Take every event; the answer to the first is lost on its way."""
    event = json.loads(request.content)
    taken.append(event)
    if len(taken) == 1:
        raise httpx2.ReadTimeout("no answer", request=request)
    # Who sends no key is given a new one: each such event opens an incident.
    key = event.get("dedup_key", f"made-{len(taken)}")
    return httpx2.Response(202, json={"status": "success", "message": "Event processed", "dedup_key": key})


client = pagerduty.EventsApiV2Client("r" * 32, transport=httpx2.MockTransport(receive))
key = client.trigger("SpO2 low", "bed 7")
keys = [event.get("dedup_key") for event in taken]
print(f"pagerduty {version('pagerduty')}: trigger() without a key, the answer to the first request is lost")
print("expected: either an error, or a repetition with one key for both, so that one incident is opened")
print(f"seen: {len(taken)} events with the keys {keys}; trigger() returned {key!r}, the first one's is never known")
assert len(taken) == 2
assert keys == [None, None]
assert key == "made-2"
PYTHON
