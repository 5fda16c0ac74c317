"""Logs in which devices leave streams, and copies of frames are filed afterwards."""

import json
from dataclasses import replace

from logs import DEVICES, Record
from moods_log import Log

from streams.contracts.association import LEFT_KEY
from streams.contracts.seals import DEVELOPMENT, Place

STREAMS = ("bed-1", "~device/mon-a", "bed-2")


def departure_record(offset, append_ms, patient, device, from_ms, until_ms=None, withdrawn=False):
    said = {
        "patient": patient,
        "device": device,
        "from_ts_ms": from_ms,
        "until_ts_ms": until_ms,
        "withdrawn": withdrawn,
    }
    value = DEVELOPMENT.seal(LEFT_KEY, Place(0, offset), json.dumps(said).encode())
    return Record(offset, append_ms, LEFT_KEY, value)


def with_departures(rng, log, share=0.1):
    """Return the log with departures and copies among its records; offsets are counted anew."""
    found = Log()
    found.made_from = f"departures in {log!r}"
    for record in log:
        found.append(replace(record, offset=2 * len(found)))
        now, offset = record.timestamp, 2 * len(found)
        if rng.random() < share:
            until = rng.choice((None, None, now, now - 5000, now + 60_000))
            said = rng.choice(STREAMS), rng.choice(DEVICES), max(0, now - rng.choice((0, 1000, 60_000)))
            found.append(departure_record(offset, now, *said, until, rng.random() < 0.5))
        elif rng.random() < share and record.value.endswith(b"}") and not record.key.startswith(b"~t"):
            copy = record.value[:-1] + b', "refiled": true}'
            found.append(Record(offset, now, record.key, copy))
    return found
