"""What VSCapture posts and publishes, read for the door: its HTTP path, and messages of MQTT."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from aiohttp import web

from edge.gateway.accept import Reading, Refusal, Sender
from edge.gateway.http import answers
from edge.gateway.http.intakes import Asked, GivenFrames
from edge.gateway.metrics import ProtocolMetrics
from edge.gateway.mqtt.topic_map import ReadMessage
from edge.gateway.vital_recorder.nearest_hour import zone_at
from edge.gateway.vscapture.capture_payload import CaptureProfile, read_capture

PATH: Final = "/v1/vscapture"
Now = Callable[[], int]


def items_of(
    content: bytes, profile: CaptureProfile, device: str, now_ms: int
) -> tuple[list[Reading | Refusal], list[str]]:
    """Return a message's readings, or the one reason why there are none; and what else was left out of it."""
    there = dataclasses.replace(profile, zone=zone_at(profile.zone, now_ms))
    found = read_capture(content, there, device)
    if isinstance(found, Refusal):
        return [found], []
    return [Reading(frame) for frame in found.frames], found.faults


def message_reader(profile_of: Callable[[], CaptureProfile], now_ms: Now) -> ReadMessage:
    """Return what reads a client's messages of MQTT."""
    return lambda content, device: items_of(content, profile_of(), device, now_ms())


class GivenCapture(GivenFrames):
    """The readings of one post."""

    def answer(self, results: Sequence[Refusal | None]) -> web.Response:
        """Return 200 where any is in Kafka: VSCaptureWave logs any other answer as an error."""
        response = answers.taken(results)
        if response.status == 202:
            response.set_status(200)
        return response


class CaptureIntake:
    """A post.

    Args:
        metrics: of VSCapture.
        profile_of: says what is set for a sender, by its name.
        now_ms: the time, ms since the epoch.
    """

    media_types = frozenset({"application/json", "application/vnd.kafka.json.v2+json"})
    problem = staticmethod(answers.problem)

    def __init__(
        self, metrics: ProtocolMetrics, profile_of: Callable[[str], CaptureProfile], now_ms: Now
    ) -> None:
        self.metrics = metrics
        self._profile_of, self._now_ms = profile_of, now_ms

    def read(self, body: bytes, asked: Asked) -> GivenCapture:
        """Return the readings of a body."""
        profile = self._profile_of(asked.sender.name)
        items, faults = items_of(body, profile, _device_of(asked.sender), self._now_ms())
        for fault in faults:
            self.metrics.refused(fault)
        return GivenCapture(items)


def _device_of(sender: Sender) -> str:
    """Return the device of what names none: the client's, where it is one."""
    return sender.name if sender.may_send_for(sender.name) and "*" not in sender.devices else ""


def capture_intakes(
    metrics: ProtocolMetrics, profile_of: Callable[[str], CaptureProfile], now_ms: Now
) -> Mapping[str, CaptureIntake]:
    """Return what takes VSCapture, by path."""
    return {PATH: CaptureIntake(metrics, profile_of, now_ms)}
