"""Open alarms as a nurse reads them: most severe first, with value, limit, age and who is asked. Pure."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.ward_state import CANARY, SEVERITIES
from streams.contracts.patient_state import Heartbeat, OpenAlarm, Patient
from streams.contracts.reference import Reference
from streams.errors import UsageError

SHAPES: Final = {"high": "!!!", "medium": "!! ", "low": "!  ", "technical": "?  "}
"""Beside the colour, so that severity is told without it; three, two and one mark as IEC 60601-1-8 counts bursts."""

SHORT_CHARS_MIN: Final = 4
"""Of a short id: people type four characters without counting [M]."""

EPISODE_CHARS: Final = 16
PAUSE_NOTICE: Final = "alarms-paused"
"""Cannot be acknowledged: it ends with the pause."""

MINUTE_S: Final = 60
HOUR_S: Final = 3600
DAY_S: Final = 86_400


@dataclass(frozen=True, slots=True)
class Row:
    """One open alarm of one patient."""

    patient: Patient
    alarm: OpenAlarm

    @property
    def severity(self) -> str:
        """One of `SEVERITIES`: an alarm about data is `technical` whatever its priority."""
        return "technical" if self.alarm.type == "technical" else self.alarm.priority


def rows_of(found: Iterable[Patient], ward: str | None = None, patient: str | None = None) -> list[Row]:
    """Return the open alarms, most severe first, of one severity who is not known of first, then the oldest.

    A canary's are left out unless its patient is asked for.
    """
    rows = [
        Row(one, alarm)
        for one in found
        if ward in (None, one.ward) and patient in (None, one.patient)
        for alarm in one.alarms
        if alarm.rule != CANARY or patient is not None
    ]
    return sorted(rows, key=_place)


def _place(row: Row) -> tuple[int, bool, int, str, str]:
    alarm = row.alarm
    known = alarm.state == "acknowledged"
    return SEVERITIES.index(row.severity), known, alarm.onset_ts_ms, row.patient.patient, alarm.episode


def lasting(span_s: float) -> str:
    """Return a time in words that fit into a column: `12 s`, `4 min`, `2 h 05 min`, `3 d`."""
    whole = max(0, int(span_s))
    if whole < MINUTE_S:
        return f"{whole} s"
    if whole < HOUR_S:
        return f"{whole // MINUTE_S} min"
    if whole < DAY_S:
        return f"{whole // HOUR_S} h {whole % HOUR_S // MINUTE_S:02} min"
    return f"{whole // DAY_S} d {whole % DAY_S // HOUR_S} h"


def what(alarm: OpenAlarm) -> str:
    """Return what is wrong, with value and limit where it has them."""
    if alarm.signal not in INDEX or alarm.value is None or (alarm.low is None and alarm.high is None):
        return alarm.reason or alarm.rule
    signal = SIGNALS[INDEX[alarm.signal]]
    limit = " to ".join(f"{side:g}" for side in (alarm.low, alarm.high) if side is not None)
    worst = "" if alarm.extreme in (None, alarm.value) else f", worst {alarm.extreme:g}"
    worst = f", worst {alarm.bound}" if alarm.bound else worst
    return f"{signal.title} {alarm.value:g} {signal.unit}, limit {limit}{worst}"


def who(alarm: OpenAlarm) -> str:
    """Return who is asked to answer for it, or who knows of it; empty where nobody is asked."""
    if alarm.state == "acknowledged":
        return f"known to {alarm.acknowledged_by}" if alarm.acknowledged_by else "acknowledged"
    if alarm.asked is None:
        return "condition over, not acknowledged" if alarm.state == "latched" else ""
    said = {
        "requested": "asked",
        "accepted": "has accepted",
        "rejected": "cannot, and nobody is left to ask",
        "undefined": "has not answered, and nobody is left to ask",
    }
    return f"{alarm.asked.to} {said[alarm.asked.status]}"


def short_ids(episodes: Collection[str]) -> dict[str, str]:
    """Return the shortest beginning of each episode's id that no other one of them has, at least four characters."""
    ordered = sorted(set(episodes))
    found = {}
    for i, episode in enumerate(ordered):
        beside = (ordered[j] for j in (i - 1, i + 1) if 0 <= j < len(ordered))
        shared = max((_shared(episode, other) for other in beside), default=0)
        found[episode] = episode[: max(SHORT_CHARS_MIN, shared + 1)]
    return found


def _shared(one: str, other: str) -> int:
    """Return with how many characters both begin."""
    return next(
        (i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other))
    )


def resolve(begins: str, rows: Iterable[Row], patient: str) -> str:
    """Return the episode of an open alarm of a patient that begins so.

    Raises:
        UsageError: there is none, or more than one, which are named.
    """
    rows = list(rows)
    found = [row for row in rows if row.alarm.episode.startswith(begins.lower())]
    if len(found) == 1:
        return found[0].alarm.episode
    if not found:
        of = f"; open are {choices(rows)}" if rows else ""
        raise UsageError(f"{patient} has no open alarm whose id begins with {begins!r}{of}")
    raise UsageError(f"{begins!r} begins the ids of {len(found)} open alarms of {patient}: {choices(found)}")


def choices(rows: Iterable[Row]) -> str:
    """Return alarms to choose from in one line."""
    rows = list(rows)
    short = short_ids([row.alarm.episode for row in rows])
    return "; ".join(f"{short[row.alarm.episode]} ({row.severity}: {what(row.alarm)})" for row in rows)


def to_acknowledge(rows: Iterable[Row]) -> list[Row]:
    """Return those that nobody has acknowledged and that can be."""
    return [row for row in rows if row.alarm.state != "acknowledged" and row.alarm.rule != PAUSE_NOTICE]


@dataclass(frozen=True, slots=True)
class Beat:
    """The last heartbeat of a partition, and when the broker took it, ms."""

    beat: Heartbeat
    append_ms: int


def unjudged(
    beats: Mapping[int, Beat | None], now_ms: int, silent_s: float, behind_s: float, recorded: bool = False
) -> str:
    """Return in one line which partitions nobody judges now; empty where all are.

    `silent_s` is how old a partition's last heartbeat may be, `behind_s` how far its judging may be behind, s; with
    `recorded` time the latter is the recording's and says nothing. Partitions without any beat are None.
    """
    ages_s: dict[int, float] = {}
    for number, last in beats.items():
        if last is None:
            ages_s[number] = float("inf")
            continue
        silent = (now_ms - last.append_ms) / 1000
        behind = 0.0 if recorded else max(0.0, (last.beat.sent_ts_ms - last.beat.judged_ts_ms) / 1000)
        if silent >= silent_s or behind >= behind_s:
            ages_s[number] = silent + behind
    if not ages_s:
        return ""
    named = ", ".join(str(number) for number in sorted(ages_s))
    of = f"partition{'s' * (len(ages_s) > 1)} {named}"
    if len(ages_s) == len(beats):
        of = f"any partition ({named})" if len(ages_s) > 1 else of
    shortest = min(ages_s.values())
    ever = (
        "nothing has been judged"
        if shortest == float("inf")
        else f"nothing has been judged for {lasting(shortest)}"
    )
    return f"{ever} in {of}: what stands here may be old"


def place_of(row: Row, reference: Reference) -> str:
    """Return the ward as people call it, `-` for none."""
    return reference.ward_name(row.patient.ward) if row.patient.ward else "-"
