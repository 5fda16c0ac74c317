"""The judge of the gateway drills: a topic that keeps every promise, and one that breaks each."""

import json
from dataclasses import asdict
from types import SimpleNamespace

import pytest

from bench.drills.device_ledger import DeviceLedger, Reader, measured


def record(device="gw-a", at_ms=1_000, seq=1, boot=1, **changes):
    hr, spo2 = measured(at_ms)
    frame = {"patient": device, "device": device, "boot": boot, "seq": seq, "event_ts_ms": at_ms}
    value = json.dumps({**frame, "hr": hr, "spo2": spo2, **changes}, separators=(",", ":")).encode()
    return SimpleNamespace(key=device.encode(), value=value)


def judged(records, sent=3, acknowledged=3):
    """Return the counts that are not zero; a device sent frames 1, 2, ... at 1 s, 2 s, ..."""
    ledger, reader = DeviceLedger(), Reader()
    for seq in range(1, sent + 1):
        ledger.send("gw-a", seq * 1_000)
        if seq <= acknowledged:
            ledger.acknowledge("gw-a", seq * 1_000)
    reader.take(0, records)
    return {name: count for name, count in asdict(reader.judge(ledger)).items() if count}


WHOLE = [record(at_ms=seq * 1_000, seq=seq) for seq in (1, 2, 3)]


def test_a_topic_with_everything_in_order_breaks_nothing():
    assert judged(WHOLE) == {}


def test_a_frame_that_comes_again_after_later_ones_breaks_nothing():
    assert judged([*WHOLE, WHOLE[0], WHOLE[2]]) == {}


def test_what_was_never_acknowledged_may_be_missing():
    assert judged(WHOLE[:2], acknowledged=2) == {}


@pytest.mark.parametrize(
    ("records", "count"),
    [
        (WHOLE[:2], "missing"),
        ([WHOLE[0], WHOLE[2], WHOLE[1]], "out_of_order"),
        ([*WHOLE[:2], record(at_ms=3_000, seq=2)], "out_of_order"),
        ([*WHOLE, record(at_ms=3_000, seq=4)], "changed"),
        ([*WHOLE[:2], record(at_ms=3_000, seq=3, hr=40)], "changed"),
        ([*WHOLE, record(at_ms=4_000, seq=4)], "invented"),
    ],
)
def test_each_broken_promise_is_counted(records, count):
    assert judged(records) == {count: 1}


def test_frames_of_other_devices_are_left_out():
    assert judged([*WHOLE, SimpleNamespace(key=None, value=None), record("mon-bed-1", 9_000)]) == {}


def test_a_ledger_is_read_as_it_was_written(tmp_path):
    ledger = DeviceLedger(again=3)
    ledger.send("gw-a", 1)
    ledger.acknowledge("gw-a", 1)
    ledger.answer("202")
    ledger.save(tmp_path / "ledger")
    assert DeviceLedger.load(tmp_path / "ledger") == ledger
