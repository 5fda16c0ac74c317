"""What the kernel that screens patients at ticks reads besides the columns of the judge of frames, and what it finds.

Families of arrays as in `judge_columns`: p patients, of whom n have the tick before them. Times are ms.
"""

from typing import Annotated, NamedTuple

import numpy as np
from numpy.typing import NDArray

from clinical.kernels.judge_columns import (
    Alarms,
    Bools,
    Buckets,
    Bytes,
    Bytes2,
    Floats,
    Floats2,
    Heard,
    Ints,
    Ints2,
    Limits,
    Missed,
    Numbers,
    Patients,
    Readings,
    Rules,
)


class Stays(NamedTuple):
    """What is known of patients beyond their devices, (p,); `lapsed_ms` (p, scores)."""

    position: Ints
    ticked_ms: Ints
    turn: Bytes
    pushed_out_ms: Ints
    discharged: Bools
    since_ms: Ints
    age_known: Bools
    oxygen: Floats
    pause_ms: Ints
    pause_until_ms: Ints
    silence_held_ms: Ints
    lapsed_ms: Ints2


class Episodes(NamedTuple):
    """What was emitted of open episodes, (p, alarms)."""

    priority: Bytes2
    known: Floats2
    told_ms: Ints2
    step: Bytes2
    answer: Bytes2
    asked_ms: Ints2
    paused: Bytes2


class TickColumns(NamedTuple):
    """All columns that say whether a tick means anything for a patient."""

    numbers: Numbers
    heard: Heard
    readings: Readings
    missed: Missed
    patients: Patients
    alarms: Alarms
    buckets: Buckets
    stays: Stays
    episodes: Episodes


class TickRules(NamedTuple):
    """What ticks are judged by. `silent`, `losses` and so on are columns of alarms, `losses` and `flickers` the first.

    `noted` and `devices` (k,) are columns likewise; `age_ms` (signals,) is how long a reading is usable, `after_ms`
    (steps + 1,) when each step of responsibility is over. A condition whose time is 0 is not judged.
    """

    technical: bool
    silent: int
    losses: int
    flickers: int
    noted: Ints
    devices: Ints
    vital_loss: int
    age_unknown: int
    widened: int
    glass: int
    pulse: int
    vital_loss_ms: int
    asks_age: bool
    slow_ms: int
    turns: int
    babble_min: int
    off_ms: int
    ttl_ms: int
    glass_ms: int
    detached_ms: int
    continue_ms: int
    known_ms: int
    high: int
    requested: int
    unscored_ms: int
    age_ms: Ints
    after_ms: Ints


class Sheets(NamedTuple):
    """The s scores that alarm. `signal`, `age_ms` and `inputs` (s, k): what each reads, -1 = no more.

    How old a reading may be, and which of the score's inputs it is, a bit each. `oxygen` (s,) is the bit of the input
    that the profile may say, `wanted` how many inputs a score needs, `made_for` (s, age bands) for whom it is made,
    `column` its alarm, `place` its column among all scores.
    """

    signal: Ints2
    age_ms: Ints2
    inputs: Ints2
    oxygen: Ints
    wanted: Ints
    made_for: Annotated[NDArray[np.bool_], 2]
    column: Ints
    place: Ints


class Chart(NamedTuple):
    """NEWS2's chart, of m inputs; those from `counted` on are no parameters of their own.

    `signal` and `age_ms` (m, k): what each reads, -1 = no more. A reading in steps of `step` (m,), rounded down with
    `half` (m,) more (0 = not rounded), has the points of the first of its bands that ends not below it: the ends are in
    `upto`, from `first[i]` to `first[i + 1]`, the points in `points`, one more for each input. `red` are the points of
    one parameter that make an alarm, `low_max` is the highest total that makes none, `wanted` how many parameters must
    be fresh. `sheet` is the score's place among those that alarm (-1 = it does not), `place` its column.
    """

    signal: Ints2
    age_ms: Ints2
    step: Floats
    half: Floats
    first: Ints
    upto: Floats
    points: Floats
    counted: int
    wanted: int
    red: float
    low_max: float
    oxygen_points: float
    sheet: int
    place: int


class Laws(NamedTuple):
    """All that ticks are judged by."""

    limits: Limits
    rules: Rules
    asks: TickRules
    sheets: Sheets
    chart: Chart


class Moment(NamedTuple):
    """A tick: its time and its place in the log."""

    now_ms: int
    offset: int


class Screen(NamedTuple):
    """Whom a tick concerns: `rows` are all of a partition, of which those that have not had it yet become the first n.

    `bits` (n,) are what has to be looked at of each (`screen_bits`). `ends`: n, the bits that anybody has, those that
    everybody has.
    """

    rows: Ints
    bits: Ints
    ends: Ints
