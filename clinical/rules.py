"""What a rule is: limits with delay and hysteresis, technical conditions, score alarms.

A `RuleSet` is configuration: `clinical.defaults` holds the built-in one, `streams.config.rules_file` reads another.
Times are in seconds here, as people write them; the vectorised decisions use `clinical.compiled_limits`, in ms.
"""

from dataclasses import dataclass, field
from typing import Final

from clinical.bounds import NEVER_WITHHELD, WORSE_SHARE, WORSE_STEP, furthest
from clinical.vitals import FLAGS

PRIORITIES: Final = ("low", "medium", "high")
"""In rising order; a priority's position is its rank (IEC 60601-1-8)."""

RULES_MAX: Final = 64
"""Bound on limit rules, so that a patient's record stays bounded."""

TRENDS_MAX: Final = 16
"""Bound on trend rules, and on drift rules."""

DELAY_S_MAX: Final = 3600

GAP_S: Final = 10.0
"""Longest time between two valid readings of one run: a probe that flickers, shivering. In public recordings runs held
over gaps of up to 10 s add 1 start to 672. Our choice [M]."""

SIGN_OFF_MS: Final = 86_400_000
"""A device that announces its next frame for a day later has none to send for now."""

STEPS_MAX: Final = 8
"""Bound on the steps of responsibility."""

AGE_BANDS: Final = (
    *("adult", "paediatric", "neonate"),
    *("young-infant", "infant", "young-child", "child", "adolescent"),
)
"""Age bands; a band's position is its row in the compiled limits, and its code in records.

`paediatric` stands for a child whose age nobody said.
"""

CHILDREN: Final = AGE_BANDS[3:]
"""Bands that tell a child's age; where a rule has no limits for one, those of `paediatric` hold."""

AGE_MONTHS_FROM: Final = {
    "neonate": 0,
    "young-infant": 0,
    "infant": 3,
    "young-child": 12,
    "child": 48,
    "adolescent": 144,
}
"""Age in months from which on a band holds, where it tells the age: the rows of Parshuram 2009, table 1."""


@dataclass(frozen=True, slots=True)
class AgeLimits:
    """A rule's limits in one age band, in the signal's unit; `None` on a side is no limit there.

    `low_min` and `high_max` are the furthest limits that an order may set.
    """

    low: float | None = None
    high: float | None = None
    source: str = ""
    low_min: float | None = None
    high_max: float | None = None


@dataclass(frozen=True, slots=True)
class LimitRule:
    """A limit alarm on one signal, in the signal's unit.

    Violated while value < `low` or value > `high`. Starts at the first violating sample `delay_s` or more after
    the run's first, or at once where the device announces that no sample will come within the delay. Ends when
    the value has been inside by `clear_margin` for `clear_delay_s`, or, when it latches, stays from then on until
    it is acknowledged.
    `low` and `high` are an adult's; a band that is `None` has the same. With `integral` (signal unit x s) the
    alarm waits for depth times duration instead (`clinical.integral`), `delay_s` above 0 then being the longest
    wait. A missing reading pauses a run: it goes on with a violating sample within `gap_s` of the last valid one.
    With `excess_s` the alarm also starts, and then stays, while the signal was violated for so much longer than it
    was not, wherever its runs begin and end. `low_min` and `high_max` bound what an order may set for a patient; where
    they are `None`, and in age bands, see `furthest`. An alarm that somebody knows of is told again when it is worse by
    `worse_step` (signal's unit) or `worse_share` (of the value that is known). `never_withheld`: no pause holds it
    back, whatever its priority. `told_by` names another signal that measures the same: while a rule on it of
    the same side, at least as severe, is announced and both signals agree (`clinical.rates`), this one is not.
    """

    id: str
    signal: str
    low: float | None = None
    high: float | None = None
    delay_s: float = 0.0
    clear_margin: float = 0.0
    clear_delay_s: float = 0.0
    priority: str = "medium"
    source: str = ""
    paediatric: AgeLimits | None = None
    neonate: AgeLimits | None = None
    young_infant: AgeLimits | None = None
    infant: AgeLimits | None = None
    young_child: AgeLimits | None = None
    child: AgeLimits | None = None
    adolescent: AgeLimits | None = None
    latch: bool = False
    integral: float | None = None
    gap_s: float = GAP_S
    excess_s: float | None = None
    low_min: float | None = None
    high_max: float | None = None
    worse_step: float | None = None
    worse_share: float | None = None
    never_withheld: bool = False
    told_by: str | None = None

    def limits(self, age_band: str) -> AgeLimits:
        """Return the limits that hold in an age band of `AGE_BANDS`."""
        own: AgeLimits | None = None if age_band == "adult" else getattr(self, field_of(age_band))
        if own is None and age_band in CHILDREN:
            own = self.paediatric
        return own or AgeLimits(self.low, self.high, self.source)

    def furthest(self, age_band: str) -> tuple[float | None, float | None]:
        """Return the furthest limits that an order may set in an age band, `None` where the rule has no limit.

        In a band without bounds of its own a limit may be moved as far as an adult's, and where the rule has none at
        all as far as `clinical.bounds` says.
        """
        own = self.limits(age_band)
        return (
            self._bound("low", age_band, own.low, own.low_min, self.low, self.low_min),
            self._bound("high", age_band, own.high, own.high_max, self.high, self.high_max),
        )

    def _bound(
        self,
        side: str,
        age_band: str,
        limit: float | None,
        bound: float | None,
        adult: float | None,
        adult_bound: float | None,
    ) -> float | None:
        if limit is None or self.signal in FLAGS:
            return limit
        if bound is not None:
            return bound
        if adult is not None and adult_bound is not None:
            return limit + (adult_bound - adult)
        return furthest(self.signal, side, self.priority, age_band, limit)

    @property
    def is_never_withheld(self) -> bool:
        """Whether neither a pause nor a sensor in doubt holds the alarm back."""
        return self.never_withheld or self.signal in NEVER_WITHHELD

    @property
    def worse_by(self) -> tuple[float | None, float | None]:
        """Return by how much, in the signal's unit, and by which share an alarm is worse by a step."""
        if self.worse_step is not None or self.worse_share is not None:
            return self.worse_step, self.worse_share
        return WORSE_STEP.get(self.signal), WORSE_SHARE.get(self.signal)


def field_of(age_band: str) -> str:
    """Return the key of a rule that holds its limits in an age band other than `adult`."""
    return age_band.replace("-", "_")


@dataclass(frozen=True, slots=True)
class TrendRule:
    """An alarm on the straight line through the last `minutes` of a signal, in the signal's unit.

    Fulfilled when the line falls by `fall` or rises by `rise` a minute, or crosses `low` or `high` within
    `ahead_min` minutes; starts when that has held for `delay_s`.
    """

    id: str
    signal: str
    minutes: int = 10
    fall: float | None = None
    rise: float | None = None
    low: float | None = None
    high: float | None = None
    ahead_min: float = 10.0
    delay_s: float = 60.0
    priority: str = "low"
    source: str = ""


@dataclass(frozen=True, slots=True)
class DriftRule:
    """An alarm on a slow change: a CUSUM of what an EWMA of 15 minutes did not predict.

    `sigma` is the signal's usual spread of half-minute means, in its unit; `weight`, `slack` and `threshold` are
    the EWMA's weight and the CUSUM's k and h, in standard deviations (textbook values, `clinical.trends`).
    """

    id: str
    signal: str
    sigma: float
    weight: float = 0.2
    slack: float = 0.5
    threshold: float = 5.0
    delay_s: float = 60.0
    priority: str = "low"
    source: str = ""


@dataclass(frozen=True, slots=True)
class TechnicalRules:
    """Loss of data and what is not to be believed, decided by ticks. Times in s.

    Losses have low priority at first, medium after `escalate_s`. `check_sensor_s` is how long heart rate and pulse
    disagree (0 = never told), `device_fault_s` how long a device babbles, has a wrong clock or sends only
    held-back readings; `ward_silent` makes one alarm of a ward whose devices fall silent together. `vital_loss_s` is
    how long pulse, oxygen saturation and heart rate or respiration have been lost together (`clinical.vital_loss`; 0 =
    never told), `age_unknown_s` how long a patient is measured whose limits hang on an age that nobody said (0 = never
    told; recordings say no ages).
    """

    silent_device_s: float = 15.0
    signal_loss_s: float = 20.0
    escalate_s: float = 60.0
    check_sensor_s: float = 5.0
    device_fault_s: float = 30.0
    vital_loss_s: float = 10.0
    age_unknown_s: float = 60.0
    ward_silent: bool = True
    enabled: bool = True


@dataclass(frozen=True, slots=True)
class News2Rules:
    """NEWS2 band alarms (RCP 2017), decided by ticks.

    Needs at least `inputs_min` of the seven inputs; a crossing is reported when it has held for `delay_s`.
    """

    enabled: bool = True
    inputs_min: int = 5
    delay_s: float = 30.0


@dataclass(frozen=True, slots=True)
class ScoreRule:
    """Band alarms of another score of `clinical.scores`, as `News2Rules`."""

    id: str
    inputs_min: int = 1
    delay_s: float = 30.0


@dataclass(frozen=True, slots=True)
class PauseRules:
    """Pauses of a patient's alarms. `off_s_max` is when `alarm-off` and `audio-off` end by themselves, s."""

    off_s_max: float = 3600.0


@dataclass(frozen=True, slots=True)
class Step:
    """One step of responsibility: who is asked, and for how long before the next is, s."""

    to: str
    after_s: float


STEPS: Final = (Step("nurse", 60.0), Step("charge-nurse", 60.0), Step("rapid-response", 120.0))
"""Our proposal: no source gives a legal time; 60 to 120 s is the step that secondary alarm systems use for high."""


@dataclass(frozen=True, slots=True)
class RuleSet:
    """Everything that can alarm, and who answers for it."""

    limits: tuple[LimitRule, ...]
    technical: TechnicalRules = field(default_factory=TechnicalRules)
    news2: News2Rules = field(default_factory=News2Rules)
    responsibility: tuple[Step, ...] = STEPS
    scores: tuple[ScoreRule, ...] = ()
    trends: tuple[TrendRule, ...] = ()
    drifts: tuple[DriftRule, ...] = ()
    pauses: PauseRules = field(default_factory=PauseRules)
