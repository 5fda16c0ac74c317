"""A ward that falls silent: one alarm for all of its patients in the partition, with an id that others find too."""

import pytest
from board_model import BoardModel
from logs import frame_record, order_record, tick_record
from worker_model import WorkerModel

from clinical.defaults import DEFAULT_RULES
from streams.topics import PATIENTS


class House:
    """A worker and its log; patients are sent one frame a second each. Times in s."""

    def __init__(self, patients, ward="icu"):
        self.worker = WorkerModel(DEFAULT_RULES)
        self.log = []
        self.now = 600
        for name in patients:
            said = {
                "kind": "admit",
                "id": f"admit-{name}",
                "actor": "clerk",
                "issued_ts_ms": 600_000,
                "ward": ward,
            }
            self.take(order_record(len(self.log), 600_000, {"patient": name, **said}))

    def take(self, record):
        self.log.append(record)
        self.verdict = self.worker.take([record])

    def watch(self, seconds, *heard):
        """Let time pass with frames of some patients; return what was told as (patient, rule, phase)."""
        before = len(self.worker.happenings)
        for _ in range(seconds):
            self.now += 1
            for name in heard:
                at = {"append_ms": self.now * 1000, "event_ms": self.now * 1000}
                self.take(frame_record(len(self.log), patient=name, seq=self.now, hr=80, **at))
            self.take(tick_record(len(self.log), self.now * 1000))
        told = self.worker.happenings[before:]
        names = [alarm.id for alarm in self.worker.judge.alarms]
        return [(h.patient, names[h.column], h.phase) for h in told]

    def alerts(self, phase):
        return [a for a in self.worker.alerts.values() if (a.rule, a.phase) == ("ward-silent", phase)]

    def order(self, patient, kind, **said):
        now = {"id": f"c{len(self.log)}", "actor": "nurse-7", "issued_ts_ms": self.now * 1000}
        self.take(
            order_record(len(self.log), self.now * 1000, {"patient": patient, "kind": kind, **now, **said})
        )

    def acknowledge(self, episode=None, command="ack-1"):
        """Acknowledge the ward's alarm; return outcome and reason, None where it was answered before."""
        episode = episode or self.alerts("start")[0].episode
        self.order("~ward/icu", "acknowledge", id=command, episode=episode)
        answers = self.verdict.answers
        return (answers[0].outcome, answers[0].reason) if answers else None


START, CONTINUE, ESCALATE, END, UPDATE = 1, 2, 3, 5, 6
BEDS = ("bed-1", "bed-2", "bed-3", "bed-4")


@pytest.fixture
def house():
    house = House(BEDS)
    house.watch(10, *BEDS)
    return house


def test_a_ward_that_falls_silent_is_one_alarm_and_not_one_for_each_bed(house):
    assert house.watch(60) == [("~ward/icu", "ward-silent", START)]
    alert = house.alerts("start")[0]
    assert alert.source.model_dump(include={"kind", "name"}) == {"kind": "ward", "name": "icu"}
    assert (alert.patient, alert.priority, alert.type, alert.evidence.value) == (
        "~ward/icu",
        "medium",
        "technical",
        4,
    )
    assert alert.reason == "ward: 4 patients without any frame for 25 s: look at gateway and network"
    assert alert.onset_ts_ms == 600_000
    assert sum(tally.withheld_by_ward for tally in house.worker.tallies) == 4


def test_it_is_told_again_every_minute_and_ends_when_the_ward_is_heard_again(house):
    house.watch(20)
    assert house.watch(60) == [("~ward/icu", "ward-silent", CONTINUE)]
    assert house.watch(5, *BEDS) == [("~ward/icu", "ward-silent", END)]
    assert house.alerts("end")[0].state == "inactive"
    assert house.watch(60, *BEDS) == []


def test_who_stays_silent_after_it_is_told_of_singly(house):
    house.watch(20)
    told = house.watch(5, "bed-1", "bed-2", "bed-3")
    assert ("~ward/icu", "ward-silent", END) in told
    assert ("bed-4", "silent-device", START) in told


def test_a_single_silent_device_stays_single(house):
    assert house.watch(20, *BEDS[1:]) == [("bed-1", "silent-device", START)]


def test_patients_of_no_ward_are_told_of_singly():
    house = House(BEDS, ward=None)
    house.watch(10, *BEDS)
    assert {patient for patient, rule, phase in house.watch(20) if rule == "silent-device"} == set(BEDS)


def test_partitions_tell_of_the_same_episode_and_of_ends_of_their_own(house):
    others = ("bed-5", "bed-6", "bed-7")
    other = House(others)
    other.watch(10, *others)
    for one, beds in ((house, BEDS), (other, others)):
        one.watch(85)
        one.watch(2, *beds)
    (start, again), (end, other_end) = (
        [one.alerts(phase)[0].id for one in (house, other)] for phase in ("start", "end")
    )
    assert start == again
    assert end != other_end
    assert end.partition("-")[0] == other_end.partition("-")[0] == start.partition("-")[0]


def test_who_acknowledges_a_ward_s_alarm_is_not_told_of_it_again_but_of_its_end(house):
    house.watch(20)
    assert house.acknowledge() == ("accepted", "acknowledge by nurse-7")
    alert = house.alerts("update")[0]
    assert (alert.patient, alert.inactivation, alert.acknowledged_by) == (
        "~ward/icu",
        "alert-acknowledged",
        "nurse-7",
    )
    assert house.verdict.answers[0].alerts == (alert.id,)
    assert house.watch(130) == []
    assert house.acknowledge() is None
    assert house.acknowledge(command="ack-2") == ("refused", "already acknowledged")
    assert house.watch(5, *BEDS) == [("~ward/icu", "ward-silent", END)]
    refused = house.acknowledge(command="ack-3")
    assert refused == ("refused", f"no open alarm of episode {alert.episode} in this partition")


def test_a_ward_s_next_loss_is_told_of_though_the_last_was_acknowledged(house):
    house.watch(20)
    house.acknowledge()
    house.watch(60, *BEDS)
    assert ("~ward/icu", "ward-silent", START) in house.watch(30)
    assert ("~ward/icu", "ward-silent", CONTINUE) in house.watch(60)


def test_who_joins_a_loss_that_somebody_knows_of_brings_it_back(house):
    house.watch(25, "bed-4")
    house.acknowledge()
    told = house.watch(60)
    assert told == [("~ward/icu", "ward-silent", UPDATE)]
    alert = house.alerts("update")[-1]
    assert (alert.inactivation, alert.evidence.value) == ("enabled", 4)
    assert house.watch(60) == [("~ward/icu", "ward-silent", CONTINUE)]


def test_a_patient_who_is_moved_away_is_told_of_singly_and_the_other_ward_is_not_lost(house):
    house.watch(20)
    said = {
        "kind": "transfer",
        "id": "move",
        "actor": "clerk",
        "issued_ts_ms": house.now * 1000,
        "ward": "er",
    }
    house.take(order_record(len(house.log), house.now * 1000, {"patient": "bed-1", **said}))
    assert house.watch(2) == [("bed-1", "silent-device", START)]


def test_boards_show_a_lost_ward_while_it_is_lost(house):
    boards = BoardModel(house.worker.judge)

    def shown(act):
        act()
        return boards.show(house.worker.table, house.verdict)[PATIENTS, "~ward/icu"]

    def until_told(phase, *heard):
        while not any(told == ("~ward/icu", "ward-silent", phase) for told in house.watch(1, *heard)):
            assert house.now < 1000

    lost = shown(lambda: until_told(START))
    assert (lost["ward"], lost["values"], lost["pause"]) == ("icu", {}, None)
    (alarm,) = lost["alarms"]
    assert (alarm["rule"], alarm["state"], alarm["priority"]) == ("ward-silent", "active", "medium")
    assert alarm["episode"] == house.alerts("start")[0].episode
    assert shown(house.acknowledge)["alarms"][0]["state"] == "acknowledged"
    assert shown(lambda: until_told(END, *BEDS)) is None


@pytest.mark.parametrize("saved", [15, 26, 40, 52, 90, 111])
def test_a_restart_in_the_midst_of_it_tells_the_same(house, saved):
    whole = house
    begin = len(whole.log)
    whole.watch(50)
    whole.acknowledge()
    whole.watch(50)
    whole.watch(20, *BEDS)
    broken = WorkerModel(DEFAULT_RULES)
    broken.work(
        whole.log, [(begin + saved, "checkpoint", 0), (min(begin + saved + 7, len(whole.log)), "restart", 0)]
    )
    assert broken.alerts == whole.worker.alerts
    assert {name: record[9:] for name, record in broken.state().items()} == {
        name: record[9:] for name, record in whole.worker.state().items()
    }


def test_a_ward_that_is_lost_again_in_the_same_minute_is_told_of_again(house):
    house.watch(15)
    house.watch(2, *BEDS)
    assert house.watch(15) == [("~ward/icu", "ward-silent", START)]
    house.watch(2, *BEDS)
    found = [*house.alerts("start"), *house.alerts("end")]
    assert len({alert.episode for alert in found}) == 1
    assert len({alert.id for alert in found}) == 4


def test_the_alarm_of_a_lost_ward_ends_with_the_last_of_its_patients(house):
    house.watch(20)
    for name in BEDS:
        house.order(name, "discharge")
    assert [alert.reason for alert in house.alerts("end")] == ["ward: nobody is left of the silent patients"]
    assert house.watch(60) == []
