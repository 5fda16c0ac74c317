"""PCD-01 as frames: whose, by which device, when, and what makes them the same frame again."""

import pytest
from hl7_world import (
    DEVICE,
    PEER,
    STAMP,
    STAMP_MS,
    block,
    desk_of,
    frame_of,
    msh,
    obx,
    pcd01,
    segments,
    taken,
)

from edge.gateway.numbering import numbered

SPO2 = "150456^MDC_PULS_OXIM_SAT_O2^MDC"
CUFF = "150301^MDC_PRESS_CUFF_SYS^MDC"
OTHER = "00A0370098006640"


def frames(lines):
    return [one.frame for one in taken(block(lines)).readings]


def test_a_message_is_a_frame_with_its_readings_device_time_and_patient():
    (frame,) = frames(segments(message_id="41"))
    assert (frame.hr, frame.spo2, frame.pulse, frame.resp, frame.abp_sys, frame.abp_dia, frame.temp) == (
        80.0, 97.0, 81.0, 14.0, 120.0, 70.0, 37.1,
    )  # fmt: skip
    assert (frame.device, frame.event_ts_ms, frame.boot, frame.seq) == (
        DEVICE,
        STAMP_MS,
        0,
        STAMP_MS * 1000 + 41,
    )
    assert frame.patient.startswith("p-")


def test_what_is_not_measured_is_left_out():
    assert frame_of(obx()).spo2 == float("-inf")


def test_the_same_message_makes_the_same_frame_at_every_gateway_and_another_another():
    for message_id in ("7", "A-7", "20261129.0007"):
        one, again = frames(segments(message_id=message_id)), frames(segments(message_id=message_id))
        assert one == again
    assert frames(segments(message_id="7"))[0].seq != frames(segments(message_id="8"))[0].seq


def test_numbered_messages_of_one_millisecond_are_in_order():
    numbers = [frames(segments(message_id=str(number)))[0].seq for number in (40, 41, 42)]
    assert numbers == sorted(set(numbers))


def test_observations_without_an_order_count():
    lines = [msh(), "PID|||1", obx(f14=STAMP)]
    assert [frame.hr for frame in frames(lines)] == [80.0]
    assert [frame.hr for frame in frames([msh(), obx()])] == [80.0]


def test_the_time_is_that_of_the_observation_before_that_of_the_order_before_that_of_the_message():
    lines = [msh(stamp="20261129153003+0000"), "PID|||1", "OBR|1||||||20261129153002+0000"]
    assert frames([*lines, obx(f14="20261129153001+0000")])[0].event_ts_ms == STAMP_MS + 750
    assert frames([*lines, obx()])[0].event_ts_ms == STAMP_MS + 1_750
    assert frames([lines[0], obx()])[0].event_ts_ms == STAMP_MS + 2_750


def test_observations_of_several_times_are_several_frames_in_order():
    lines = segments(
        obx(f14="20261129153001+0000"),
        obx(CUFF, "117", f14="20261129152900+0000"),
        obx(SPO2, "97", f14="20261129153001+0000"),
    )
    first, second = frames(lines)
    assert (first.event_ts_ms, first.nbp_sys, first.hr) == (STAMP_MS - 60_250, 117.0, float("-inf"))
    assert (second.event_ts_ms, second.hr, second.spo2) == (STAMP_MS + 750, 80.0, 97.0)
    assert first.seq < second.seq


def test_an_older_reading_that_is_repeated_in_every_message_is_one_frame():
    def cuff_of(message_id, second):
        cuff = obx(CUFF, "117", f14="20261129152900+0000")
        stamp = f"202611291530{second:02d}+0000"
        return frames(segments(obx(f14=stamp), cuff, message_id=message_id, stamp=stamp))[0]

    assert cuff_of("41", 1) == cuff_of("42", 2)
    assert cuff_of("41", 1).nbp_sys == 117.0


def test_a_day_alone_is_no_time_of_a_reading():
    desk = desk_of()
    found = desk.take(block(segments(obx(f14="20261128"), obx(SPO2, "97"))), PEER)
    assert [(one.frame.spo2, one.frame.hr) for one in found.readings] == [(97.0, float("-inf"))]
    assert desk.counted.reasons == {"no-time": 1}


def test_two_devices_in_a_message_are_two_frames():
    found = frames(segments(obx(), obx(SPO2, "97", f18=OTHER)))
    assert {frame.device: frame.spo2 for frame in found} == {DEVICE: float("-inf"), OTHER: 97.0}


def device_of(*lines, header=None):
    found = frames([header or msh().replace(f"^{DEVICE}^EUI-64", ""), *lines])
    return found[0].device if found else None


BARE = obx(f18="", f14=STAMP)


def test_the_device_is_the_observations_own_before_what_contains_it_before_who_takes_part_before_the_bed():
    container = f"OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|1.0.0.0|||||||X|||||||{OTHER}^X"
    equipment = f"PRT|1|UC||EQUIP^EQUIP^HL70912||||||MON^^{OTHER}^EUI-64"
    author = "PRT|1|UC||AUT^AUT^HL70912|N^Nurse|||||SOMEBODY"
    assert device_of(container, obx(f14=STAMP)) == DEVICE
    assert device_of(container, BARE) == OTHER
    assert (
        device_of("OBR|1", container.replace("|1.0.0.0|", "|2.0.0.0|"), "PV1||I|ICU^1^2", BARE) == "ICU:1:2"
    )
    assert device_of("OBR|1", BARE, equipment) == OTHER
    assert device_of("OBR|1", equipment, BARE) == OTHER
    assert device_of("OBR|1", author, "PV1||I|ICU^1^2", BARE) == "ICU:1:2"
    assert device_of("PV1||I|ICU^1^2", "OBR|1|||||||||SN9", BARE) == "SN9"
    assert device_of(BARE, header=msh()) == DEVICE
    assert device_of("PV1||I|ICU^1^2", BARE, header=msh()) == "ICU:1:2"


def devices_of(*lines):
    found = frames([msh().replace(f"^{DEVICE}^EUI-64", ""), "PID|||1", *lines])
    return {frame.hr: frame.device for frame in found}


def bare(value, path):
    return obx(value=value, f4=path, f14=STAMP, f18="")


def test_two_orders_of_a_patient_keep_each_its_own_device():
    assert devices_of("OBR|1|||||||||A", bare("81", "1.1"), "OBR|2|||||||||B", bare("82", "1.1")) == {
        81.0: "A",
        82.0: "B",
    }
    part = "PRT|1|UC||EQUIP||||||{}"
    orders = ("OBR|1", part.format("A"), bare("81", "1.1"), "OBR|2", part.format("B"), bare("82", "1.1"))
    assert devices_of(*orders) == {81.0: "A", 82.0: "B"}


def test_two_containers_in_an_order_keep_each_its_own_device():
    container = "OBX|1||69965^MDC_DEV_MON_PHYSIO_MULTI_PARAM_MDS^MDC|{}.0.0.0|||||||X"
    lines = []
    for place, device in ((1, "A"), (2, "B")):
        lines += [
            container.format(place),
            f"PRT|1|UC||EQUIP||||||{device}",
            bare(f"8{place}", f"{place}.1.1.1"),
        ]
    assert devices_of("OBR|1", *lines) == {81.0: "A", 82.0: "B"}


def test_what_is_in_no_container_takes_no_device_of_its_neighbour():
    for path, beside in (("", ""), ("1", "1"), ("1", "1.1.1"), ("1.1.1", "1")):
        own, other = obx(value="81", f4=path, f14=STAMP), bare("82", beside)
        assert devices_of("PV1||I|ICU^1^1", "OBR|1", own, other) == {81.0: DEVICE, 82.0: "ICU:1:1"}


def test_two_places_of_a_patient_keep_each_its_own():
    lines = ("PV1||I|ICU^1^1", bare("81", "1.1"), "PV1||I|ICU^1^2", bare("82", "1.1"))
    assert devices_of(*lines) == {81.0: "ICU:1:1", 82.0: "ICU:1:2"}


def test_a_monitor_that_names_itself_only_in_its_header_and_sends_minus_999_for_no_reading_is_read():
    header = (
        f"MSH|^~\\&|MON^{OTHER}^EUI-64||||20261129153000||ORU^R01^ORU_R01|41|P|2.4|||AL|NE||UNICODE UTF-8"
    )
    lines = [header, "PID|||^^^^PI||^^^^^^L|||||", "PV1||I|^^^", "OBR|1|||182777000^x^SCT|||20261129153000"]
    lines.append(
        "OBX|1|NM|150301^MDC_PRESS_CUFF_SYS^MDC|1.1.9.150301|-999|266016^MDC_DIM_MMHG^MDC||||||||20261129152900"
    )
    lines.append(
        "OBX|9|NM|147842^MDC_ECG_HEART_RATE^MDC|1.7.4.147842|80|264864^MDC_DIM_BEAT_PER_MIN^MDC||||||||20261129153000"
    )
    cuff, rate = frames(lines)
    assert (cuff.device, cuff.patient, cuff.nbp_sys, cuff.event_ts_ms) == (OTHER, "", None, STAMP_MS - 60_250)
    assert (rate.hr, rate.event_ts_ms) == (80.0, STAMP_MS - 250)


def test_a_message_that_names_no_device_is_refused():
    lines = [msh().replace(f"^{DEVICE}^EUI-64", ""), BARE]
    assert taken(block(lines)).refusal.reason == "no-device"


def test_several_patients_in_a_message_keep_their_own():
    lines = segments(obx(f14=STAMP))
    lines += ["PID|||MRN2^^^HOSP^MR", "PV1||E|ICU^2^8", "OBR|1", obx(value="90", f18=OTHER, f14=STAMP)]
    one, other = frames(lines)
    assert one.patient != other.patient
    assert (one.device, one.hr, other.device, other.hr) == (DEVICE, 80.0, OTHER, 90.0)


def test_what_holds_for_one_patient_does_not_hold_for_the_next():
    lines = [msh().replace(f"^{DEVICE}^EUI-64", ""), "PID|||1", "PV1||I|ICU^1^2", "PID|||2", BARE]
    assert taken(block(lines)).refusal.reason == "no-device"


@pytest.mark.parametrize("damaged", ["M?ller", "M\N{REPLACEMENT CHARACTER}ller"])
def test_a_damaged_patient_is_told_and_the_frame_stays_under_its_device(damaged):
    desk = desk_of()
    found = desk.take(block(segments(obx(), patient=f"{damaged}^^^HOSP^MR")), PEER)
    assert [(one.frame.patient, one.frame.device) for one in found.readings] == [("", DEVICE)]
    assert desk.counted.reasons == {"damaged-patient": 1}
    assert found.refusal is None


def test_a_damaged_device_is_refused_since_two_may_look_the_same():
    found = taken(block(segments(obx(f18="M?nitor"))))
    assert (found.readings, found.refusal.reason) == ([], "damaged-device")


def test_of_several_codes_of_a_signal_the_better_known_counts_whatever_their_order():
    oximeter, cuff = obx("149530^^MDC", "81"), obx("149546^^MDC", "70")
    assert frame_of(oximeter, cuff).pulse == frame_of(cuff, oximeter).pulse == 81.0


def test_a_valid_reading_counts_before_a_missing_one_of_a_better_known_code():
    assert frame_of(obx("149530^^MDC", "-100"), obx("149546^^MDC", "70")).pulse == 70.0
    assert frame_of(obx("149530^^MDC", "-100"), obx("149546^^MDC", "")).pulse is None


def test_of_two_channels_of_one_code_the_first_counts():
    assert frame_of(obx(SPO2, "97", f4="1.1.1.1"), obx(SPO2, "91", f4="1.2.1.1")).spo2 == 97.0


def test_codes_that_disagree_are_left_out_and_told():
    desk = desk_of()
    desk.take(block(segments(obx("150021^MDC_PRESS_BLD_ART_SYS^MDC", "120"), obx())), PEER)
    assert desk.counted.reasons == {"codes-disagree": 1}


@pytest.mark.parametrize(
    "observation", [obx("69965^MDC_DEV^MDC", "", f11="X"), obx("158007^MDC_FLOW_FLUID_PUMP^MDC", "5")]
)
def test_a_result_message_without_an_observation_of_ours_is_refused(observation):
    assert taken(block(segments(observation))).refusal.reason == "no-observation"


def test_a_message_of_other_signs_is_read_as_it_declares():
    usual = taken(pcd01()).readings[0].frame
    other = pcd01().translate(bytes.maketrans(b"|^~\\&", b"#*@%$"))
    assert taken(other).readings[0].frame == usual


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_the_end_of_segments_changes_nothing(ending):
    assert taken(block(segments(), ending)).readings == taken(pcd01()).readings


def test_the_number_fits_the_contract_at_the_end_of_its_times():
    assert numbered(4_102_444_800_000, "999") < 2**53
