"""Kinds of posted readings: how a body of each is read, and in which words it is answered; the contract's frames."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web

from edge.gateway.accept import Reading, Refusal, Sender
from edge.gateway.http import answers
from edge.gateway.items import Unreadable, read_items, split_json, split_lines
from edge.gateway.metrics import ProtocolMetrics

NDJSON_TYPES: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
JSON_TYPES: Final = frozenset({"application/json"})
IDEMPOTENCY_KEY: Final = "Idempotency-Key"
KEY_CHARACTERS_MAX: Final = 255


@dataclass(frozen=True, slots=True)
class Asked:
    """A request but for its body: who sends, the body's media type, the headers, the id that it is put under."""

    sender: Sender
    media_type: str
    headers: Mapping[str, str]
    name: str = ""


class Given(Protocol):
    """What a body holds."""

    async def register(self) -> None:
        """Have stored whatever the readings are filed by; raises as the door does."""

    def hand_over(self) -> list[Reading]:
        """Return the readings for the door, and keep them no longer: while Kafka is waited for they need no memory."""

    def results(self, stored: Sequence[Refusal | None]) -> list[Refusal | None]:
        """Return what became of each item, given what became of each reading; None = in Kafka."""

    def answer(self, results: Sequence[Refusal | None]) -> web.Response:
        """Return the answer that says so."""


class Intake(Protocol):
    """A kind of posted readings."""

    @property
    def metrics(self) -> ProtocolMetrics:
        """Those of its protocol."""

    @property
    def media_types(self) -> frozenset[str]:
        """What it takes."""

    def read(self, body: bytes, asked: Asked) -> Given:
        """Return what a body holds.

        Raises:
            Unreadable: it is not what its type says, or holds nothing.
            TooMany: it holds more than a request may.
        """

    def problem(self, kind: str, detail: str, headers: Mapping[str, str] | None = None) -> web.Response:
        """Return the answer to a whole request that is not taken; `kind` is one of `answers.TITLES`."""


class GivenFrames:
    """Frames of one request."""

    def __init__(self, items: Sequence[Reading | Refusal]) -> None:
        self._readings = [item for item in items if isinstance(item, Reading)]
        self._refusals = [item if isinstance(item, Refusal) else None for item in items]

    async def register(self) -> None:
        """Do nothing: frames are all there is."""

    def hand_over(self) -> list[Reading]:
        """Return the readings, and keep them no longer."""
        readings, self._readings = self._readings, []
        return readings

    def results(self, stored: Sequence[Refusal | None]) -> list[Refusal | None]:
        """Return what became of each frame."""
        answered = iter(stored)
        return [next(answered) if refusal is None else refusal for refusal in self._refusals]

    def answer(self, results: Sequence[Refusal | None]) -> web.Response:
        """Return 202 where any is in Kafka."""
        return answers.taken(results)


class FrameIntake:
    """The contract's frames: an object, an array, or one a line.

    Args:
        metrics: of this protocol.
    """

    media_types = NDJSON_TYPES | JSON_TYPES
    problem = staticmethod(answers.problem)

    def __init__(self, metrics: ProtocolMetrics) -> None:
        self.metrics = metrics

    def read(self, body: bytes, asked: Asked) -> GivenFrames:
        """Return the frames of a body; raises as `Intake` says."""
        key = asked.headers.get(IDEMPOTENCY_KEY, "")
        if len(key) > KEY_CHARACTERS_MAX:
            raise Unreadable(f"{IDEMPOTENCY_KEY} is longer than {KEY_CHARACTERS_MAX}")
        items = read_items(split_lines(body) if asked.media_type in NDJSON_TYPES else split_json(body), key)
        if not items:
            raise Unreadable("the body holds no reading")
        return GivenFrames(items)
