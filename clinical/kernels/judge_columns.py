"""What the kernels of the judge read and write: columns in families, by what they are for.

Each is a tuple of arrays, which costs a call less than as many arguments. Times are ms, n frames of d devices of p
patients; `SEEN`, signals, rules as in `tables`. All arrays are C-contiguous and can be written.
"""

from typing import Annotated, Any, NamedTuple, get_args, get_type_hints

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Bytes = NDArray[np.uint8]
# Of so many axes, where it is not one.
Ints2 = Annotated[NDArray[np.int64], 2]
Floats2 = Annotated[NDArray[np.float64], 2]
Bytes2 = Annotated[NDArray[np.uint8], 2]
Weights2 = Annotated[NDArray[np.float32], 2]
Counts3 = Annotated[NDArray[np.uint16], 3]


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
    values: Floats2
    bits: Annotated[NDArray[np.uint64], 2]
    carried: Ints


class Numbers(NamedTuple):
    """The memory of a device's sequence numbers and of its clock, (d,); `lap` and `digest` (d, SEEN)."""

    boot: Ints
    high: Ints
    lap: Annotated[NDArray[np.uint16], 2]
    digest: Annotated[NDArray[np.uint32], 2]
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

    newest_ms: Ints2
    value: Floats2
    value_ms: Ints2
    lost_ms: Ints2


class Missed(NamedTuple):
    """Missing readings of a device, (d,); counts are (d, slots, periodic signals)."""

    missing_ms: Ints
    counted_ms: Ints
    slot: Ints
    came: Counts3
    missed: Counts3
    gaps: Counts3


class Runs(NamedTuple):
    """A device's runs of violations, (d, rules); `has_excess` (d,)."""

    onset_ms: Ints2
    clear_ms: Ints2
    area: Floats2
    excess_ms: Floats2
    has_excess: Bools


class Patients(NamedTuple):
    """Patients, (p,); `slots` (p, devices) are the rows of their devices, 0 = none."""

    came: Bytes
    dirty: Bools
    slots: Annotated[NDArray[np.int32], 2]
    own_limits: Bools
    age_band: Bytes
    scale2: Bools
    pause: Bytes


class Alarms(NamedTuple):
    """Alarms of patients, (p, alarms), and their own limits, (p, rules).

    `comparator` is nought where the worst value is a number, as any is that is judged here.
    """

    state: Bytes2
    onset_ms: Ints2
    over_ms: Ints2
    extreme: Floats2
    comparator: Floats2
    low: Floats2
    high: Floats2


class Buckets(NamedTuple):
    """Windows of patients: `bucket` (slots, p), the others (slots, p, windowed signals); `entered` is how many."""

    bucket: Annotated[NDArray[np.int32], 2]
    entered: Counts3
    sum: Annotated[NDArray[np.int32], 3]
    low: Counts3
    high: Counts3


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

    `never_suppressed` are those that no pause suppresses; `by_area` and `by_excess` tell whether any rule has an
    integral, an excess.
    """

    signal: Ints
    low: Floats
    high: Floats
    inside_low: Floats
    inside_high: Floats
    margin: Floats
    delay_ms: Ints
    clear_delay_ms: Ints
    band_low: Floats2
    band_high: Floats2
    bound_low: Floats2
    bound_high: Floats2
    scale2_low: Floats
    rank: Bytes
    latch: Bools
    outranks: Weights2
    tells: Weights2
    telling: Bools
    integral: Floats
    gap_ms: Ints
    excess_ms: Floats
    never_suppressed: Bools
    turn: Ints
    turns: int
    by_area: bool
    by_excess: bool


class Rules(NamedTuple):
    """All else that is decided by: time, what a sensor can report, who counts as heard, the table of transitions.

    Arrays are of shape (signals,), but for `periodic`, the periodic signals, `following` and `phase` (states, events)
    and `suppresses` (kinds of pause). `babbling` and `check_sensor` are columns of alarms, -1 for none. `factors` are
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
    suppresses: Bools
    following: Bytes2
    phase: Bytes2
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
    suppressed: Bools


class Found(NamedTuple):
    """What came of the frames. `times` (m, 9) and `sizes` (m, 2) have a row for each of m transitions.

    `times`: frame, rule, phase, state, onset, the frame's time, its arrival, whether an excess began it, the worst
    value's comparator. `sizes`: value, worst value. `left` (n,) are frames that were not judged; `counts` are how many
    of each kind, `ends` how many transitions, how many left, and the place of an event that cannot happen (-1): frame,
    rule.
    """

    times: Ints2
    sizes: Floats2
    left: Ints
    counts: Ints
    ends: Ints


def plain(family: tuple[Any, ...]) -> tuple[Any, ...]:
    """Return a family, or a family of families, as a tuple without names."""
    return tuple(plain(each) if isinstance(each, tuple) else each for each in family)


def example(family: Any) -> Any:
    """Return a family of empty columns and zeros, of the types that the kernels are compiled for."""
    return family(*(_example(hint) for hint in get_type_hints(family, include_extras=True).values()))


def _example(hint: Any) -> Any:
    if isinstance(hint, type):
        return example(hint) if hasattr(hint, "_fields") else hint()
    array, axes = get_args(hint) if hasattr(hint, "__metadata__") else (hint, 1)
    return np.empty((0,) * axes, get_args(get_args(array)[1])[0])
