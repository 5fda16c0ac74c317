"""A worker's heartbeat, as anybody may write it."""

import time

from streams.contracts.patient_state import Heartbeat


def beat_of(partition):
    """Return the key and the value of a heartbeat of a worker that has judged all there is."""
    now_ms = int(time.time() * 1000)
    beat = Heartbeat(
        partition=partition,
        worker="w",
        sent_ts_ms=now_ms,
        judged_ts_ms=now_ms,
        lag=0,
        open_alarms=0,
        waiting_s=0.0,
    )
    return b"%d" % partition, beat.model_dump_json().encode()
