"""The rule sets that are shipped, as rules files in `clinical/rulesets/`: `--rules classic` finds one by its name.

`vigil` is the built-in set. `classic` is what bedside monitors do with the same limits: every violating sample is
an alarm at once and every sample inside ends it. `make rulesets` writes both files from `clinical.defaults`.
"""

import dataclasses
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from clinical.defaults import DEFAULT_RULES
from clinical.rules import LimitRule, RuleSet

FOLDER: Final = Path(__file__).resolve().parents[2] / "clinical" / "rulesets"

AT_ONCE_S: Final = 1.0
"""The shortest time that a technical alarm can wait for: the distance of two ticks."""

NO_BREATH: Final = "apnoea"
"""Rules whose id begins so keep their delay: the time without a breath is the condition itself."""

_ABOUT: Final = {
    "vigil": """\
The built-in rules as a file: what holds without --rules. Start here for a hospital's own rules.
Limits: each rule names its source; [M] marks a default that no source we could read confirms.
Delays: 14 s removes half, 19 s two thirds of the alarms that staff ignore (Goerges et al. 2009); 15 s at an SpO2
limit of 90 % removes 60 % (Welch 2011); hence 10 to 15 s, 5 s where minutes count, none for values that come
minutes apart. Makers bound a delay at 15 s and never delay apnoea (Mindray ePM p.83).""",
    "classic": """\
Bedside monitors as they come: the limits of the built-in rules and their sources, but no delay and no clear margin.
Both are choices that a ward makes: a limit alarm without them is what the studies of alarm load count
(Drew et al. 2014: 187 audible alarms a bed and day; Goerges et al. 2009: median duration 17 s).
Apnoea keeps its time without a breath, which is the condition itself. Technical alarms come at once (Spacelabs
telemetry: delay off by default). No early warning score, which is charted by hand beside such monitors, and nobody
who is asked to answer for an alarm.""",
}


def shipped() -> tuple[str, ...]:
    """Return the names of the rule sets that are shipped."""
    return tuple(_ABOUT)


def path_of(rules: Path) -> Path:
    """Return the file of a rule set: a shipped one's for its name, else the path itself."""
    return FOLDER / f"{rules}.toml" if str(rules) in _ABOUT else rules


def classic_rules() -> RuleSet:
    """Return the built-in limits as bedside monitors apply them: at once, without a margin."""
    limits = tuple(_at_once(rule) for rule in DEFAULT_RULES.limits)
    technical = dataclasses.replace(
        DEFAULT_RULES.technical,
        signal_loss_s=AT_ONCE_S,
        check_sensor_s=0.0,
        vital_loss_s=0.0,
        age_unknown_s=0.0,
        ward_silent=False,
    )
    return dataclasses.replace(
        DEFAULT_RULES,
        limits=limits,
        technical=technical,
        news2=dataclasses.replace(DEFAULT_RULES.news2, enabled=False),
        responsibility=(),
    )


def _at_once(rule: LimitRule) -> LimitRule:
    delay_s = rule.delay_s if rule.id.startswith(NO_BREATH) else 0.0
    return dataclasses.replace(rule, delay_s=delay_s, clear_margin=0.0, clear_delay_s=0.0, excess_s=None)


def text_of(rules: RuleSet, about: str) -> str:
    """Return a rule set as the text of a rules file, `about` as comments above it."""
    parts = ["\n".join(f"# {line}" for line in about.splitlines())]
    parts += ["\n".join(["[[rule]]", *_lines(rule)]) for rule in rules.limits]
    for kind, courses in (("score", rules.scores), ("trend", rules.trends), ("drift", rules.drifts)):
        parts += ["\n".join([f"[[{kind}]]", *_lines(course)]) for course in courses]
    parts += [
        "\n".join([f"[{name}]", *_lines(getattr(rules, name), whole=True)])
        for name in ("technical", "news2", "pauses")
    ]
    parts += ["\n".join(["[[responsibility.step]]", *_lines(step)]) for step in rules.responsibility]
    if not rules.responsibility:
        parts.append("[responsibility]\nstep = []")
    return "\n\n".join(parts) + "\n"


def _lines(table: Any, whole: bool = False) -> Iterator[str]:
    """Yield `key = value` for the fields of a dataclass that differ from its defaults, or for all of them."""
    for field in dataclasses.fields(table):
        value = getattr(table, field.name)
        if value is not None and (whole or value != field.default):
            yield f"{field.name} = {_value(value)}"


def _value(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if dataclasses.is_dataclass(value):
        return "{ " + ", ".join(_lines(value)) + " }"
    return f"{value:g}"


def texts() -> dict[str, str]:
    """Return the text of every shipped rules file by its name."""
    sets = {"vigil": DEFAULT_RULES, "classic": classic_rules()}
    return {name: text_of(rules, _ABOUT[name]) for name, rules in sets.items()}


if __name__ == "__main__":
    folder = Path(sys.argv[1])
    for name, text in texts().items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
