"""One patient and the alarms of one, as the plain reference keeps them. Times in ms, values in the signals' units."""

from dataclasses import dataclass, field

from streams.contracts.alert import episode_id

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
    # of limits: the worst value, as text if it is a bound, and the onset of the last episode that is over
    worst: float | None = None
    bound: str = ""
    over_onset: int = -1
    # the worst value that somebody knows of
    known: float | None = None
    # whether the pause in force covers this episode though it is high: "", "condition", or "latched"
    in_pause: str = ""
    # of levels: since when each level differs from what is told
    moving: dict[int, int] = field(default_factory=dict)
    never_withheld: bool = False
    # of limits wider than the unit's: how wide they were when it was told
    width: float | None = None

    @property
    def is_open(self):
        return self.stands in OPEN

    @property
    def is_announced(self):
        return self.stands in ANNOUNCED

    def rest(self):
        """Forget the episode."""
        over = max(self.over_onset, -1 if self.onset is None else self.onset)
        self.__init__(self.rule, self.kind, over_onset=over, never_withheld=self.never_withheld)


@dataclass
class Run:
    """What one device measures under one limit rule: since when it is violated, since when inside again."""

    onset: int | None = None
    inside_since: int | None = None
    area: float = 0.0
    excess: float = 0.0


@dataclass(eq=False)
class Device:
    """What a device said: it speaks for itself (docs/rules.md, "Several devices")."""

    boot: int
    # numbers of the present count with what their frames said
    said: dict[int, object] = field(default_factory=dict)
    top: int = -1
    used: int = -1
    conflicts: list[int] = field(default_factory=list)
    # time
    event_ms: int | None = None
    append_ms: int | None = None
    heard_ms: int | None = None
    clock: str = "live"
    interval_ms: int = 1000
    now_ms: int | None = None
    came_ms: int | None = None
    # readings
    newest: dict[str, int] = field(default_factory=dict)
    value: dict[str, float] = field(default_factory=dict)
    value_ms: dict[str, int] = field(default_factory=dict)
    lost_ms: dict[str, int] = field(default_factory=dict)
    runs: dict[str, Run] = field(default_factory=dict)
    # missing readings: the last one, since when they are counted, [came, missing, gaps] by stretch and signal
    missing_ms: int | None = None
    counted_ms: int | None = None
    counts: dict[tuple[int, str], list[int]] = field(default_factory=dict)

    def of_another_stay(self):
        """Return what is still known of the device when its patient has left: what it said, and its clock."""
        return Device(
            self.boot,
            said=self.said,
            top=self.top,
            used=self.used,
            event_ms=self.event_ms,
            append_ms=self.append_ms,
            clock=self.clock,
            interval_ms=self.interval_ms,
            now_ms=self.now_ms,
            came_ms=self.came_ms,
            newest={name: time_ms + 1 for name, time_ms in self.newest.items()},
        )

    def run(self, rule):
        return self.runs.setdefault(rule, Run())


@dataclass(eq=False)
class Bed:
    """One patient."""

    name: str
    alarms: dict[str, Alarm]
    # readings
    devices: dict[str, Device] = field(default_factory=dict)
    heard_ms: int | None = None
    came: int = 0
    pushed_out_ms: int | None = None
    half_minutes: dict[tuple[str, int], list[int]] = field(default_factory=dict)
    # profile and limits
    limits: dict = field(default_factory=dict)
    band: str = "adult"
    age_is_known: bool = False
    scale2: bool = False
    oxygen: bool | None = None
    ward: str = ""
    held_until: int | None = None
    since_ms: int | None = None
    # when somebody last ordered something, or was last heard whose device was taken off
    known_ms: int | None = None
    withdrawn: object = None
    discharged: bool = False
    # pause
    pause: str = ""
    pause_ms: int = -1
    pause_until: int | None = None
    commands: list = field(default_factory=list)
    # scores: when each last lapsed
    lapsed_ms: dict[str, int] = field(default_factory=dict)

    def heard(self):
        """Return the devices that were heard in this stay."""
        return [device for device in self.devices.values() if device.heard_ms is not None]

    def latest(self, name):
        """Return the device that took the last valid reading of a signal, None if there is none."""
        found = [device for device in self.devices.values() if name in device.value_ms]
        return max(found, key=lambda device: (device.value_ms[name], device.used), default=None)

    def end_runs(self, rule):
        for device in self.devices.values():
            run = device.run(rule)
            run.onset, run.inside_since, run.area = None, None, 0.0

    @property
    def is_monitored(self):
        """Whether more than a single frame has come, or somebody has admitted the patient."""
        return self.came != 1 or self.since_ms is not None

    def covered(self, alarm):
        """Return the pause that covers an alarm: of medium priority and below, or open when the pause began."""
        return self.pause if self.yields(alarm) or alarm.in_pause else ""

    @staticmethod
    def yields(alarm):
        """Whether every pause covers an alarm of this priority; what is told of the alarm system none does."""
        return alarm.kind != "advisory" and alarm.priority != "high" and not alarm.never_withheld

    def withheld(self, alarm):
        """Whether an alarm may not begin: under an alarm pause, while an audio pause only silences."""
        return self.pause.startswith("alarm") and self.yields(alarm)

    def open_alarms(self):
        return [alarm for alarm in self.alarms.values() if alarm.is_open]

    def episode(self, alarm):
        return episode_id(self.name, alarm.rule, alarm.onset)
