"""Messages of VSCapture as frames: both forms, their names, times and values, and what is refused."""

import json
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.vitals import ABSENT
from edge.gateway.accept import Refusal
from edge.gateway.vscapture.capture_names import known_names
from edge.gateway.vscapture.capture_payload import CaptureProfile, read_capture
from streams.decoding.wire_frames import WireBound

AT_MS = 1_773_463_140_123
LOCAL = "14-03-2026 04:39:00.123"


def value(name, text, at=LOCAL, device="mp50", relative="12345", **more):
    """Return a value as VSCaptureMP writes it, its fields in their order."""
    return {
        "DeviceID": device, "PhysioID": name, "Relativetimestamp": relative, "SystemLocalTime": at,
        "Timestamp": "01-01-2001 00:00:00.000", "Value": text, **more,
    }  # fmt: skip


def block(*named, at="2026-03-14T05:39:00.123+01:00", device="s5"):
    """Return a block as VSCaptureWave writes it."""
    values = [{"dataType": name, "value": number} for name, number in named]
    return {"id": f"{device}-1", "time": at, "deviceId": device, "type": 0, "values": values}


def read(content, device="", **profile):
    return read_capture(json.dumps(content).encode(), CaptureProfile(**profile), device)


def signals(frame):
    """Return what a frame says."""
    names = ("hr", "pulse", "spo2", "resp", "nbp_sys", "abp_sys", "temp", "etco2", "fio2")
    found = {name: getattr(frame, name) for name in names}
    return {name: number for name, number in found.items() if number != ABSENT}


def test_values_of_one_poll_are_one_frame_of_the_computers_time():
    found = read(
        [
            value("NOM_ECG_CARD_BEAT_RATE", "72", LOCAL),
            value("NOM_PULS_OXIM_SAT_O2", "97", "14-03-2026 04:39:00.125"),
        ]
    )
    (frame,) = found.frames
    assert (frame.device, frame.event_ts_ms, frame.boot) == ("mp50", AT_MS, 0)
    assert signals(frame) == {"hr": 72, "spo2": 97}
    assert found.faults == []


def test_a_block_of_s5_is_a_frame_of_its_time_and_null_is_attached_without_a_reading():
    found = read(block(("ECG_HR", 80.0), ("SpO2", None), ("ET_CO2", 36), ("Agent_AA", "SEV")))
    (frame,) = found.frames
    assert (frame.device, frame.event_ts_ms) == ("s5", AT_MS)
    assert signals(frame) == {"hr": 80, "spo2": None, "etco2": 36}
    assert found.faults == ["unknown-code"]


@pytest.mark.parametrize("inner", [block(("ECG_HR", 80)), value("NOM_ECG_CARD_BEAT_RATE", "80")])
def test_what_is_wrapped_for_kafkas_rest_proxy_is_the_same(inner):
    (frame,) = read({"records": [{"key": "k", "value": inner}]}).frames
    assert signals(frame) == {"hr": 80}


@pytest.mark.parametrize(
    ("text", "number", "faults"),
    [
        ("97", 97, []),
        ("-", None, []),
        ("", None, []),
        ("97,5", 97.5, []),
        ("1,097.5", None, ["no-number"]),
        ("1E+02", None, ["no-number"]),
        ("8388607", None, []),
        ("8388606", None, ["implausible"]),
        ("400", None, ["implausible"]),
        (True, None, ["no-number"]),
        ({"a": 1}, None, ["no-number"]),
    ],
)
def test_a_value_is_a_number_with_the_computers_decimal_sign_or_no_reading(text, number, faults):
    found = read([value("NOM_PULS_OXIM_SAT_O2", text)])
    assert [one.spo2 for one in found.frames] == [number]
    assert found.faults == faults


def test_a_time_without_a_zone_is_of_the_clients_zone():
    (frame,) = read([value("SpO2", "97")], zone=ZoneInfo("Asia/Seoul")).frames
    assert frame.event_ts_ms == AT_MS - 9 * 3_600_000


NO_TIMES = [
    "2026-03-14 04:39:00",
    "14/03/2026 04:39:00",
    "31-02-2026 00:00:00",
    "01-01-0001 00:00:00.000",
    "x",
]


@pytest.mark.parametrize("at", NO_TIMES)
def test_what_is_no_time_is_told(at):
    assert read([value("SpO2", "97", at)]).reason == "no-time"


def test_the_monitors_time_counts_where_the_computer_tells_none():
    content = {name: text for name, text in value("SpO2", "97").items() if name != "SystemLocalTime"}
    (frame,) = read([content]).frames
    assert frame.event_ts_ms == datetime(2001, 1, 1, tzinfo=UTC).timestamp() * 1000


def test_names_of_a_plug_are_read_only_where_the_client_says_what_they_are():
    content = block(("P1_Systolic", 120), ("ECG_HR", 80))
    assert signals(read(content).frames[0]) == {"hr": 80}
    names = known_names({"P1_Systolic": "abp_sys"})
    assert signals(read(content, names=names).frames[0]) == {"hr": 80, "abp_sys": 120}


def test_of_several_names_of_a_signal_the_first_of_the_table_counts_in_any_order():
    both = [value("NOM_TEMP", "30"), value("NOM_TEMP_CORE", "37")]
    for content in (both, both[::-1]):
        (frame,) = read(content).frames
        assert frame.temp == 37


@pytest.mark.parametrize(
    ("texts", "reading"),
    [
        (("-", "4"), 4),
        (("<8", "4"), 4),
        (("-", "<4"), WireBound("<", 4)),
        (("4", "<8"), 4),
        (("400", "4"), 4),
    ],
)
def test_a_value_counts_before_a_bound_and_a_bound_before_none_whatever_their_names(texts, reading):
    both = [
        value(name, text) for name, text in zip(("NOM_RESP_RATE", "NOM_AWAY_RESP_RATE"), texts, strict=True)
    ]
    for content in (both, both[::-1]):
        (frame,) = read(content).frames
        bounds = getattr(frame, "bounds", {"resp": None})
        assert (frame.resp if frame.resp is not None else bounds["resp"]) == reading


@pytest.mark.parametrize("inner", [value("NOM_PULS_OXIM_SAT_O2", "<40"), block(("SpO2", "<40"))])
def test_a_bound_is_carried_as_such_and_is_no_value(inner):
    found = read([inner] if "PhysioID" in inner else inner)
    (frame,) = found.frames
    assert signals(frame) == {"spo2": None}
    assert frame.bounds == {"spo2": WireBound("<", 40.0)}
    assert found.faults == ["bound"]


def test_the_same_bound_again_is_the_same_reading():
    content = [value("NOM_PULS_OXIM_SAT_O2", "<40"), value("NOM_RESP_RATE", "8")]
    assert read(content).frames[0].seq == read(content[::-1]).frames[0].seq


def test_a_byte_order_mark_is_read_over():
    content = json.dumps([value("SpO2", "97")]).encode("utf-8-sig")
    assert read_capture(content, CaptureProfile(), "").frames[0].spo2 == 97


@pytest.mark.parametrize("content", [[], {}, [value("NOM_ECG_AMPL_ST_II", "1")], [value(None, "1")]])
def test_a_message_without_a_known_name_is_refused(content):
    assert read(content) == Refusal("no-observation", "nothing in it is a reading that Vigil takes")


@pytest.mark.parametrize("content", [b"", b"[", b"\xff", b"7", b"[" * 100_000])
def test_what_is_no_json_is_refused(content):
    assert read_capture(content, CaptureProfile(), "").reason in ("not-json", "invalid")


def test_a_message_of_too_many_values_is_refused():
    assert read_capture(b"[" + b"," * 200_000, CaptureProfile(), "").reason == "too-large"


def test_a_message_that_names_no_device_is_the_senders_own_or_refused():
    assert read([value("SpO2", "97", device="")]).reason == "no-device"
    assert read([value("SpO2", "97", device="")], device="own").frames[0].device == "own"
    assert read([value("SpO2", "97", device="b?d")]).reason == "damaged-device"


named = st.sampled_from(["NOM_ECG_CARD_BEAT_RATE", "NOM_PULS_OXIM_SAT_O2", "NOM_RESP_RATE", "NOM_TEMP"])
polls = st.lists(
    st.dictionaries(named, st.integers(30, 99), min_size=1), min_size=1, max_size=4
)  # a poll each second


@given(polls)
def test_a_poll_is_the_same_reading_alone_and_beside_others_and_later_ones_have_higher_numbers(found):
    """VSCaptureMP's list may still hold what it has sent: a resend is known by the message alone."""
    made = [
        [value(name, str(number), f"14-03-2026 04:39:{s:02d}.500", relative=str(s)) for name, number in one.items()]
        for s, one in enumerate(found)
    ]  # fmt: skip
    together = read([item for one in made for item in one]).frames
    assert together == [frame for one in made for frame in read(one).frames]
    numbers = [frame.seq for frame in together]
    assert numbers == sorted(set(numbers))
