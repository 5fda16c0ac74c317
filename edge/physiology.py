"""Plausible vital signs of a simulated ward: the same seed gives the same patients and the same readings.

Every value is a pure function of seed, bed, time and frame number, and a bed's values do not depend on how
many beds there are. Time runs faster than in people: what takes a patient hours takes minutes here, so that
somebody who watches sees alarms start and end. Every third bed deteriorates again and again (onset, ramp,
hold, recovery); some of them are found in the middle of it at time 0.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import ABSENT, ACVPU, COUNT, INDEX, REPORTED, SIGNALS
from edge.artefacts import disturb

Floats = NDArray[np.float64]
Value = float | str | bool | None


@dataclass(frozen=True, slots=True)
class Healthy:
    """A signal at rest, in its unit: where patients lie, how far they drift, how noisy the sensor is."""

    low: float
    high: float
    drift: float
    noise: float


REST: Final[dict[str, Healthy]] = {
    "hr": Healthy(62, 92, 3.0, 0.8),
    "spo2": Healthy(95.5, 98.5, 0.5, 0.3),
    "resp": Healthy(13, 19, 1.0, 0.6),
    "abp_sys": Healthy(108, 138, 4.0, 1.5),
    "abp_dia": Healthy(62, 78, 2.5, 1.0),
    "temp": Healthy(36.5, 37.3, 0.1, 0.03),
    "etco2": Healthy(34, 40, 1.0, 0.6),
}


@dataclass(frozen=True, slots=True)
class Deterioration:
    """One way to get worse: where signals go (`target`) and by how much others follow (`shift`), in units.

    `delay_s` is how long monitors usually wait before they alarm on it; the opening of a run is timed by it.
    """

    name: str
    target: dict[str, tuple[float, float]]
    shift: dict[str, float]
    delay_s: float
    ramp_s: tuple[float, float]
    recovery_s: tuple[float, float]


# Targets lie beyond the usual adult limits (SpO2 90, desaturation 80, HR 120/50, RR 8, systolic 90, 39 Cel).
DETERIORATIONS: Final = (
    Deterioration("desaturation", {"spo2": (72, 77)}, {"hr": 12, "resp": 6}, 15, (10, 40), (2, 3)),
    Deterioration("tachycardia", {"hr": (148, 170)}, {"abp_sys": -8, "resp": 3}, 10, (5, 20), (2, 3)),
    Deterioration(
        "hypotension", {"abp_sys": (68, 80), "abp_dia": (38, 45)}, {"hr": 18}, 10, (15, 40), (2, 4)
    ),
    Deterioration("bradypnoea", {"resp": (4, 5.5)}, {"spo2": -2.5, "etco2": 16}, 15, (10, 30), (2, 3)),
    Deterioration("fever", {"temp": (39.4, 40.3)}, {"hr": 14, "resp": 4}, 0, (60, 120), (60, 120)),
    Deterioration("bradycardia", {"hr": (38, 43)}, {"abp_sys": -10}, 10, (5, 20), (2, 3)),
)

ILL_EVERY: Final = 3
SHORT_OPENING_S: Final = (7.0, 8.5)
LONG_OPENING_AFTER_DELAY_S: Final = (1.5, 4.0)
CUFF_EVERY_S: Final = 300.0
TEMP_EVERY_S: Final = 30.0
CHART_EVERY_S: Final = 600.0
DROWSY_AT: Final = 0.8
"""Share of a full deterioration at which a patient is charted as responding to voice only."""

_HR, _PULSE, _SPO2 = INDEX["hr"], INDEX["pulse"], INDEX["spo2"]
_ABP = (INDEX["abp_sys"], INDEX["abp_dia"], INDEX["abp_mean"])
_NBP = (INDEX["nbp_sys"], INDEX["nbp_dia"], INDEX["nbp_mean"])
_RESOLUTION: Final = np.array([signal.resolution for signal in SIGNALS])
_HALF_WAVES_S: Final = ((90.0, 400.0), (35.0, 80.0))
"""Periods of the two drifts that every signal has."""


class Ward:
    """The patients of one run."""

    def __init__(self, beds: int, seed: int) -> None:
        """Admit `beds` patients, drawn from `seed`."""
        self.beds = beds
        self.seed = seed
        # One row a bed, and rows are drawn in order: a larger ward starts with the same patients.
        draws = np.random.default_rng([seed, 0]).random((beds, 8 + 5 * COUNT))
        person, per_signal = draws[:, :8], draws[:, 8:].reshape(beds, 5, COUNT)
        self._base = np.full((beds, COUNT), np.nan)
        self._drift, self._noise = np.zeros(COUNT), np.zeros(COUNT)
        for name, rest in REST.items():
            column = INDEX[name]
            self._base[:, column] = rest.low + (rest.high - rest.low) * per_signal[:, 0, column]
            self._drift[column], self._noise[column] = rest.drift, rest.noise
        periods = [low + (high - low) * per_signal[:, 1 + i] for i, (low, high) in enumerate(_HALF_WAVES_S)]
        self._turns_per_s = np.stack([1 / period for period in periods])
        self._phase = np.stack([per_signal[:, 3], per_signal[:, 4]])
        self._fall_ill(person, per_signal[:, 0])
        hypotensive = self.kind == 2
        self.arterial_line = (person[:, 4] < 0.35) | hypotensive
        self._capnograph = person[:, 5] < 0.2
        self._on_oxygen = person[:, 6] < 0.25
        self._chart_phase_s = person[:, 7] * CHART_EVERY_S

    def _fall_ill(self, person: Floats, per_signal: Floats) -> None:
        """Decide who deteriorates, how, how far, and when."""
        bed = np.arange(self.beds)
        turn = bed // ILL_EVERY  # by position and not by chance: a small ward has somebody to watch too
        self.kind = np.where(bed % ILL_EVERY == 0, turn % len(DETERIORATIONS), -1)
        opening = np.where(self.kind >= 0, (turn // 2) % 4, -1)
        self._change = np.zeros((self.beds, COUNT))
        self._ramp_s, self._recovery_s = np.ones(self.beds), np.ones(self.beds)
        delay_s = np.zeros(self.beds)
        for kind, how in enumerate(DETERIORATIONS):
            ill = self.kind == kind
            for name, (low, high) in how.target.items():
                column = INDEX[name]
                target = low + (high - low) * per_signal[ill, column]
                self._change[ill, column] = target - self._base[ill, column]
            for name, shift in how.shift.items():
                self._change[ill, INDEX[name]] = shift
            self._ramp_s[ill] = how.ramp_s[0] + np.ptp(how.ramp_s) * person[ill, 0]
            self._recovery_s[ill] = how.recovery_s[0] + np.ptp(how.recovery_s) * person[ill, 0]
            delay_s[ill] = how.delay_s
        self._hold_s = 40 + 140 * person[:, 1]
        self._cycle_s = self._ramp_s + self._hold_s + self._recovery_s + 120 + 480 * person[:, 2]
        chance = person[:, 3]
        recovers_s = np.select(
            [opening == 0, opening == 1],
            [
                SHORT_OPENING_S[0] + np.ptp(SHORT_OPENING_S) * chance,
                delay_s + LONG_OPENING_AFTER_DELAY_S[0] + np.ptp(LONG_OPENING_AFTER_DELAY_S) * chance,
            ],
            default=0.0,
        )
        # Seconds into the cycle at time 0: about to recover, about to fall ill, or anywhere.
        self._cycle_start_s = np.select(
            [(opening == 0) | (opening == 1), opening == 2],
            [self._ramp_s + self._hold_s - recovers_s, self._cycle_s - 10 * chance],
            default=self._cycle_s * chance,
        )

    def severity(self, time_s: Floats) -> Floats:
        """Return how far each deterioration has got at `time_s` (shape (beds,)): 0 = well, 1 = full."""
        into_s = np.mod(time_s + self._cycle_start_s, self._cycle_s)
        left_s = self._ramp_s + self._hold_s + self._recovery_s - into_s
        rising, falling = into_s / self._ramp_s, left_s / self._recovery_s
        share: Floats = np.where(self.kind >= 0, np.clip(np.minimum(rising, falling), 0.0, 1.0), 0.0)
        return share

    def readings(self, number: int, time_s: Floats, previous_s: Floats) -> Floats:
        """Return what the monitors show in each bed's `number`-th frame.

        Args:
            number: which frame since the start, from 0; it selects the noise.
            time_s: moment of each bed's frame, s since the start, shape (beds,).
            previous_s: moment of each bed's frame before; -inf for the first one, which carries everything.

        Returns:
            Shape (beds, COUNT), in the signals' units: NaN = attached, no reading; `ABSENT` = not measured.
        """
        severity = self.severity(time_s)
        turns = time_s[None, :, None] * self._turns_per_s + self._phase
        wander = np.sin(2 * np.pi * turns).sum(axis=0) * (self._drift / 2)
        noise = np.random.default_rng([self.seed, 1, number]).standard_normal((self.beds, COUNT))
        values: Floats = self._base + wander + severity[:, None] * self._change
        values[:, _PULSE] = values[:, _HR] + noise[:, _PULSE] * REST["hr"].noise
        values += noise * self._noise
        for systolic, diastolic, mean in (_ABP, _NBP):
            values[:, systolic], values[:, diastolic] = values[:, _ABP[0]], values[:, _ABP[1]]
            values[:, mean] = (values[:, systolic] + 2 * values[:, diastolic]) / 3
        values[:, _SPO2] = np.minimum(values[:, _SPO2], 100.0)
        self._chart(values, severity)
        values = np.round(values / _RESOLUTION) * _RESOLUTION
        disturb(values, self.seed, time_s)
        self._leave_out(values, time_s, previous_s)
        return values

    def _chart(self, values: Floats, severity: Floats) -> None:
        """Fill in what people write down."""
        drowsy = (severity > DROWSY_AT) & np.isin(self.kind, (2, 3))
        values[:, INDEX["consciousness"]] = np.where(drowsy, ACVPU.index("V"), 0)
        values[:, INDEX["on_oxygen"]] = self._on_oxygen
        values[:, INDEX["fio2"]] = np.where(self._on_oxygen, 28.0, 21.0)

    def _leave_out(self, values: Floats, time_s: Floats, previous_s: Floats) -> None:
        """Make absent what a bed does not measure, or not in this frame."""

        def due(every_s: float) -> NDArray[np.bool_]:
            now, before = (np.floor((time + self._chart_phase_s) / every_s) for time in (time_s, previous_s))
            changed: NDArray[np.bool_] = now != before
            return changed

        cuff, thermometer, chart = due(CUFF_EVERY_S), due(TEMP_EVERY_S), due(CHART_EVERY_S)
        values[np.ix_(~self.arterial_line, _ABP)] = ABSENT
        values[np.ix_(self.arterial_line | ~cuff, _NBP)] = ABSENT
        values[~self._capnograph, INDEX["etco2"]] = ABSENT
        values[~thermometer, INDEX["temp"]] = ABSENT
        for name in ("consciousness", "on_oxygen", "fio2"):
            values[~chart, INDEX[name]] = ABSENT
        for name in REPORTED:  # no bed of ours reports its own alarms
            values[:, INDEX[name]] = ABSENT


def signals_of(row: Floats) -> dict[str, Value]:
    """Return one row of `Ward.readings` (shape (COUNT,)) as a frame's signals."""
    signals: dict[str, Value] = {}
    for signal, value in zip(SIGNALS, row.tolist(), strict=True):
        if value == ABSENT:
            continue
        if value != value:  # NaN
            signals[signal.name] = None
        elif signal.name == "consciousness":
            signals[signal.name] = ACVPU[int(value)]
        elif signal.name == "on_oxygen":
            signals[signal.name] = bool(value)
        else:
            signals[signal.name] = round(value, 1)
    return signals
