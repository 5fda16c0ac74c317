"""Who has divided the partitions: a worker, or the broker because of a client of another protocol."""

import pytest
from aiokafka.coordinator.protocol import ConsumerProtocolMemberAssignment

from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.lane.app import create_app
from streams.lane.own_assignor import OwnAssignor

PARTITIONS = 4


class Cluster:
    """What the leader of a group knows of topics."""

    def partitions_for_topic(self, topic):
        return set(range(PARTITIONS))


@pytest.fixture
def assignor():
    """Return the assignor of a worker's app, and what it stopped the process for."""
    ours = create_app(Settings(brokers="127.0.0.1:9", partitions=PARTITIONS, group="ward")).assignor
    assert isinstance(ours, OwnAssignor)
    stops = []
    ours.stop = stops.append
    return ours, stops


def test_an_assignment_that_a_broker_has_made_stops_the_worker(assignor):
    ours, stops = assignor
    ours.on_assignment(ConsumerProtocolMemberAssignment(0, [(READINGS, [0, 1])], b""))
    (told,) = stops
    assert "in the group ward" in told
    assert "vigil doctor" in told
    assert ours.assigned_actives() == set()


def test_an_assignment_that_a_worker_has_made_is_taken(assignor):
    ours, stops = assignor
    made = ours.assign(Cluster(), {"member": ours.metadata({READINGS})})
    ours.on_assignment(made["member"])
    assert stops == []
    assert {tp.partition for tp in ours.assigned_actives()} == set(range(PARTITIONS))
