"""What the kernels of the judge read and write: columns in families, by what they are for.

Each is a tuple of arrays, which costs a call less than as many arguments. Times are ms, n frames of d devices of p
patients; `SEEN`, signals, rules as in `tables`. All arrays are C-contiguous and can be written.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]


class Log(NamedTuple):
    """Frames in log order, (n,), `values` and their `bits` (n, carried), `carried` (carried,) which signals.

    `row` is the patient's, `device` the device's.
    """

    row: Ints
    device: Ints
    boot: Ints
    seq: Ints
    event_ms: Ints
    append_ms: Ints
    interval_ms: Ints
    offset: Ints
    values: Floats
    bits: NDArray[np.uint64]
    carried: Ints


class Numbers(NamedTuple):
    """The memory of a device's sequence numbers and of its clock, (d,); `lap` and `digest` (d, SEEN)."""

    boot: Ints
    high: Ints
    lap: NDArray[np.uint16]
    digest: NDArray[np.uint32]
    event_ms: Ints
    append_ms: Ints
    clock: Bytes
    conflict_ms: Ints
    conflict_before_ms: Ints


class Heard(NamedTuple):
    """When frames of a device came, (d,)."""

    heard_ms: Ints
    used: Ints
    interval_ms: NDArray[np.int32]
    now_ms: Ints
    came_ms: Ints


class Readings(NamedTuple):
    """A device's last readings, (d, signals)."""

    newest_ms: Ints
    value: Floats
    value_ms: Ints
    lost_ms: Ints


class Missed(NamedTuple):
    """Missing readings of a device, (d,); counts are (d, slots, periodic signals)."""

    missing_ms: Ints
    counted_ms: Ints
    slot: Ints
    came: NDArray[np.uint16]
    missed: NDArray[np.uint16]
    gaps: NDArray[np.uint16]


class Runs(NamedTuple):
    """A device's runs of violations, (d, rules); `has_excess` (d,)."""

    onset_ms: Ints
    clear_ms: Ints
    area: Floats
    excess_ms: Floats
    has_excess: Bools


class Patients(NamedTuple):
    """Patients, (p,); `slots` (p, devices) are the rows of their devices, 0 = none."""

    came: Bytes
    dirty: Bools
    slots: NDArray[np.int32]
    own_limits: Bools
    age_band: Bytes
    scale2: Bools
    pause: Bytes


class Alarms(NamedTuple):
    """Alarms of patients, (p, alarms), and their own limits, (p, rules)."""

    state: Bytes
    onset_ms: Ints
    over_ms: Ints
    extreme: Floats
    low: Floats
    high: Floats


class Buckets(NamedTuple):
    """Windows of patients: `bucket` (slots, p), the others (slots, p, windowed signals)."""

    bucket: NDArray[np.int32]
    count: NDArray[np.uint16]
    sum: NDArray[np.int32]
    low: NDArray[np.uint16]
    high: NDArray[np.uint16]


class Columns(NamedTuple):
    """All columns of a table."""

    numbers: Numbers
    heard: Heard
    readings: Readings
    missed: Missed
    runs: Runs
    patients: Patients
    alarms: Alarms
    buckets: Buckets


class Limits(NamedTuple):
    """The limit rules (`clinical.compiled_limits`), (rules,); `turn` is in which turn each begins.

    `uncovered` are those that no pause covers; `by_area` and `by_excess` whether any rule has an integral, an excess.
    """

    signal: Ints
    low: Floats
    high: Floats
    inside_low: Floats
    inside_high: Floats
    margin: Floats
    delay_ms: Ints
    clear_delay_ms: Ints
    band_low: Floats
    band_high: Floats
    bound_low: Floats
    bound_high: Floats
    scale2_low: Floats
    rank: Bytes
    latch: Bools
    outranks: NDArray[np.float32]
    tells: NDArray[np.float32]
    telling: Bools
    integral: Floats
    gap_ms: Ints
    excess_ms: Floats
    uncovered: Bools
    turn: Ints
    turns: int
    by_area: bool
    by_excess: bool


class Rules(NamedTuple):
    """All else that is decided by: time, what a sensor can report, who counts as heard, the table of transitions.

    Arrays are of shape (signals,), but for `periodic`, the periodic signals, `following` and `phase` (states, events)
    and `withholds` (kinds of pause). `babbling` and `check_sensor` are columns of alarms, -1 for none. `factors` are
    those of a digest: the times', then the signals'.
    """

    recorded: bool
    ahead_ms_max: int
    horizon_ms: int
    plausible_low: Floats
    plausible_high: Floats
    strictest_low: Floats
    strictest_high: Floats
    factors: NDArray[np.uint64]
    periodic: Ints
    withholds: Bools
    following: Bytes
    phase: Bytes
    babbling: int
    check_sensor: int
    silence_ms: int
    loss_ms: int
    hr: int
    pulse: int
    rate_age_ms: int
    rate_share: float


class Frame(NamedTuple):
    """One frame whose time was judged."""

    at: int
    row: int
    now_ms: int
    arrival_ms: int
    interval_ms: int
    comes_next: bool


class Sample(NamedTuple):
    """One frame's samples, (signals,), and what its device measured before; of `clinical.limits.Samples`."""

    value: Floats
    judged: Bools
    before: Floats
    newest_ms: Ints
    gap_ms: Ints


class Look(NamedTuple):
    """What one frame means for each rule, (rules,): the run with it, the alarm after it."""

    event: Bytes
    state: Bytes
    phase: Bytes
    sampled: Bools
    below: Bools
    broken: Bools
    over: Bools
    onset_ms: Ints
    clear_ms: Ints
    area: Floats
    excess_ms: Floats
    covered: Bools


class Found(NamedTuple):
    """What came of the frames. `times` (m, 8) and `sizes` (m, 2) have a row for each of m transitions.

    `times`: frame, rule, phase, state, onset, the frame's time, its arrival, whether an excess began it. `sizes`:
    value, worst value. `left` (n,) are frames that were not judged; `counts` are how many of each kind, `ends` how many
    transitions, how many left, and the place of an event that cannot happen (-1): frame, rule.
    """

    times: Ints
    sizes: Floats
    left: Ints
    counts: Ints
    ends: Ints
