"""Questions about a group, whose coordinator is away for a moment, for good, or refuses."""

import pytest
from kafka import TopicPartition
from kafka.errors import (
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    NoError,
    NotCoordinatorError,
    UnknownMemberIdError,
)

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka import group_questions
from streams.kafka.group_questions import GroupQuestions

TP = TopicPartition("vitals.readings", 0)
AWAY = CoordinatorNotAvailableError()


class Admin:
    """A client that has one answer to everything; an error is raised."""

    def __init__(self, answer):
        self.answer, self.is_closed = answer, False

    def close(self):
        self.is_closed = True

    def _ask(self, *_):
        assert not self.is_closed
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    list_group_offsets = alter_group_offsets = describe_groups = _ask


@pytest.fixture
def clients(monkeypatch):
    """Give each client that is made the next answer; the last one stands."""

    def answering(*answers):
        made, left = [], list(answers)

        def connect(settings):
            made.append(Admin(left.pop(0) if len(left) > 1 else left[0]))
            return made[-1]

        monkeypatch.setattr(group_questions, "connect_admin", connect)
        return made

    return answering


def test_a_coordinator_that_is_away_is_asked_again_by_a_client_that_does_not_know_it_yet(clients):
    made = clients(AWAY, NotCoordinatorError(), {"g": {TP: 5}})
    with GroupQuestions(Settings()) as groups:
        assert groups.committed("g") == {TP: 5}
        assert groups.committed("other") == {}
    assert [one.is_closed for one in made] == [True] * 3


def test_members_of_several_groups_are_counted_together(clients):
    clients(AWAY, {"g": {"members": [1, 2]}, "h": {"members": [3]}})
    with GroupQuestions(Settings()) as groups:
        assert groups.count_members(["g", "h"]) == 3


def test_offsets_that_a_coordinator_could_not_take_yet_are_committed_again(clients):
    made = clients({TP: NotCoordinatorError}, {TP: NoError})
    with GroupQuestions(Settings()) as groups:
        groups.commit("g", {TP: 1})
    assert len(made) == 2


def test_one_that_stays_away_is_given_up_within_a_bound(monkeypatch, clients):
    monkeypatch.setattr(group_questions, "COORDINATOR_S_MAX", 0.2)
    clients(AWAY)
    with (
        GroupQuestions(Settings()) as groups,
        pytest.raises(
            BrokerUnreachable, match=r"group g could not be asked about: .*CoordinatorNotAvailable"
        ),
    ):
        groups.committed("g")


def test_what_another_try_does_not_mend_is_told_at_once(clients):
    made = clients(GroupAuthorizationFailedError())
    with GroupQuestions(Settings()) as groups, pytest.raises(BrokerUnreachable, match="AuthorizationFailed"):
        groups.committed("g")
    assert len(made) == 1
    clients({TP: UnknownMemberIdError})
    with (
        GroupQuestions(Settings()) as groups,
        pytest.raises(VigilError, match="offsets of g were not set: UnknownMemberIdError"),
    ):
        groups.commit("g", {TP: 1})
