"""A page in words: one line and a few, for people; what leaves the house without a patient says the ward only."""

import time

from edge.channels.page import Page

_NOW_WHAT = {
    "start": "alarm",
    "update": "alarm changed",
    "acknowledge": "alarm acknowledged",
    "end": "alarm ended",
}


def discreet(page: Page) -> str:
    """Return a line that names no patient and no value, for a lock screen: `ward 3: alarm, high priority`."""
    where = f"ward {page.ward}" if page.ward else "no ward"
    return f"{where}: {_NOW_WHAT[page.event]}, {page.alert.priority} priority"


def summary(page: Page) -> str:
    """Return a line with the reason and the opaque stream id of the patient, for receivers inside the house."""
    where = f"ward {page.ward}, " if page.ward else ""
    return f"{where}{page.alert.patient}: {_said(page)}"


def _said(page: Page) -> str:
    if page.event == "acknowledge":
        return f"acknowledged by {page.alert.acknowledged_by}: {page.alert.reason}"
    return f"{'ended: ' if page.is_over else ''}{page.alert.reason}"


def iso(ts_ms: int) -> str:
    """Return a time as RFC 3339 with milliseconds, UTC."""
    whole = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(ts_ms // 1000))
    return f"{whole}.{ts_ms % 1000:03d}Z"
