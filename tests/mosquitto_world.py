"""mosquitto in a test: a broker of its own with what it keeps in a folder, and its own clients."""

import shutil
import socket
import subprocess
import time

from edge.brokers.embedded import free_port

CONF = """
user root
listener {port} 127.0.0.1
persistence true
persistence_location {folder}/
autosave_interval 1
autosave_on_changes true
max_queued_messages 0
{more}
"""
"""As root it would become somebody else, who may not write into the folder; of anybody else `user` is ignored."""

READY_S_MAX = 10.0
PROGRAM = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
"""Debian keeps it off the PATH of who is not root."""


class Mosquitto:
    """A broker that can be killed and started again at the same port."""

    def __init__(self, folder, more="allow_anonymous true", tls=()):
        self._tls = list(tls)
        self.port, self.folder = free_port(), folder
        self._conf = folder / "mosquitto.conf"
        self._conf.write_text(CONF.format(port=self.port, folder=folder, more=more))
        self._process = None
        self.start()

    def start(self):
        """Start it and wait until it listens."""
        with (self.folder / "mosquitto.log").open("ab") as log:
            self._process = subprocess.Popen([PROGRAM, "-c", str(self._conf)], stdout=log, stderr=log)
        until_s = time.monotonic() + READY_S_MAX
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except OSError:
                assert self._process.poll() is None, (self.folder / "mosquitto.log").read_text()
                assert time.monotonic() < until_s
                time.sleep(0.02)

    def said(self, text):
        """Return how often a text is in its log."""
        return (self.folder / "mosquitto.log").read_text().count(text)

    def stop(self):
        """End it; it writes what it keeps."""
        self._process.terminate()
        self._process.wait(10)

    def publish(self, topic, payload, *more):
        """Publish with mosquitto_pub at QoS 1; returns when the broker has it."""
        command = ["mosquitto_pub", "-h", "127.0.0.1", "-p", str(self.port), "-V", "5", "-q", "1"]
        subprocess.run(
            [*command, *self._tls, "-t", topic, "-s", *more],
            input=payload, check=True, timeout=10, capture_output=True,
        )  # fmt: skip
