"""Who is on: assignments of `vitals.assignments` written, read and cleared, and a rota in CSV checked row by row."""

import csv
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from io import StringIO
from pathlib import Path
from typing import Any, Final, NamedTuple

from edge.records import Skipped, read_record
from edge.sending import send
from edge.topic_thread import WholeTopic
from streams.config.settings import Settings
from streams.config.toml_text import read_file
from streams.contracts.deliveries import Assignment
from streams.contracts.frame import EVENT_TS_MS_MAX
from streams.contracts.topics import ASSIGNMENTS
from streams.errors import UsageError
from streams.kafka.log_end import read_whole
from streams.kafka.producers import ORDERS, Producer

FILE_BYTES_MAX: Final = 8 * 1024 * 1024
"""Some hundred thousand rows: a year of a large hospital's shifts."""

FAULTS_MAX: Final = 20
"""Wrong rows that are told of at once; a file with any wrong row is not taken."""

COLUMNS: Final = ("place", "role", "person", "from", "until")
SHIFT_MS_MAX: Final = 31 * 86_400_000
"""Nobody is on for longer at a stretch [M]: it is a mistyped date."""

KEPT_MS: Final = 86_400_000
"""So long after its end an assignment stays before it is deleted."""

TIDIED_MAX: Final = 20
"""Of those that ended long ago, deleted beside one that is stored: whoever stores it waits for them."""


class Row(NamedTuple):
    """A line of a file and what it says."""

    line: int
    said: Assignment


def make_assignment(
    place: str, role: str, person: str, from_ms: int, until_ms: int, reporter: str
) -> Assignment:
    """Return an assignment. Times in ms.

    Raises:
        UsageError: one line that names what is wrong.
    """
    for name, value, most in (("place", place, 135), ("role", role, 64), ("person", person, 64)):
        if not 1 <= len(value) <= most or not value.isprintable() or value != value.strip():
            raise UsageError(f"{name}: should be 1 to {most} printable characters without blanks around")
    if not 0 <= from_ms < until_ms <= EVENT_TS_MS_MAX:
        raise UsageError("until: should be later than from")
    if until_ms - from_ms > SHIFT_MS_MAX:
        raise UsageError(f"until: more than {SHIFT_MS_MAX // 86_400_000} days after from")
    return Assignment(
        place=place, role=role, person=person, from_ts_ms=from_ms, until_ts_ms=until_ms, reporter=reporter
    )


def read_rota(path: Path, reporter: str) -> list[Row]:
    """Return the assignments of a CSV file with the columns place, role, person, from, until; times with their zone.

    Raises:
        UsageError: it cannot be read, or rows are wrong: the first of them, each with its line, and how many.
    """
    text = read_file(path, "rota", FILE_BYTES_MAX).removeprefix("\N{ZERO WIDTH NO-BREAK SPACE}")
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        head = tuple(cell.strip().lower() for cell in next(reader, []))
        if head != COLUMNS:
            raise UsageError(f"rota {path}: line 1: the columns should be {','.join(COLUMNS)}")
        rows: list[Row] = []
        faults: list[str] = []
        seen: dict[bytes, int] = {}
        for cells in reader:
            if not any(cells):
                continue
            line = reader.line_num
            try:
                said = _assignment(cells, reporter)
                if (before := seen.setdefault(said.key(), line)) != line:
                    raise UsageError(f"says again what line {before} says")
                rows.append(Row(line, said))
            except UsageError as error:
                faults.append(f"line {line}: {error}")
    except csv.Error as error:
        raise UsageError(f"rota {path}: line {reader.line_num}: {error}") from None
    if faults:
        more = f"; {len(faults) - FAULTS_MAX} more" if len(faults) > FAULTS_MAX else ""
        raise UsageError(f"rota {path}: {'; '.join(faults[:FAULTS_MAX])}{more}")
    if not rows:
        raise UsageError(f"rota {path}: no rows")
    return rows


def _assignment(cells: list[str], reporter: str) -> Assignment:
    if len(cells) != len(COLUMNS):
        raise UsageError(f"{len(cells)} columns, should be {len(COLUMNS)}")
    place, role, person, begins, ends = (cell.strip() for cell in cells)
    return make_assignment(place, role, person, _ms("from", begins), _ms("until", ends), reporter)


def _ms(name: str, text: str) -> int:
    """Return the ms of a time with its zone; without one nobody knows which it is."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{name}: {text[:40]!r} is no time such as 2026-03-01T07:00+01:00") from None
    if found.tzinfo is None:
        raise UsageError(f"{name}: {text[:40]!r} has no zone: write {text[:40]}+01:00")
    return round(found.timestamp() * 1000)


def read_assignments(settings: Settings, skipped: Skipped) -> dict[bytes, Assignment]:
    """Return every assignment that stands, by its key.

    Raises:
        BrokerUnreachable: no broker answers.
    """
    found: dict[bytes, Assignment] = {}
    take(read_whole(settings, settings.topic(ASSIGNMENTS)), found, skipped)
    return found


def take(records: Iterable[Any], known: dict[bytes, Assignment], skipped: Skipped) -> None:
    """Change what is known by records of the topic; what cannot be read is noted."""
    for record in records:
        key = record.key or b""
        if record.value is None:
            known.pop(key, None)
        elif (said := read_record(Assignment, record, skipped)) is not None:
            if said.key() == key:
                known[key] = said
            else:
                skipped.note(record, "its key is of another assignment")


class Rota(WholeTopic):
    """Follows who is on. `known` holds what stands, by key; replaced as a whole, never changed."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(settings, ASSIGNMENTS, "rota")
        self.known: Mapping[bytes, Assignment] = {}
        self.skipped = Skipped()

    def _take(self, records: Iterable[Any]) -> None:
        known = dict(self.known)
        take(records, known, self.skipped)
        self.known = known


def write_assignments(settings: Settings, set_: Iterable[Assignment], cleared: Iterable[bytes] = ()) -> None:
    """Store assignments, and delete others by their key; one after the other, none is half there.

    Raises:
        BrokerUnreachable: no broker takes them.
    """
    with Producer(settings, ORDERS, settings.topic(ASSIGNMENTS)) as producer:
        for said in set_:
            send(producer, f"{said.place} {said.role}", said.key(), said.model_dump_json().encode(), 0)
        for key in cleared:
            send(producer, "the end of an assignment", key, None, 0)


def assign(settings: Settings, said: Assignment, known: Mapping[bytes, Assignment], now_ms: int) -> str:
    """Store one assignment, and delete what ended long ago; return what is so now, in one line.

    Raises:
        UsageError: it is over already.
        BrokerUnreachable: no broker takes it.
        VigilError: the broker refused it.
    """
    if said.until_ts_ms <= now_ms:
        raise UsageError(f"until: {clock(said.until_ts_ms)} is over already")
    write_assignments(settings, [said], outdated(known, now_ms)[:TIDIED_MAX])
    return f"{said.person} is {said.role} of {said.place} until {clock(said.until_ts_ms)}"


def ended(
    known: Mapping[bytes, Assignment], place: str, role: str, person: str, from_ms: int | None, now_ms: int
) -> tuple[list[Assignment], list[bytes]]:
    """Return what to write, and what to clear, so that a person is on no longer: a shift that has begun ends now. Pure.

    Args:
        known: what stands, by key.
        place: of the assignment.
        role: of the assignment.
        person: of the assignment.
        from_ms: when the shift that is meant begins, ms; None = the one that runs now.
        now_ms: the present, ms.
    """
    found = [
        one
        for one in known.values()
        if (one.place, one.role, one.person) == (place, role, person)
        and one.until_ts_ms > now_ms
        and (one.from_ts_ms <= now_ms if from_ms is None else one.from_ts_ms == from_ms)
    ]
    begun = [one for one in found if one.from_ts_ms < now_ms]
    return (
        [one.model_copy(update={"until_ts_ms": now_ms}) for one in begun],
        [one.key() for one in found if one.from_ts_ms >= now_ms],
    )


def end(
    settings: Settings,
    known: Mapping[bytes, Assignment],
    place: str,
    role: str,
    person: str,
    from_ms: int | None,
    now_ms: int,
    reporter: str,
) -> str:
    """End an assignment as `ended` says; return what is so now, in one line.

    Raises:
        UsageError: nobody is assigned so.
        BrokerUnreachable: no broker takes it.
        VigilError: the broker refused it.
    """
    short, cleared = ended(known, place, role, person, from_ms, now_ms)
    if not short and not cleared:
        raise UsageError(f"{person} is not assigned as {role} of {place}")
    said = [one.model_copy(update={"reporter": reporter}) for one in short]
    write_assignments(settings, said, [*cleared, *outdated(known, now_ms)[:TIDIED_MAX]])
    return (
        f"{person} is {role} of {place} no longer"
        if short
        else f"the shift of {person} as {role} of {place} is cleared"
    )


def clock(ms: int) -> str:
    """Return a moment as text, UTC."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def outdated(known: Mapping[bytes, Assignment], now_ms: int) -> list[bytes]:
    """Return the keys of assignments that ended long ago: whoever writes new ones deletes them."""
    return [key for key, said in known.items() if now_ms - said.until_ts_ms > KEPT_MS]
