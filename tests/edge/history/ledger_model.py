"""Rows that tests put into a ledger."""

import json

from edge.history.chain import Row


def row_of(offset, topic="vitals.alerts", partition=0, **said):
    """Return a record as it was read, whose value says what is given."""
    value = {"patient": "bed-1", "phase": "start", "event_ts_ms": 1_000 + offset} | said
    key = str(value["patient"]).encode()
    return Row(topic, partition, offset, 2_000 + offset, key, json.dumps(value).encode())
