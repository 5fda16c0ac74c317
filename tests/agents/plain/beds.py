"""One patient and the alarms of one, as the plain reference keeps them. Times in ms, values in the signals' units."""

from dataclasses import dataclass, field

from streams.alerts import episode_id

OPEN = ("active", "acknowledged", "latched")
ANNOUNCED = ("active", "acknowledged")
RANK = {"low": 0, "medium": 1, "high": 2}


@dataclass
class Alarm:
    """Where one alarm stands: quiet, withheld, active, acknowledged or latched (docs/alarms.md)."""

    rule: str
    kind: str
    priority: str = "low"
    stands: str = "quiet"
    onset: int | None = None
    number: int = 0
    told_ms: int | None = None
    step: int = 0
    status: str = "requested"
    asked_ms: int | None = None
    # of limits
    inside_since: int | None = None
    worst: float | None = None
    area: float = 0.0
    # of levels: since when each level differs from what is told
    moving: dict[int, int] = field(default_factory=dict)

    @property
    def is_open(self):
        return self.stands in OPEN

    @property
    def is_announced(self):
        return self.stands in ANNOUNCED

    def rest(self):
        """Forget the episode or the run."""
        self.__init__(self.rule, self.kind)


@dataclass
class Device:
    """The last frame of one boot of a device: when it was measured and delivered, how its clock was judged."""

    event_ms: int
    append_ms: int
    clock: str


@dataclass(eq=False)
class Bed:
    """One patient."""

    name: str
    alarms: dict[str, Alarm]
    # readings
    frames: dict[tuple[str, int], set[int]] = field(default_factory=dict)
    devices: dict[tuple[str, int], Device] = field(default_factory=dict)
    heard_ms: int | None = None
    interval_ms: int = 1000
    newest: dict[str, int] = field(default_factory=dict)
    value: dict[str, float] = field(default_factory=dict)
    value_ms: dict[str, int] = field(default_factory=dict)
    lost_ms: dict[str, int] = field(default_factory=dict)
    half_minutes: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    # profile and limits
    limits: dict = field(default_factory=dict)
    band: str = "adult"
    scale2: bool = False
    oxygen: bool | None = None
    ward: str = ""
    held_until: int | None = None
    since_ms: int | None = None
    ordered_ms: int | None = None
    discharged: bool = False
    # pause
    pause: str = ""
    pause_rank: int = -1
    pause_ms: int = -1
    pause_until: int | None = None
    commands: list = field(default_factory=list)

    def covered(self, alarm):
        """Return the pause that covers an alarm of this priority; a pause does not cover itself."""
        return self.pause if alarm.kind != "advisory" and RANK[alarm.priority] <= self.pause_rank else ""

    def withheld(self, alarm):
        """Whether nothing of this priority begins: under an alarm pause, while an audio pause only silences."""
        return self.covered(alarm).startswith("alarm")

    def open_alarms(self):
        return [alarm for alarm in self.alarms.values() if alarm.is_open]

    def episode(self, alarm):
        return episode_id(self.name, alarm.rule, alarm.onset)
