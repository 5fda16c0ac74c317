"""Reads a rules file (TOML): limit rules and, where given, technical and NEWS2 rules, and who answers for alarms.

The format is described in docs/rules.md. A file replaces the built-in limit rules; tables that it leaves out
keep their defaults. What is wrong is reported in one line that names file, line, rule and key.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError

from clinical.gaps import ROUNDING, bound_faults, limit_faults, order_fault
from clinical.rules import (
    AGE_BANDS,
    RULES_MAX,
    STEPS,
    STEPS_MAX,
    TRENDS_MAX,
    AgeLimits,
    DriftRule,
    LimitRule,
    News2Rules,
    PauseRules,
    RuleSet,
    ScoreRule,
    Step,
    TechnicalRules,
    TrendRule,
    field_of,
)
from clinical.vitals import INDEX, SIGNALS
from streams.config.rules_tables import (
    DriftTable,
    News2Table,
    PausesTable,
    RuleTable,
    ScoreTable,
    StepTable,
    Table,
    TechnicalTable,
    TrendTable,
)
from streams.config.rulesets import path_of
from streams.config.toml_text import Lines, read_file, read_toml, refusal
from streams.contracts.alert import OF_DELIVERY

FILE_BYTES_MAX: Final = 262_144
"""Bound on a rules file; the most rules it may hold take a tenth of this."""

RESERVED_IDS: Final = (
    *("silent-device", "news2", "alarms-paused", "check-sensor", "babbling-device", "clock-suspect"),
    *(
        "backlog",
        "ward-silent",
        "limits-widened",
        "vital-loss",
        "age-unknown",
        "mews",
        "qsofa",
        "shock-index",
        "pews",
    ),
    *("identity-conflict", "too-many-devices", "misplaced-patient", "too-many-patients", "unproven-command"),
    *("unassociated-device", "readings-withdrawn", "break-glass"),
    *OF_DELIVERY,
)
RESERVED_PREFIXES: Final = ("signal-loss-", "unreliable-signal-")
"""Alarms that are not limit rules carry these ids."""

_COURSES: Final[dict[str, tuple[type[Table], type[Any]]]] = {
    "score": (ScoreTable, ScoreRule),
    "trend": (TrendTable, TrendRule),
    "drift": (DriftTable, DriftRule),
}


def load_rules(rules: Path) -> RuleSet:
    """Read a rules file, or a shipped rule set by its name.

    Raises:
        UsageError: the file cannot be read or is not a valid rules file; one line that says where and why.
    """
    path = path_of(rules)
    text = read_file(path, "rules file", FILE_BYTES_MAX)
    return parse_rules(text, str(path))


def parse_rules(text: str, name: str) -> RuleSet:
    """Turn the text of a rules file into a rule set; `name` is what errors call the file.

    Raises:
        UsageError: one line that names file, line where it is known, rule and key.
    """
    document = read_toml(text, name)
    lines = Lines(text)
    for key in document:
        if key not in _KEYS:
            raise refusal(f"{lines.place(name, '', 0, key)}: {key}: unknown; a file holds {_TABLES}")
    tables = document.get("rule")
    if not isinstance(tables, list) or not all(isinstance(table, dict) for table in tables):
        raise refusal(f"{name}: no [[rule]] tables (`rule = []` says that none is meant)")
    if len(tables) > RULES_MAX:
        raise refusal(f"{name}: {len(tables)} rules, at most {RULES_MAX} are supported")
    rules = [_limit_rule(table, position, name, lines) for position, table in enumerate(tables)]
    scores, trends, drifts = (_courses(document, kind, name, lines) for kind in _COURSES)
    _refuse_repeated_ids(
        [("rule", rules), ("score", scores), ("trend", trends), ("drift", drifts)], name, lines
    )
    _refuse_wrong_order(rules, name)
    technical = _checked(TechnicalTable, document.get("technical", {}), name, lines, "technical")
    news2 = _checked(News2Table, document.get("news2", {}), name, lines, "news2")
    pauses = _checked(PausesTable, document.get("pauses", {}), name, lines, "pauses")
    steps = _steps(document[_ASKED], name, lines) if _ASKED in document else STEPS
    return RuleSet(
        tuple(rules),
        TechnicalRules(**technical),
        News2Rules(**news2),
        steps,
        scores,
        trends,
        drifts,
        PauseRules(**pauses),
    )


def _courses(document: dict[str, Any], kind: str, name: str, lines: Lines) -> tuple[Any, ...]:
    """Return the `[[score]]`, `[[trend]]` or `[[drift]]` tables as rules."""
    tables = document.get(kind, [])
    if not isinstance(tables, list):
        raise refusal(f"{lines.place(name, '', 0, kind)}: {kind}: not a list of tables; write [[{kind}]]")
    if len(tables) > TRENDS_MAX:
        raise refusal(f"{name}: {len(tables)} {kind} rules, at most {TRENDS_MAX} are supported")
    model, rule = _COURSES[kind]
    found = []
    for position, table in enumerate(tables):
        found.append(rule(**_checked(model, table, name, lines, kind, position)))
        if fault := _fault_of_course(found[-1]):
            raise refusal(_complaint(name, lines, kind, position, table, *fault))
    return tuple(found)


def _fault_of_course(rule: ScoreRule | TrendRule | DriftRule) -> tuple[str, str] | None:
    if not isinstance(rule, ScoreRule) and _is_reserved(rule.id):
        return "id", _RESERVED
    if isinstance(rule, TrendRule):
        if rule.fall is rule.rise is rule.low is rule.high is None:
            return "fall", "is missing, and so are rise, low and high: a trend needs at least one of them"
        for side, message in limit_faults(rule.signal, rule.low, rule.high):
            return side, message
    return None


def _steps(table: object, name: str, lines: Lines) -> tuple[Step, ...]:
    """Return who is asked to answer for an alarm, in turn; an empty list asks nobody."""
    steps = table.get("step") if isinstance(table, dict) and set(table) == {"step"} else None
    if not isinstance(steps, list):
        raise refusal(f"{lines.place(name, '', 0, _ASKED)}: {_ASKED}: holds [[{_STEP}]] tables, or step = []")
    if len(steps) > STEPS_MAX:
        raise refusal(f"{name}: {len(steps)} steps of responsibility, at most {STEPS_MAX} are supported")
    return tuple(
        Step(**_checked(StepTable, step, name, lines, _STEP, position)) for position, step in enumerate(steps)
    )


_TABLES: Final = (
    "[[rule]], [[score]], [[trend]], [[drift]], [technical], [news2], [pauses] and [[responsibility.step]]"
)
_KEYS: Final = ("rule", "score", "trend", "drift", "technical", "news2", "pauses", "responsibility")
_ASKED: Final = "responsibility"
_STEP: Final = "responsibility.step"


def _limit_rule(table: dict[str, Any], position: int, name: str, lines: Lines) -> LimitRule:
    given = _checked(RuleTable, table, name, lines, "rule", position)
    bands = [field_of(band) for band in AGE_BANDS[1:]]
    own = {band: AgeLimits(**given[band]) for band in bands if given.get(band) is not None}
    rule = LimitRule(**given | own)
    for key, message in _faults(rule):
        raise refusal(_complaint(name, lines, "rule", position, table, key, message))
    return rule


def _checked(
    model: type[Table], table: object, name: str, lines: Lines, kind: str, position: int = 0
) -> dict[str, Any]:
    """Return what the table gives, checked by the model; what it leaves out is not in the result."""
    if not isinstance(table, dict):
        raise refusal(f"{lines.place(name, '', 0, kind)}: {kind}: not a table; write [{kind}]")
    try:
        return model.model_validate(table).model_dump(exclude_unset=True)
    except ValidationError as error:
        first = error.errors()[0]
        key = str(first["loc"][0])
        message = _MESSAGES.get(first["type"], first["msg"].replace("Input should", "should"))
        if first["type"] == "extra_forbidden":
            message += ", ".join(model.model_fields)
        elif first["type"] != "missing":
            message += f", got {repr(first['input'])[:60]}"
        raise refusal(_complaint(name, lines, kind, position, table, key, message)) from None


_MESSAGES: Final = {
    "extra_forbidden": "unknown; known keys are ",
    "missing": "is missing",
    "string_pattern_mismatch": "should be 1 to 64 of a-z, 0-9 and '-', not starting with '-'",
}


def _complaint(
    name: str, lines: Lines, kind: str, position: int, table: dict[str, Any], key: str, message: str
) -> str:
    what = f"[{kind}]"
    if kind in ("rule", *_COURSES):
        given = table.get("id")
        what = f"{kind} {position + 1}" + (f' ("{given[:64]}")' if isinstance(given, str) else "")
    return f"{lines.place(name, kind, position, key)}: {what}: key {key}: {message}"


def _faults(rule: LimitRule) -> Iterator[tuple[str, str]]:
    """Yield (key, what is wrong with it) of a rule whose keys have the right types."""
    if _is_reserved(rule.id):
        yield "id", _RESERVED
    if rule.signal not in INDEX:
        yield "signal", f"unknown signal {rule.signal!r}; known are {', '.join(INDEX)}"
        return
    signal = SIGNALS[INDEX[rule.signal]]
    if rule.low is None and rule.high is None:
        yield "low", "is missing, and so is high: a rule needs at least one of them"
    if rule.told_by is not None and rule.signal != "pulse":
        yield "told_by", f"should stand in a rule on pulse, got {rule.signal}"
    yield from limit_faults(rule.signal, rule.low, rule.high)
    yield from bound_faults(rule.signal, rule.low, rule.high, rule.low_min, rule.high_max)
    if rule.worse_step is not None and rule.worse_share is not None:
        yield "worse_share", "is given beside worse_step: one of them says when it is worse"
    for band in AGE_BANDS:
        own = rule.limits(band)
        key = field_of(band) if getattr(rule, field_of(band), None) else ""
        if own.low is None and own.high is None:
            yield key, "should hold low, high or both"
        if key:
            yield from (
                (key, f"{side} {message}")
                for side, message in (
                    *limit_faults(rule.signal, own.low, own.high),
                    *bound_faults(rule.signal, own.low, own.high, own.low_min, own.high_max),
                )
            )
        lowest = signal.low if own.low is None else own.low + rule.clear_margin
        highest = signal.high if own.high is None else own.high - rule.clear_margin
        if lowest > highest + ROUNDING:
            yield key or "clear_margin", f"{rule.clear_margin:g} leaves no value that ends the alarm"


def _is_reserved(name: str) -> bool:
    return name in RESERVED_IDS or name.startswith(RESERVED_PREFIXES)


_RESERVED: Final = f"reserved; {', '.join(RESERVED_IDS)}, {'*, '.join(RESERVED_PREFIXES)}* are built in"


def _refuse_repeated_ids(kinds: Iterable[tuple[str, Sequence[Any]]], name: str, lines: Lines) -> None:
    seen: dict[str, str] = {}
    for kind, rules in kinds:
        for position, rule in enumerate(rules):
            if rule.id in seen:
                place = lines.place(name, kind, position, "id")
                what = f'{kind} {position + 1} ("{rule.id}"): key id'
                raise refusal(f"{place}: {what}: {seen[rule.id]} has the same id")
            seen[rule.id] = f"{kind} {position + 1}"


def _refuse_wrong_order(rules: Sequence[LimitRule], name: str) -> None:
    for signal in dict.fromkeys(rule.signal for rule in rules):
        for band in AGE_BANDS:
            own = [(rule.priority, rule.limits(band)) for rule in rules if rule.signal == signal]
            fault = order_fault((priority, limits.low, limits.high) for priority, limits in own)
            if fault:
                raise refusal(f"{name}: rules of {signal}, {band}: {fault}")
