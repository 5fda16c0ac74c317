"""Reference data as a CSV file: every row is checked, and nothing of a file with a wrong row is taken. Pure.

One file holds all kinds; `kind` says which a row is, and only that kind's columns may be filled in it:

    kind,ward,name,time_zone,unit_type,age_band,phone,patient,label,rule,low,high,reason
    ward,icu,Intensive care,Europe/Vienna,intensive,adult,+43 1 4711,,,,,,
    bed,icu,,,,,,bed-7,ICU 7,,,,
    limits,icu,,,,adult,,,,hr-high,,130,sepsis bundle of 2026
"""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from pydantic import BaseModel, ValidationError

from clinical.gaps import joint_fault
from clinical.rules import LimitRule
from clinical.vitals import FLAGS
from streams.contracts.command import AgeBand
from streams.contracts.reference import BedFacts, Fact, FormularyLine, ReferenceRecord, WardFacts

KINDS: Final[Mapping[str, type[BaseModel]]] = {"ward": WardFacts, "bed": BedFacts, "limits": FormularyLine}
COLUMNS: Final = (
    *("kind", "ward", "name", "time_zone", "unit_type", "age_band", "phone", "patient", "label"),
    *("rule", "low", "high", "reason"),
)
NUMBERS: Final = ("low", "high")
FILE_BYTES_MAX: Final = 4 * 1024 * 1024
FAULTS_MAX: Final = 20
"""So many faults of a file are told; what is wrong beyond is counted."""

CELL_CHARS_SHOWN: Final = 40


@dataclass(frozen=True, slots=True)
class Taken:
    """What a file says: its facts, or what is wrong with it, a line each."""

    facts: tuple[Fact, ...] = ()
    faults: tuple[str, ...] = ()


@dataclass(slots=True)
class _Reading:
    """What was read so far; the rules by id, and the line at which each key and ward stands."""

    rules: dict[str, LimitRule]
    reporter: str
    source: str
    facts: list[tuple[int, Fact]] = field(default_factory=list)
    lines: dict[bytes, int] = field(default_factory=dict)


def take(
    content: bytes, rules: Sequence[LimitRule], reporter: str, source: str, wards: Iterable[str] = ()
) -> Taken:
    """Read a file.

    Args:
        content: the file, UTF-8; cells are separated by commas or, as in many countries' spreadsheets, semicolons.
        rules: the limit rules whose bounds no line of the formulary may pass.
        reporter: who says so.
        source: name of the import.
        wards: ids of wards that are known without the file.
    """
    if len(content) > FILE_BYTES_MAX:
        return Taken(faults=(f"the file is longer than {FILE_BYTES_MAX} bytes",))
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        return Taken(faults=(f"byte {error.start}: the file is not UTF-8",))
    reading = _Reading({rule.id: rule for rule in rules}, reporter, source)
    faults = [*_faults(text, reading)]
    known = {*wards} | {fact.ward for _, fact in reading.facts if isinstance(fact, WardFacts)}
    for line, fact in reading.facts:
        if fact.ward is not None and fact.ward not in known:
            faults.append(f"line {line}: ward: {_shown(fact.ward)} is no ward that is known")
    if not faults:
        lines = (fact for _, fact in reading.facts if isinstance(fact, FormularyLine))
        faults += crossing(lines, reading.rules)
    if not faults:
        return Taken(tuple(fact for _, fact in reading.facts))
    over = len(faults) - FAULTS_MAX
    return Taken(faults=(*faults[:FAULTS_MAX], *([f"and {over} more"] if over > 0 else [])))


def _faults(text: str, reading: _Reading) -> Iterator[str]:
    """Yield what is wrong, row by row; what is right goes into the reading."""
    header = text.partition("\n")[0]
    table = csv.reader(io.StringIO(text, newline=""), delimiter=";" if ";" in header else ",", strict=True)
    try:
        names = [name.strip() for name in next(table, [])]
        yield from _wrong_header(names)
        if "kind" not in names or len({*names}) < len(names):
            return
        for cells in table:
            if any(cell.strip() for cell in cells):
                line = table.line_num
                yield from (f"line {line}: {fault}" for fault in _row(names, cells, line, reading))
    except csv.Error as error:
        yield f"line {table.line_num}: {error}"


def _wrong_header(names: list[str]) -> Iterator[str]:
    if "kind" not in names:
        yield f"line 1: no column kind; the columns are {', '.join(COLUMNS)}"
        return
    yield from (f"line 1: no such column: {_shown(name)}" for name in names if name not in COLUMNS)
    if len({*names}) < len(names):
        yield "line 1: a column stands there twice"


def _row(names: list[str], cells: list[str], line: int, reading: _Reading) -> Iterator[str]:
    if len(cells) > len(names):
        yield f"{len(cells)} cells, the header has {len(names)}"
        return
    given = {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}
    kind = given.get("kind", "")
    if kind not in KINDS:
        yield f"kind: {_shown(kind)} is none of {', '.join(KINDS)}"
        return
    foreign = sorted(given.keys() - KINDS[kind].model_fields.keys())
    if foreign:
        yield from (f"{name}: a row of kind {kind} has none" for name in foreign)
        return
    said: dict[str, object] = {"reporter": reading.reporter, "source": reading.source, **given}
    for name in NUMBERS:
        if name in given:
            number = _number(given[name])
            if number is None:
                yield f"{name}: {_shown(given[name])} is no number"
                return
            said[name] = number
    try:
        fact = ReferenceRecord.model_validate(said).root
    except ValidationError as error:
        yield from (_fault_of(one, given) for one in error.errors())
        return
    if (before := reading.lines.setdefault(fact.key, line)) != line:
        yield f"says again what line {before} says"
    elif isinstance(fact, FormularyLine) and (beyond := beyond_bounds(fact, reading.rules)):
        yield beyond
    else:
        reading.facts.append((line, fact))


def beyond_bounds(line: FormularyLine, rules: Mapping[str, LimitRule]) -> str:
    """Return why the judge would refuse a line of the formulary by itself; empty if it would not."""
    rule = rules.get(line.rule)
    if rule is None:
        return f"rule: {_shown(line.rule)} is no limit rule of the rules file"
    if rule.signal in FLAGS:
        return f"rule: {line.rule} is yes or no: there is no limit to set"
    own, (lowest, highest) = rule.limits(line.age_band), rule.furthest(line.age_band)
    for name, unit, value in (("low", own.low, line.low), ("high", own.high, line.high)):
        if value is not None and unit is None:
            return f"{name}: {line.rule} has no {name} limit"
    if line.low is not None and lowest is not None and line.low < lowest:
        return f"low: {line.rule} may be at least {lowest:g} for {line.age_band}, got {line.low:g}"
    if line.high is not None and highest is not None and line.high > highest:
        return f"high: {line.rule} may be at most {highest:g} for {line.age_band}, got {line.high:g}"
    return ""


def crossing(lines: Iterable[FormularyLine], rules: Mapping[str, LimitRule]) -> Iterator[str]:
    """Yield where the limits of a signal do not fit together for a ward and an age band."""
    said: dict[tuple[str, AgeBand], dict[str, FormularyLine]] = {}
    for line in lines:
        said.setdefault((line.ward, line.age_band), {})[line.rule] = line
    for (ward, band), own in sorted(said.items()):
        for signal in sorted({rules[name].signal for name in own}):
            together = []
            for rule in rules.values():
                if rule.signal == signal:
                    unit, ours = rule.limits(band), own.get(rule.id)
                    low = ours.low if ours is not None and ours.low is not None else unit.low
                    high = ours.high if ours is not None and ours.high is not None else unit.high
                    together.append((rule.priority, low, high))
            if fault := joint_fault(signal, together):
                yield f"limits of {signal} in ward {ward} for {band}: {fault}"


def _number(text: str) -> float | None:
    try:
        found = float(text)
    except ValueError:
        return None
    return found if math.isfinite(found) and "_" not in text else None


def _fault_of(error: object, given: dict[str, str]) -> str:
    assert isinstance(error, dict)
    places = [str(part) for part in error["loc"][1:]]  # the first is the kind
    name = places[-1] if places else ""
    said = str(error["msg"]).removeprefix("Value error, ")
    if not name:
        return said
    return f"{name}: {said}" + (f" (got {_shown(given[name])})" if name in given else "")


def _shown(text: str) -> str:
    return repr(text if len(text) <= CELL_CHARS_SHOWN else text[:CELL_CHARS_SHOWN] + "...")
