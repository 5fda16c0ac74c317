"""Messages of MQTT a second of the gateway's core into Kafka: `python -m bench.gateway.mqtt_pace --brokers ...`.

mosquitto on loopback, a publisher that sends one frame a message at QoS 1, and a gateway of its own. What counts is the
gateway's own processor time for what the broker has acknowledged to the publisher; all of it must be in the topic.
"""

import argparse
import socket
import struct
import tempfile
import time
from pathlib import Path
from typing import Final

from bench.gateway import one_gateway
from bench.gateway.mosquitto import mosquitto, program
from bench.gateway.read_back import read_back
from bench.process_time import cpu_s_of
from edge.brokers.embedded import free_port
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.kafka.admin import apply_topics

GOAL: Final = 15_000
DEVICES: Final = 64
WINDOW: Final = 500
"""Messages that the publisher has under way."""

WARM_S: Final = 3.0
WAIT_S_MAX: Final = 60.0
MIDS: Final = 65_535
_CONNECT: Final = b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x05bench"
_FRAME: Final = (
    b'{"device":"g%d-0","boot":%d,"seq":%d,"event_ts_ms":%d,"interval_ms":1000,"hr":80,"pulse":80,"spo2":97,'
    b'"resp":15,"abp_sys":120,"abp_dia":80,"abp_mean":93}'
)


class Publisher:
    """One connection of MQTT 3.1.1 that publishes at QoS 1."""

    def __init__(self, port: int, boot: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), WAIT_S_MAX)
        self._socket.sendall(b"\x10" + bytes([len(_CONNECT)]) + _CONNECT)
        self._boot, self._mid = boot, 0
        self._receive(4)
        self.acknowledged: list[list[int]] = [[] for _ in range(DEVICES)]

    def publish(self, seconds: float) -> int:
        """Publish for so long; return how many messages the broker has acknowledged."""
        until_s, sent = time.monotonic() + seconds, 0
        while time.monotonic() < until_s:
            now_ms = time.time_ns() // 1_000_000
            self._socket.sendall(b"".join(self._packet(sent + n, now_ms) for n in range(WINDOW)))
            self._receive(4 * WINDOW)  # an acknowledgement each
            sent += WINDOW
        return sent

    def _packet(self, number: int, now_ms: int) -> bytes:
        device = number % DEVICES
        seq = len(self.acknowledged[device])
        self.acknowledged[device].append(seq)
        self._mid = self._mid % MIDS + 1
        topic = b"vitals/g%d-0/frames" % device
        frame = _FRAME % (device, self._boot, seq, now_ms)
        body = struct.pack("!H", len(topic)) + topic + struct.pack("!H", self._mid) + frame
        return b"\x32" + bytes([len(body) % 128 | 128, len(body) // 128]) + body

    def _receive(self, size_bytes: int) -> None:
        while size_bytes:
            received = len(self._socket.recv(size_bytes))
            if not received:
                raise ConnectionError("mqtt: the broker hung up")
            size_bytes -= received

    def close(self) -> None:
        """Hang up."""
        self._socket.close()


def measure(brokers: str, prefix: str, seconds: float) -> int:
    """Measure, print, and return 1 where something is lost or the goal is missed."""
    if program() is None:
        print("mqtt: not measured, mosquitto is not installed")
        return 0
    port = free_port()
    settings = Settings(
        brokers=brokers,
        topic_prefix=prefix,
        gateway_mqtt_host="127.0.0.1",
        gateway_mqtt_port=port,
        gateway_metrics_port=free_port(),
        gateway_client_share=1.0,
    )
    apply_topics(settings)
    with (
        tempfile.TemporaryDirectory() as folder,
        mosquitto(port, Path(folder)),
        one_gateway.running(settings, "mqtt", clients=1) as pid,
    ):
        boot = int(time.time())
        _run(settings, pid, boot, WARM_S)
        taken_s, count, acknowledged = _run(settings, pid, boot + 1, seconds)
    per_core = count / taken_s
    print(
        f"mqtt: {per_core:,.0f} messages/s per core (goal {GOAL:,}), {count / seconds:,.0f} messages/s here"
    )
    verdict = read_back(brokers, settings.topic(READINGS), boot + 1, acknowledged, 1)
    lost = verdict.missing + verdict.out_of_order
    print(f"mqtt: not there or out of order {lost}; came twice {verdict.again}")
    return int(lost > 0 or per_core < GOAL)


def _run(settings: Settings, pid: int, boot: int, seconds: float) -> tuple[float, int, list[list[int]]]:
    """Publish, and wait until Kafka has all; return the gateway's processor time, s, how many, and which."""
    before, cpu_s = one_gateway.accepted(settings, "mqtt"), cpu_s_of(pid)
    publisher = Publisher(settings.gateway_mqtt_port, boot)
    count = publisher.publish(seconds)
    publisher.close()
    one_gateway.wait(lambda: one_gateway.accepted(settings, "mqtt") >= before + count, "mqtt")
    return cpu_s_of(pid) - cpu_s, count, publisher.acknowledged


def main() -> int:
    """Measure as the command line says."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument(
        "--seconds", type=float, default=10.0, help="for how long is published (%(default)s)"
    )
    options.add_argument("--brokers", required=True, help="a Kafka that runs")
    given = options.parse_args()
    return measure(given.brokers, "bench-mqtt.", given.seconds)


if __name__ == "__main__":
    raise SystemExit(main())
