"""Payloads of Vital Recorder: what its makers' client builds, the older rooms, and what is refused."""

import gzip
import json
import zlib
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from vital_world import NOW_S, PATIENTS, makers_payload, makers_text, room, rooms_payload, track

from clinical.vitals import ABSENT
from edge.gateway.accept import Refusal
from edge.gateway.hl7.profile import Profile
from edge.gateway.vital_recorder.vital_payload import MESSAGES_MAX, UNPACKED_BYTES_MAX, read_payload
from streams.decoding.wire_frames import WireBound

END_MS = (NOW_S + 10) * 1000


def read(packed, zone=UTC, now_ms=NOW_S * 1000):
    return read_payload(packed, Profile(zone=zone), PATIENTS, lambda: now_ms)


def test_what_the_makers_client_sends_is_a_frame_a_bed():
    found = read(makers_payload(beds=(1, 2)))
    assert [(one.device, one.hr, one.spo2, one.event_ts_ms) for one in found.frames] == [
        ("BED-1", 72.0, 97.0, END_MS),
        ("BED-2", 72.0, 97.0, END_MS),
    ]
    assert (found.faults, found.numbers) == ([], [("", 1), ("", 2)])


def test_the_same_payload_again_has_the_same_identity():
    first, again = read(makers_payload()), read(makers_payload())
    assert first.frames == again.frames


def test_waves_events_and_what_is_no_number_are_left_out():
    found = read(
        makers_payload(
            track("Solar8000/HR", 2, 2, "/min", 80.0),
            track("SNUADC/ECG_II", 1, 1, "mV", [0.1, float("nan"), 0.3]),
            track("EVENT", 0, 5, "", "intubation"),
            track("Solar8000/BT", 19, 2, "C", float("nan")),
            track("Orchestra/RFTN20_CE", 0, 2, "ng/mL", 2.5),
        )
    )
    (frame,) = found.frames
    assert (frame.hr, frame.temp, found.faults) == (80.0, ABSENT, [])


def test_a_track_without_a_monitor_type_is_known_by_its_name():
    (frame,) = read(makers_payload(track("Intellivue/NIBP_SYS", 0, 2, "mmHg", 121.0))).frames
    assert frame.nbp_sys == 121.0


def test_a_reading_that_no_sensor_reports_is_left_out_and_told():
    found = read(makers_payload(track("Solar8000/PLETH_SPO2", 10, 2, "%", 400.0)))
    assert (found.frames, found.faults) == ([], ["implausible"])


def test_a_bound_of_the_newer_form_is_carried_as_such_and_is_no_value():
    text = makers_text().replace("|97|%", "|<40|%")
    assert "|<40|%" in text
    found = read(gzip.compress(text.encode()))
    (frame,) = found.frames
    assert (frame.hr, frame.spo2, frame.bounds) == (72.0, None, {"spo2": WireBound("<", 40.0)})
    assert found.faults == ["bound"]


def test_local_times_are_of_the_zone_that_is_set():
    seoul = ZoneInfo("Asia/Seoul")
    (frame,) = read(makers_payload(), seoul).frames
    assert frame.event_ts_ms == END_MS - 9 * 3_600_000


@pytest.mark.parametrize("hour_utc", [0, 1])
def test_the_hour_that_comes_twice_is_the_one_of_now(hour_utc):
    # Berlin, 2026-10-25: 02:30 is 00:30 UTC, and again 01:30 UTC.
    now = datetime(2026, 10, 25, hour_utc, 30, 2, tzinfo=UTC)
    stamp = datetime.fromtimestamp(NOW_S + 10, UTC).astimezone().strftime("%Y%m%d%H%M%S")
    text = makers_text().replace(stamp, "20261025023000")
    found = read(gzip.compress(text.encode()), ZoneInfo("Europe/Berlin"), round(now.timestamp() * 1000))
    (frame,) = found.frames
    assert frame.event_ts_ms == round(now.timestamp() - 2) * 1000


def test_rooms_are_frames_at_their_records_own_times():
    found = read(
        rooms_payload(
            room(
                (
                    "HR",
                    "ECG_HR",
                    "num",
                    "bpm",
                    [{"val": 80, "dt": NOW_S + 0.5}, {"val": None, "dt": NOW_S + 1}],
                ),
                ("SpO2", "PLETH_SPO2", "num", "%", [{"val": 97.00000001, "dt": NOW_S + 0.5}]),
                ("ECG", "ECG_WAV", "wav", "mV", [{"val": [0.1, 0.2], "dt": NOW_S}]),
                ("BT", "BT", "num", "C", [{"val": "Error", "dt": NOW_S}]),
            )
        )
    )
    ((frame), *others) = found.frames
    assert (frame.device, frame.hr, frame.spo2) == ("BED-1", 80.0, 97.0)
    assert (frame.event_ts_ms, others) == (NOW_S * 1000 + 500, [])
    assert (found.faults, found.numbers) == (["no-number"], [("BED-1", 1)])


def test_rooms_with_times_in_ms_and_with_nan_are_read():
    text = json.dumps(
        {
            "rooms": [
                room(
                    (
                        "HR",
                        "ECG_HR",
                        "num",
                        "",
                        [{"val": float("nan"), "time": NOW_S}, {"val": 61, "time": 0}],
                    )
                )
            ]
        }
    ).replace('"time": 0', f'"time": {NOW_S * 1000}')
    (frame,) = read(b"\x04" + zlib.compress(text.encode())).frames
    assert (frame.hr, frame.event_ts_ms) == (61.0, NOW_S * 1000)


def test_a_record_without_a_time_is_left_out_and_told():
    found = read(rooms_payload(room(("HR", "ECG_HR", "num", "", [{"val": 61}]))))
    assert (found.frames, found.faults) == ([], ["no-time"])


def test_a_room_without_a_name_is_told():
    found = read(rooms_payload(room(("HR", "ECG_HR", "num", "", [{"val": 61, "dt": NOW_S}]), name="")))
    assert (found.frames, found.faults) == ([], ["no-device"])


BOMB = gzip.compress(bytes(UNPACKED_BYTES_MAX + 1), 9)


@pytest.mark.parametrize(
    ("packed", "reason"),
    [
        (BOMB, "too-large"),
        (zlib.compress(bytes(UNPACKED_BYTES_MAX + 1), 9), "too-large"),
        (bytes(2 << 20), "too-large"),
        (makers_payload()[:-9], "damaged"),
        (rooms_payload()[:-5], "damaged"),
        (b"\x1f\x8bno", "damaged"),
        (b"", "unknown-form"),
        (b"MSH|^~\\&|", "unknown-form"),
        (gzip.compress(b"hello"), "unknown-form"),
        (zlib.compress(b'{"rooms": 1}'), "invalid"),
        (zlib.compress(b'{"rooms":' + b"[" * 100_000), "invalid"),
        (gzip.compress(makers_text().encode() * (MESSAGES_MAX + 1)), "too-many-messages"),
        (rooms_payload(*[room()] * (MESSAGES_MAX + 1)), "too-many-messages"),
    ],
    # Not the bytes: gzip says the second in which it packs, and each process that collects must find the same tests.
    ids=lambda one: one if isinstance(one, str) else "packed",
)
def test_what_is_no_payload_is_refused_with_a_reason(packed, reason):
    found = read(packed)
    assert isinstance(found, Refusal)
    assert found.reason == reason


def test_a_message_that_is_none_does_not_take_its_neighbours_along():
    text = makers_text(beds=(1, 2, 3)).split("MSH")
    text[1] = text[1].replace("ORU^R01", "ADT^A01")
    text[2] = text[2].replace("|P|", "|T|")
    found = read(gzip.compress("MSH".join(text).encode()))
    assert [one.device for one in found.frames] == ["BED-3"]
    assert found.faults == ["message-type", "not-production"]
