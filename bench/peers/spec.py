"""The order of one run: brokers, topics, rules and means, as the SPEC.json that every system is started with.

Standard library only: peers read it in environments of their own.
"""

import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

SIGNALS: Final = ("hr", "pulse", "spo2", "resp", "abp_sys", "abp_dia", "abp_mean")
"""What frames of the bench may carry."""

TICK_PREFIX: Final = b"~"
"""Keys of records that are not frames (Vigil's ticks and commands); peers ignore them."""

MARKER: Final = "marker"
"""Rule of the harness's own patients, by whose alarms it sees that a system has begun and has finished."""
MARKER_HR: Final = 250.0
MARKER_PATIENTS: Final = ("begin-", "end-")

METADATA_AGE_MS: Final = 300_000
"""How old Kafka's clients let what they know of topics become, by default: so late they notice more partitions."""


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit alarm on one signal, as `clinical.rules.LimitRule` but with times in ms; None = no such limit."""

    id: str
    signal: str
    low: float | None
    high: float | None
    delay_ms: int
    clear_margin: float
    clear_delay_ms: int


@dataclass(frozen=True, slots=True)
class News2:
    """The score alarm: scored once in each stretch of `every_ms` of event time, reported when held `delay_ms`."""

    id: str
    inputs_min: int
    delay_ms: int
    every_ms: int


@dataclass(frozen=True, slots=True)
class Spec:
    """What a system is told: where to read and write, how to decide, and which means it may use.

    `group` is new in each run; `state_dir` is a fresh folder; `threads` is how many cores the system may use.
    `standbys`, replicas of the state in other instances, and `metadata_age_ms` are for systems that have such settings.
    """

    brokers: str
    readings: str
    alerts: str
    group: str
    partitions: int
    state_dir: str
    threads: int
    limits: tuple[Limit, ...]
    news2: News2
    standbys: int = 0
    metadata_age_ms: int = METADATA_AGE_MS

    @classmethod
    def load(cls, path: str | Path) -> "Spec":
        """Read SPEC.json; a field that is missing or unknown is a `TypeError` that names it."""
        found = json.loads(Path(path).read_text(encoding="utf-8"))
        limits = tuple(Limit(**limit) for limit in found.pop("limits"))
        return cls(limits=limits, news2=News2(**found.pop("news2")), **found)

    def save(self, path: str | Path) -> None:
        """Write SPEC.json."""
        Path(path).write_text(json.dumps(asdict(self), indent=2) + "\n", encoding="utf-8")
