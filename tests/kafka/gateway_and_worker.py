"""A gateway and a worker on a real Kafka, and what comes out: for the tests that show an alarm of each protocol."""

import json
import sys
import urllib.request
import uuid
from functools import partial

import waiting

from edge.alert_feed import AlertFeed
from edge.brokers.embedded import free_port
from edge.brokers.tether import spawn, stop
from edge.workers import worker_command, worker_environment
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics
from streams.kafka.log_end import read_whole

VIGIL = [sys.executable, "-P", "-m", "edge"]
GATEWAY = [*VIGIL, "gateway"]
STOP_S = 20

wait_until = partial(waiting.wait_until, deadline_s=60.0)


class GatewayAndWorker:
    """Both processes, on topics of their own; a context manager that ends them.

    `clients` is the clients file, none = anybody of this machine; `changes` are settings.
    """

    def __init__(self, kafka, folder, clients="", **changes):
        name = uuid.uuid4().hex[:8]
        if clients:
            changes["gateway_clients"] = folder / "clients.toml"
            changes["gateway_clients"].write_text(clients)
        self.settings = Settings(
            brokers=kafka.bootstrap,
            topic_prefix=f"{name}.",
            group=name,
            partitions=2,
            metrics_port=free_port(),
            data_dir=folder,
            gateway_metrics_port=free_port(),
            **changes,
        )
        apply_topics(self.settings)
        self.log = folder / "log"
        self.alerts = []
        self._feed = AlertFeed(self.settings)
        self._processes = []
        self.begin(worker_command())
        self.gateway = self.begin(GATEWAY)
        wait_until(lambda: b"\nvigil_ready 1.0\n" in self.scrape(self.settings.metrics_port), "the worker")
        self.wait_for_metric("vigil_gateway_kafka_takes 1.0")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._feed.close()
        for process in reversed(self._processes):
            stop(process, STOP_S)

    def begin(self, command, **changes):
        """Begin a process, which is ended with the others; `changes` are settings of its own."""
        settings = self.settings.model_copy(update=changes)
        with self.log.open("ab") as output:
            self._processes.append(spawn(command, output, worker_environment(settings)))
        return self._processes[-1]

    def scrape(self, port):
        """Return what a process says of itself."""
        try:
            return urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=5).read()
        except OSError:
            return b""

    def wait_for_metric(self, line):
        """Wait until the gateway's metrics say this."""
        wait_until(lambda: line.encode() in self.scrape(self.settings.gateway_metrics_port), line)

    def readings(self):
        """Return key and content of every frame."""
        records = read_whole(self.settings, self.settings.topic(READINGS))
        return [(record.key, json.loads(record.value)) for record in records if record.key[:2] != b"~t"]

    def alert(self, rule, patient, meanwhile=lambda: None, deadline_s=60.0):
        """Wait for an alarm and return how it begins."""

        def found():
            meanwhile()
            self.alerts += [one.alert for one in self._feed.poll(0.2)]
            return [one for one in self.alerts if (one.rule, one.patient) == (rule, patient)]

        return wait_until(found, rule, deadline_s=deadline_s)[0]
