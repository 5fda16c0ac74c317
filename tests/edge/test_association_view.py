"""Following the associations over a topic that is a list: faults of the client, a topic that was made anew."""

from collections import namedtuple

import pytest
from kafka.errors import KafkaError
from waiting import wait_until

from edge import topic_thread
from edge.gateway import association_view
from edge.gateway.association_view import Following
from streams.config.settings import Settings
from streams.contracts.association import Association

Record = namedtuple("Record", "offset key value timestamp")


def association(device):
    return Association(
        id="a", device=device, patient="p-1", from_ts_ms=1, reporter="nurse", source="command", validated=True
    )


class Topic:
    """The topic, and consumers of it; `faults` are raised by polls, one each."""

    def __init__(self) -> None:
        self.log = []
        self.faults = []
        self.made = 0

    def add(self, *devices):
        for device in devices:
            fact = association(device)
            self.log.append(Record(len(self.log), fact.key, fact.model_dump_json().encode(), 5))

    def consumer(self, settings, **options):
        self.made += 1
        return Consumer(self)


class Consumer:
    """Reads a `Topic`; an offset that is not there becomes its end, as Kafka's client does it."""

    def __init__(self, topic) -> None:
        self._topic, self._at = topic, 0

    def partitions_for_topic(self, name):
        return {0}

    def assign(self, tps):
        pass

    def seek(self, tp, offset):
        self._at = offset

    def seek_to_beginning(self, tp):
        self._at = 0

    def end_offsets(self, tps, timeout_ms):
        return {tps[0]: len(self._topic.log)}

    def poll(self, timeout_ms):
        if self._topic.faults:
            raise self._topic.faults.pop(0)
        if self._at > len(self._topic.log):
            self._at = len(self._topic.log)
        found = self._topic.log[self._at :]
        self._at += len(found)
        return {association_view.TopicPartition("vitals.associations", 0): found} if found else {}

    def position(self, tp, timeout_ms):
        return self._at

    def highwater(self, tp):
        return None

    def close(self):
        pass


@pytest.fixture
def followed(monkeypatch):
    """The topic, the devices that are known of it, and who follows it."""
    monkeypatch.setattr(topic_thread, "AGAIN_S", 0.01)
    monkeypatch.setattr(association_view, "CHECK_S", 0.01)
    topic, known = Topic(), []
    monkeypatch.setattr(topic_thread, "connect_consumer", topic.consumer)
    topic.add("mon-1", "mon-2")
    follower = Following(
        Settings(), lambda found: known.extend(one.fact.device for one in found), lambda: known.clear()
    )
    follower.start()
    yield topic, known, follower
    follower.close()


@pytest.mark.parametrize("fault", [KafkaError("gone"), ValueError("patient p-1"), AssertionError()])
def test_whatever_the_client_raises_following_goes_on_where_it_was(followed, fault):
    topic, known, follower = followed
    topic.faults.append(fault)
    wait_until(lambda: topic.made == 2, "another consumer", 10)
    topic.add("mon-3")
    wait_until(lambda: known == ["mon-1", "mon-2", "mon-3"], "what came since", 10)
    assert "p-1" not in follower.failure
    assert follower.age_s < 10


def test_a_topic_that_was_made_anew_is_read_anew_and_what_the_former_said_is_forgotten(followed):
    topic, known, follower = followed
    assert known == ["mon-1", "mon-2"]
    wait_until(lambda: follower.age_s < 10, "a view that counts", 10)
    topic.log = []
    topic.add("mon-9")
    wait_until(lambda: known == ["mon-9"], "the new topic", 10)
    wait_until(lambda: follower.age_s < 10, "a view that counts", 10)
