"""A dead process's membership: which member is dropped, and never another; with a stand-in for the coordinator."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.errors import (
    CoordinatorLoadInProgressError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    GroupIdNotFoundError,
    NoError,
    UnknownMemberIdError,
)

from edge.departures import new_client_id
from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka import membership
from streams.kafka.membership import (
    ASSIGNOR,
    Group,
    Member,
    describe,
    drop_dead,
    group_of,
    intruder,
    members_of,
    read_description,
)

SETTINGS = Settings(brokers="127.0.0.1:9", group="ward")
WAIT_S = 5.0


def told(*members, error=None):
    """Return a coordinator's description in kafka-python's words; a member is (member id, client id)."""
    return {
        "error": None if error is None else str(error()),
        "group_state": "Stable",
        "protocol_data": "faust",
        "members": [{"member_id": m, "client_id": c, "client_host": "/10.0.0.1"} for m, c in members],
    }


class Coordinator:
    """Stands in for the admin client: tells the next of its descriptions, the last again and again; notes who goes."""

    def __init__(self, *descriptions, result=NoError, then_gone=True, listed=()):
        self.descriptions, self.result, self.then_gone = list(descriptions), result, then_gone
        self.looks, self.removed, self.closed, self.listed = 0, [], False, listed

    def describe_groups(self, groups):
        assert groups == ["ward"]
        self.looks += 1
        answer = self.descriptions.pop(0) if len(self.descriptions) > 1 else self.descriptions[0]
        gone = self.removed if self.then_gone else []
        return {"ward": answer | {"members": [m for m in answer["members"] if m["member_id"] not in gone]}}

    def remove_group_members(self, group, members):
        assert group == "ward"
        self.removed += [member.member_id for member in members]
        return {member.member_id: self.result for member in members}

    def list_groups(self):
        return self.listed

    def close(self):
        self.closed = True


@pytest.fixture
def coordinated(monkeypatch):
    """Return a function that drops the process `dead` at a coordinator, without long pauses."""
    monkeypatch.setattr(membership, "LOOK_AGAIN_S", 0.001)

    def drop(coordinator, wait_s=WAIT_S):
        monkeypatch.setattr(membership, "connect_admin", lambda settings, wait_s: coordinator)
        return drop_dead(SETTINGS, "dead", wait_s)

    return drop


members = st.lists(st.builds(Member, st.text(), st.sampled_from(["a", "ab", "b", "A", ""]), st.text()))


@given(members, st.sampled_from(["a", "ab", "b"]))
def test_only_members_with_exactly_the_dead_process_client_id_are_to_go(everybody, dead):
    chosen = members_of(Group("Stable", "faust", tuple(everybody)), dead)
    assert list(chosen) == [one.member_id for one in everybody if one.client_id == dead]


def test_a_client_id_that_nobody_chose_names_no_process():
    with pytest.raises(ValueError, match="of its own"):
        members_of(Group("Stable", "faust", (Member("m", "", "h"),)), "")


def test_every_process_gets_a_client_id_of_its_own_that_the_settings_take():
    ids = {new_client_id("decider") for _ in range(100)}
    assert len(ids) == 100
    assert all(Settings(client_id=each).client_id == each for each in ids)


def test_the_dead_one_goes_and_those_that_live_stay(coordinated):
    coordinator = Coordinator(told(("m1", "alive"), ("m2", "dead"), ("m3", "dead-too")))
    assert coordinated(coordinator) == 1
    assert coordinator.removed == ["m2"]
    assert coordinator.closed


def test_a_process_that_never_joined_is_looked_for_again_and_nobody_goes(coordinated):
    coordinator = Coordinator(told(("m1", "alive")))
    assert coordinated(coordinator) == 0
    assert (coordinator.removed, coordinator.looks) == ([], membership.UNSEEN_LOOKS)


def test_what_it_asked_for_in_its_last_moment_makes_it_a_member_no_longer(coordinated):
    late = Coordinator(told(), told(("m9", "dead")))
    assert coordinated(late) == 1
    again = Coordinator(told(("m1", "dead")), told(("m2", "dead")))
    assert coordinated(again) == 2
    assert again.removed == ["m1", "m2"]


def test_a_member_that_went_meanwhile_is_no_fault(coordinated):
    assert coordinated(Coordinator(told(("m1", "dead")), result=UnknownMemberIdError)) == 0


def test_a_group_that_is_not_there_has_nobody_to_drop(coordinated):
    assert coordinated(Coordinator(told(error=GroupIdNotFoundError))) == 0


def test_a_coordinator_that_moves_or_loads_is_asked_again(coordinated):
    coordinator = Coordinator(told(error=CoordinatorLoadInProgressError), told(("m1", "dead")))
    assert coordinated(coordinator) == 1


def test_rights_that_are_missing_are_told_at_once(coordinated):
    coordinator = Coordinator(told(error=GroupAuthorizationFailedError))
    with pytest.raises(VigilError, match=r"group ward did not drop.*GroupAuthorizationFailed") as refused:
        coordinated(coordinator)
    assert not isinstance(refused.value, BrokerUnreachable)
    assert (coordinator.looks, coordinator.closed) == (1, True)
    with pytest.raises(VigilError, match="GroupAuthorizationFailed"):
        coordinated(Coordinator(told(("m1", "dead")), result=GroupAuthorizationFailedError))


def test_a_member_that_does_not_go_and_a_coordinator_that_does_not_answer_are_given_up(coordinated):
    with pytest.raises(BrokerUnreachable, match=r"within 0\.05 s: the member is still there"):
        coordinated(Coordinator(told(("m1", "dead")), then_gone=False), 0.05)
    with pytest.raises(BrokerUnreachable, match=r"within 0\.05 s: .*CoordinatorLoadInProgress"):
        coordinated(Coordinator(told(error=CoordinatorLoadInProgressError)), 0.05)


def test_without_a_broker_it_is_given_up_too():
    with pytest.raises(BrokerUnreachable, match="no broker at"):
        drop_dead(SETTINGS, "dead", 0.2)


@given(st.text())
def test_whatever_a_refusal_says_it_is_no_empty_group(text):
    with suppress(membership.KafkaError):
        group = read_description({"error": text or "?"})
        pytest.fail(f"{group} of a refusal")


def listed(kind, state="Stable"):
    return {"group_id": "ward", "group_type": kind, "group_state": state}


def test_workers_alone_are_no_intruders_nor_is_a_group_that_has_not_divided_its_partitions_yet():
    workers = (Member("m", "vigil-worker", "/10.0.0.1"),)
    for group in (
        Group("Stable", ASSIGNOR, workers),
        Group("PreparingRebalance", "", workers),
        Group("Empty"),
        Group("Dead"),
    ):
        assert intruder(group) is None


def test_a_client_that_divides_the_partitions_in_its_own_way_is_named_with_its_machine():
    group = Group("Stable", "range", (Member("m", "report", "/10.0.0.7"),))
    assert intruder(group) == "report at 10.0.0.7, by the assignor range"


def test_a_group_of_another_protocol_is_told_from_one_that_is_not_there():
    gone = told(error=GroupIdNotFoundError)
    turned = describe(Coordinator(gone, listed=[listed("Consumer")]), "ward")
    assert intruder(turned) == "a client of the consumer protocol"
    left = describe(Coordinator(gone, listed=[listed("Consumer", "Empty")]), "ward")
    assert intruder(left) is None
    other = [listed("Consumer") | {"group_id": "another"}]
    for none in ([], other, [listed("Classic", "Dead")], [listed(None, "Dead")]):
        assert describe(Coordinator(gone, listed=none), "ward") == Group("Dead")


def test_who_is_in_a_group_is_asked_again_where_a_new_cluster_has_no_coordinator_yet(monkeypatch):
    monkeypatch.setattr(membership, "LOOK_AGAIN_S", 0.001)
    monkeypatch.setattr(membership, "CONNECT_WAIT_S", 0.05)
    asked = []

    def group(*descriptions):
        asked.append(Coordinator(*descriptions))
        monkeypatch.setattr(membership, "connect_admin", lambda settings: asked[-1])
        return group_of(SETTINGS)

    not_yet = told(error=CoordinatorNotAvailableError)
    assert group(not_yet, not_yet, told(("m1", "alive"))).members[0].client_id == "alive"
    with pytest.raises(BrokerUnreachable, match=r"ward could not be read: .*CoordinatorNotAvailable"):
        group(not_yet)
    with pytest.raises(VigilError, match=r"ward could not be read: .*GroupAuthorizationFailed"):
        group(told(error=GroupAuthorizationFailedError))
    assert asked[-1].looks == 1
    assert all(each.closed for each in asked)


def test_an_answer_that_the_client_cannot_read_is_told_in_one_line():
    class Strange(Coordinator):
        def describe_groups(self, groups):
            raise ValueError("15 is not a valid ACLOperation")

    with pytest.raises(VigilError, match="group ward cannot be read: 15 is not"):
        describe(Strange(), "ward")


def test_nobody_can_be_dropped_from_a_group_of_another_protocol_and_that_is_told(coordinated):
    turned = Coordinator(told(error=GroupIdNotFoundError), listed=[listed("Consumer")])
    with pytest.raises(VigilError, match="a client of the consumer protocol is in the group ward"):
        coordinated(turned)
    assert turned.removed == []
