"""Reports of who is on which device: what is stored, what is refused and why."""

import asyncio
from dataclasses import replace

import pytest

from edge.gateway.accept import NotStored, Sender
from edge.gateway.associations import Facts
from edge.gateway.filing import Filing
from edge.gateway.registrar import HEARD_EVERY_MS, KafkaRegistrar
from edge.gateway.reports import AdtEvent, AssociationReport
from streams.contracts.association import KEPT_MS, REPORTS_MAX, AssociationRecord, Placement
from streams.contracts.topics import ASSOCIATIONS

NOW_MS = 1_700_000_000_000
NURSE = Sender("pcim-manager", ("*",), names_patients=True)
ADT = Sender("adt", (), names_patients=True)
REPORT = AssociationReport("r1", "mon", "a", NOW_MS - 1000, None, "nurse", True)
EVENT = AdtEvent("admit", "a", "w/1", None, None, NOW_MS - 1000, "1")


class Shelf:
    """A door that keeps what is stored, or breaks."""

    def __init__(self):
        self.stored, self.broken = [], False

    async def readings(self, sender, readings, wait_s=None):
        raise AssertionError("no frames here")

    async def store(self, topic, key, value):
        if self.broken:
            raise NotStored("Kafka did not say")
        assert topic == ASSOCIATIONS
        assert AssociationRecord.model_validate_json(value).root.key == key
        self.stored.append(key)


class Registry:
    def __init__(self):
        self.door = Shelf()
        self.filing = Filing(Facts(900_000))
        self.registrar = KafkaRegistrar(self.door, self.filing, lambda: NOW_MS)

    def associate(self, sender=NURSE, **changes):
        return self.take(replace(REPORT, **changes), sender=sender)[0]

    def adt(self, sender=ADT, **changes):
        return self.take(replace(EVENT, **changes), sender=sender)[0]

    def take(self, *reports, sender=NURSE, together=False):
        return asyncio.run(self.registrar.take(sender, reports, together))

    def on(self, ms=NOW_MS, device="mon"):
        return self.filing.patient_at(device, ms)


@pytest.fixture
def registry():
    return Registry()


def test_a_report_that_was_taken_is_in_kafka_and_counts_at_once(registry):
    assert registry.associate() is None
    assert registry.door.stored == [b"mon/patient/r1"]
    assert registry.on() == "a"


def test_what_comes_from_kafka_late_does_not_bring_back_what_was_told_before_the_last(registry):
    registry.associate()
    began = next(iter(registry.filing.facts.by_key.values()))
    registry.associate(until_ms=NOW_MS)
    ended = next(iter(registry.filing.facts.by_key.values()))
    registry.filing.apply(began.key, began, NOW_MS)
    assert registry.on() == "~device/mon"
    registry.filing.apply(ended.key, ended, NOW_MS)
    registry.filing.apply(began.key, began, NOW_MS)
    assert registry.on() == "a", "another gateway's, behind ours in Kafka"


def test_a_report_that_comes_again_is_stored_once(registry):
    registry.associate()
    assert registry.associate() is None
    assert len(registry.door.stored) == 1


def test_what_kafka_does_not_have_is_not_believed(registry):
    registry.door.broken = True
    with pytest.raises(NotStored):
        registry.associate()
    assert registry.on() == "~device/mon"


def test_what_was_reported_wrongly_ends_where_it_began_and_holds_no_time(registry):
    registry.associate()
    assert registry.associate(until_ms=REPORT.from_ms) is None
    assert registry.on() == "~device/mon"
    assert registry.associate(id="r2", patient="b") is None
    assert registry.on() == "b"


def test_of_reports_that_belong_together_none_is_stored_where_one_is_refused(registry):
    wrong = replace(REPORT, id="r2", patient="b")
    assert [one and one.reason for one in registry.take(REPORT, wrong, together=True)] == [
        None,
        "device-associated",
    ]
    assert (registry.door.stored, registry.on()) == ([], "~device/mon")
    assert registry.take(REPORT, wrong)[0] is None
    assert registry.door.stored == [b"mon/patient/r1"]


def test_another_patient_on_the_same_device_at_the_same_time_is_refused_and_told_why(registry):
    registry.associate()
    refusal = registry.associate(id="r2", patient="b", from_ms=NOW_MS)
    assert refusal.reason == "device-associated"
    assert refusal.detail.startswith("device is associated with another patient")
    assert registry.associate(until_ms=NOW_MS) is None
    assert registry.associate(id="r2", patient="b", from_ms=NOW_MS) is None


def test_what_nobody_confirmed_is_refused_against_what_somebody_did_and_not_the_other_way(registry):
    registry.associate()
    assert registry.associate(id="r2", patient="b", validated=False).reason == "device-associated"
    assert registry.associate(id="r3", device="m2", patient="a", validated=False) is None
    assert registry.associate(id="r4", device="m2", patient="b") is None
    assert registry.on(device="m2") == "b"


def test_what_nobody_confirmed_is_refused_against_adt(registry):
    placement = Placement(id="p", device="mon", place="w/1", from_ts_ms=0, reporter="plan")
    registry.filing.apply(placement.key, placement, NOW_MS)
    assert registry.adt() is None
    assert registry.on() == "a"
    assert registry.associate(patient="b", validated=False).reason == "device-associated"
    assert registry.associate(patient="b") is None


def test_a_device_that_may_name_no_patients_moves_nobody_and_puts_nobody_on_itself(registry):
    device = Sender("mon", ("mon",))
    assert registry.adt(device).reason == registry.associate(device).reason == "not-allowed"
    assert registry.door.stored == []


def test_a_device_that_the_sender_may_not_speak_for_is_refused(registry):
    assert registry.associate(Sender("x", ("other", "mo-*"), True)).reason == "foreign-device"
    assert registry.associate(Sender("x", ("mo*",), True)) is None


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"patient": "Müller"}, "invalid"),
        ({"device": ""}, "invalid"),
        ({"until_ms": REPORT.from_ms - 1}, "invalid"),
        ({"from_ms": 0, "until_ms": NOW_MS - KEPT_MS - 1}, "too-old"),
        ({"from_ms": -1}, "invalid"),
    ],
)
def test_what_cannot_be_is_refused_without_repeating_it(registry, changes, reason):
    refusal = registry.associate(**changes)
    assert refusal.reason == reason
    assert "ller" not in refusal.detail
    assert registry.door.stored == []


def test_a_device_has_a_bounded_number_of_associations(registry):
    for n in range(REPORTS_MAX):
        assert registry.associate(id=f"r{n}", from_ms=NOW_MS + n, until_ms=NOW_MS + n + 1) is None
    assert registry.associate(id="one-more", from_ms=0).reason == "too-many-associations"


def test_an_adt_message_that_comes_again_is_stored_once(registry):
    registry.adt()
    assert registry.adt() is None
    assert len(registry.door.stored) == 1


def test_an_update_that_says_nothing_new_is_a_sign_of_life_now_and_then(registry):
    before_ms = NOW_MS - 60_000
    registry.adt(event_ms=before_ms)
    for n in range(1, 40):
        registry.adt(kind="update", event_ms=before_ms + n * 1000, id=f"u{n}")
    heard = [key for key in registry.door.stored if key == b"~heard/adt"]
    assert len(heard) == 39_000 // HEARD_EVERY_MS
    assert registry.filing.facts.heard_ms["adt"] == before_ms + 30_000


def test_updates_of_a_sender_whose_clock_is_ahead_are_not_all_stored(registry):
    registry.adt(event_ms=NOW_MS)
    for n in range(1, 40):
        registry.adt(kind="update", event_ms=NOW_MS + n * 100_000, id=f"u{n}")
    assert len(registry.door.stored) == 1


def test_an_update_with_another_place_is_stored_as_one(registry):
    registry.adt()
    registry.adt(kind="update", place="w/2", event_ms=EVENT.event_ms + 1, id="2")
    assert registry.filing.facts.patient_place("a", NOW_MS) == "w/2"


def test_a_merge_without_another_patient_is_refused(registry):
    assert registry.adt(kind="merge").reason == "invalid"
    assert registry.adt(kind="merge", prior_patient="a").reason == "invalid"
    assert registry.adt(kind="merge", prior_patient="b") is None


def test_an_identifier_that_is_none_is_refused_without_repeating_it(registry):
    refusal = registry.adt(patient="Zoë")
    assert (refusal.reason, "Zo" in refusal.detail) == ("invalid", False)
