"""The sender on Kafka itself: killed with messages under way, the next one sends what nobody has taken."""

import contextlib
import signal
import sys
import uuid

import pytest
from alert_of import alert_of
from waiting import wait_until

from bench.drills.delivery.plan import write_files
from bench.drills.delivery.receiver import Receiver
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.contracts.deliveries import Delivery, delivery_id
from streams.contracts.topics import ALERTS, DELIVERIES
from streams.kafka import producers
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

pytestmark = pytest.mark.kafka

START_S = 60.0
COUNT = 20


class Site:
    """A sender, its topics and its receiver."""

    def __init__(self, bootstrap, folder, receiver):
        self.folder, self.receiver, self.senders = folder, receiver, []
        prefix = f"channels-{uuid.uuid4().hex[:6]}."
        self.settings = Settings(
            brokers=bootstrap,
            group=prefix,
            topic_prefix=prefix,
            partitions=3,
            session_timeout_s=6.0,
            routing=write_files(folder, receiver.port),
            data_dir=folder,
            channels_metrics_port=free_port(),
        )
        apply_topics(self.settings)

    def start(self):
        log = self.folder / f"sender-{len(self.senders)}.log"
        with log.open("wb") as output:
            command = [sys.executable, "-P", "-m", "edge.channels"]
            self.senders.append(spawn(command, output, worker_environment(self.settings)))
        return self.senders[-1]

    def queue(self, channel, count=COUNT):
        """Write alerts and what is queued of them; return the ids."""
        names = []
        alerts, deliveries = (
            producers.Producer(self.settings, producers.ALERTS, self.settings.topic(topic))
            for topic in (ALERTS, DELIVERIES)
        )
        with alerts, deliveries:
            for number in range(count):
                episode, patient = f"{channel}{number}", f"bed-{number}"
                alert = alert_of(id=f"{episode}-0", episode=episode, patient=patient)
                queued = Delivery(
                    id=delivery_id(episode, 1, "n1", channel),
                    alert=alert.id,
                    episode=episode,
                    patient=patient,
                    ward="3",
                    rule=alert.rule,
                    priority=alert.priority,
                    step=1,
                    recipient="n1",
                    channel=channel,
                    milestone="queued",
                    at_ts_ms=1_000,
                )
                names.append(queued.id)
                for producer, record in ((alerts, alert), (deliveries, queued)):
                    wait_until(
                        lambda producer=producer, record=record: producer.send(
                            record.patient.encode(), record.model_dump_json().encode()
                        ),
                        "room for a record",
                    )
            wait_until(lambda: not alerts.in_flight and not deliveries.in_flight, "Kafka's acknowledgements")
        return set(names)

    def reached(self, milestone):
        """Return the ids of deliveries that have a milestone."""
        records = read_whole(self.settings, self.settings.topic(DELIVERIES))
        found = (Delivery.model_validate_json(record.value) for record in records)
        return {one.id for one in found if one.milestone == milestone}

    def came(self, channel):
        """Return the ids that a receiver got, once for each time."""
        return [one.id for one in self.receiver.got if one.channel == channel]


@pytest.fixture
def site(kafka, tmp_path):
    with contextlib.ExitStack() as stack:
        site = Site(kafka.bootstrap, tmp_path, stack.enter_context(Receiver()))
        yield site
        for process in site.senders:
            stop(process, term_wait_s=0.0)


def test_a_killed_sender_is_followed_by_one_that_sends_what_nobody_has_taken(site):
    first = site.start()
    good, stuck = site.queue("plain"), site.queue("hole")
    wait_until(lambda: site.reached("taken") == good, "messages over the channel that works", START_S)
    wait_until(lambda: site.came("hole"), "messages over the channel that never answers", START_S)
    first.kill()
    first.wait()
    before = set(site.came("hole"))
    site.receiver.got.clear()
    second = site.start()
    wait_until(lambda: before <= set(site.came("hole")), "the same messages again", START_S)
    later = site.queue("error", 2)  # fewer failures than open the breaker
    wait_until(lambda: later <= site.reached("taken"), "messages that are taken at the third try", START_S)
    assert site.came("plain") == []  # what was taken is not sent again
    assert set(site.came("hole")) <= stuck
    assert all(site.came("error").count(name) == 3 for name in later)
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0
