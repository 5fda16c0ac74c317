"""Rules files: what is read, and the one line that every mistake gets."""

import dataclasses
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from clinical.defaults import DEFAULT_RULES
from clinical.rules import (
    AGE_BANDS,
    DELAY_S_MAX,
    RULES_MAX,
    AgeLimits,
    DriftRule,
    LimitRule,
    News2Rules,
    PauseRules,
    ScoreRule,
    Step,
    TechnicalRules,
    TrendRule,
)
from clinical.vitals import SIGNALS
from streams.config import rules_file, rules_tables
from streams.config.rules_file import FILE_BYTES_MAX, load_rules, parse_rules
from streams.errors import UsageError

DOCUMENT = Path(__file__).parents[2] / "docs" / "rules.md"
LARGE = "9" * 400  # an integer that no float holds
GOOD = 'id = "spo2-low"\nsignal = "spo2"\nlow = 90\n'


def rule_text(**changes):
    keys = {"id": '"spo2-low"', "signal": '"spo2"', "low": "90"} | changes
    return "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items() if value is not None)


def complaint(text):
    with pytest.raises(UsageError) as caught:
        parse_rules(text, "ward.toml")
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_a_rule_is_read_with_every_key():
    text = """
        [[rule]]
        id = "spo2-low"
        signal = "spo2"
        low = 90
        high = 100
        delay_s = 15
        clear_margin = 1.5
        clear_delay_s = 0.5
        priority = "high"
        source = "unit policy 7"
    """
    expected = LimitRule("spo2-low", "spo2", 90.0, 100.0, 15.0, 1.5, 0.5, "high", "unit policy 7")
    assert parse_rules(text, "ward.toml").limits == (expected,)


def test_integers_are_read_as_numbers_with_a_fraction():
    rule = parse_rules(rule_text(delay_s="15"), "ward.toml").limits[0]
    assert isinstance(rule.low, float)
    assert isinstance(rule.delay_s, float)


def test_what_a_file_leaves_out_keeps_its_default():
    rules = parse_rules(rule_text(), "ward.toml")
    assert rules.limits == (LimitRule("spo2-low", "spo2", low=90.0),)
    assert rules.technical == TechnicalRules()
    assert rules.news2 == News2Rules()


def test_technical_and_news2_tables_change_only_what_they_name():
    rules = parse_rules(
        rule_text() + "[technical]\nsignal_loss_s = 30\n[news2]\nenabled = false\n", "ward.toml"
    )
    assert rules.technical == TechnicalRules(signal_loss_s=30.0)
    assert rules.news2 == News2Rules(enabled=False)


TABLES = {
    rules_tables.RuleTable: LimitRule,
    rules_tables.TechnicalTable: TechnicalRules,
    rules_tables.News2Table: News2Rules,
    rules_tables.StepTable: Step,
    rules_tables.ScoreTable: ScoreRule,
    rules_tables.TrendTable: TrendRule,
    rules_tables.DriftTable: DriftRule,
    rules_tables.PausesTable: PauseRules,
}


def test_a_file_bounds_orders_and_says_what_is_worse_and_what_is_never_withheld():
    keys = {
        "low_min": "80",
        "worse_step": "5",
        "never_withheld": "true",
        "neonate": "{low = 85, low_min = 82}",
    }
    rules = parse_rules(rule_text(**keys) + "[pauses]\noff_s_max = 1800\n", "ward.toml")
    (rule,) = rules.limits
    assert (rule.furthest("adult"), rule.furthest("neonate")) == ((80, None), (82, None))
    assert (rule.worse_by, rule.is_never_withheld, rules.pauses.off_s_max) == ((5, None), True, 1800)


def test_the_tables_know_every_field_that_the_rules_have():
    for model, rules in TABLES.items():
        assert set(model.model_fields) == {field.name for field in dataclasses.fields(rules)}


def test_no_limit_rules_must_be_said():
    assert parse_rules("rule = []", "ward.toml").limits == ()
    assert complaint("") == "ward.toml: no [[rule]] tables (`rule = []` says that none is meant)"


@pytest.mark.parametrize(
    ("changes", "key", "says"),
    [
        ({"id": None}, "id", "is missing"),
        ({"id": '"SpO2 low"'}, "id", "a-z, 0-9"),
        ({"id": '"' + "x" * 65 + '"'}, "id", "1 to 64"),
        ({"id": "7"}, "id", "valid string"),
        ({"id": '"silent-device"'}, "id", "reserved"),
        ({"id": '"signal-loss-spo2"'}, "id", "reserved"),
        ({"id": '"news2"'}, "id", "reserved"),
        ({"signal": None}, "signal", "is missing"),
        ({"signal": '"spo3"'}, "signal", "unknown signal 'spo3'; known are hr, pulse, spo2"),
        ({"low": None}, "low", "at least one"),
        ({"low": '"90"'}, "low", "valid number, got '90'"),
        ({"low": "true"}, "low", "valid number"),
        ({"low": "nan"}, "low", "finite"),
        ({"low": "-inf"}, "low", "finite"),
        ({"low": "0"}, "low", "1 to 100 %, got 0"),
        ({"high": "101"}, "high", "1 to 100 %, got 101"),
        ({"high": "91"}, "high", "at least 2 % above low (90), got 91"),
        ({"high": "80"}, "high", "at least 2 % above low (90), got 80"),
        ({"signal": '"nbp_sys"', "high": "94"}, "high", "at least 5 mmHg above low"),
        ({"high": "94", "clear_margin": "3"}, "clear_margin", "leaves no value"),
        ({"clear_margin": "11"}, "clear_margin", "leaves no value"),
        ({"clear_margin": "-1"}, "clear_margin", "greater than or equal to 0"),
        ({"delay_s": "-1"}, "delay_s", "greater than or equal to 0, got -1"),
        ({"delay_s": str(DELAY_S_MAX + 1)}, "delay_s", f"less than or equal to {DELAY_S_MAX}"),
        ({"clear_delay_s": "9999"}, "clear_delay_s", "less than or equal to"),
        ({"priority": '"urgent"'}, "priority", "'high', 'medium' or 'low', got 'urgent'"),
        ({"lowest": "3"}, "lowest", "unknown; known keys are id, signal, low, high"),
    ],
)
def test_a_wrong_key_is_named_with_its_file_rule_and_line(changes, key, says):
    text = rule_text(id='"fine"') + rule_text(**changes)
    message = complaint(text)
    assert re.match(r'ward\.toml:\d+: rule 2( \(".*"\))?: key ' + key + ": ", message)
    assert says in message
    named = int(message.split(":")[1])
    line = text.splitlines()[named - 1]
    assert line.startswith(key if f"\n{key} =" in text[len(rule_text(id='"fine"')) :] else "[[rule]]")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rule_text() + "[technical]\nsilent_s = 3\n", "ward.toml:6: [technical]: key silent_s: unknown"),
        (rule_text() + "[technical]\nsilent_device_s = 0\n", "ward.toml:6: [technical]: key silent_device_s"),
        (rule_text() + "[technical]\nenabled = 1\n", "ward.toml:6: [technical]: key enabled"),
        (rule_text() + "[news2]\ninputs_min = 8\n", "ward.toml:6: [news2]: key inputs_min"),
        ("technical = 3\n" + rule_text(), "ward.toml:1: technical: not a table"),
        (rule_text() + "[sepsis]\n", "ward.toml:5: sepsis: unknown"),
        ("[rule]\n" + GOOD, "ward.toml: no [[rule]] tables"),
        ("rule = [3]\n", "ward.toml: no [[rule]] tables"),
        (rule_text() + rule_text(), 'ward.toml:6: rule 2 ("spo2-low"): key id: rule 1 has the same id'),
        ("[[rule]]\nid = \n", "ward.toml:2: not valid TOML"),
        (rule_text() + "low = 91\n", "not valid TOML"),
        ("x = " + "[" * 100_000, "not valid TOML"),
        ("x = " + "9" * 5_000, "not valid TOML"),
    ],
)
def test_a_wrong_file_is_refused_in_one_line(text, says):
    assert complaint(text).startswith(says) or says in complaint(text)


def test_a_rule_in_one_line_is_named_without_a_line_number():
    assert complaint('rule = [{id = "x", signal = "hr"}]').startswith('ward.toml: rule 1 ("x"): key low: ')


def test_no_line_is_named_where_a_long_text_could_mislead():
    text = '[[rule]]\nsource = """\nlow = 3\n"""\n' + GOOD.replace("90", "900")
    assert complaint(text).startswith('ward.toml: rule 1 ("spo2-low"): key low: ')


@pytest.mark.parametrize(
    "text",
    [
        '"a\\nb" = 1\nrule = []',
        rule_text(id=r'"a\nb"', low="900"),
        rule_text() + '"a\\u001b[31m" = 3\n',
        f"{'x' * 9_999} = 1",
    ],
)
def test_what_a_file_holds_cannot_break_the_line_of_its_error(text):
    assert complaint(text).isprintable()
    assert len(complaint(text)) < 600


def test_as_many_rules_as_the_bound_are_read_and_one_more_is_refused():
    many = [rule_text(id=f'"r{number}"') for number in range(RULES_MAX + 1)]
    assert len(parse_rules("".join(many[:-1]), "ward.toml").limits) == RULES_MAX
    assert f"at most {RULES_MAX}" in complaint("".join(many))


def test_limits_two_steps_apart_are_near_enough_for_a_narrow_temperature_band():
    text = rule_text(signal='"temp"', low="36.6", high="36.8")
    assert parse_rules(text, "ward.toml").limits[0].high == 36.8


def toml_of(value):
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, dict):
        return repr(value)
    return "{" + ", ".join(f"{key} = {value!r}" for key, value in value.items() if value is not None) + "}"


def test_the_built_in_rules_would_pass_as_a_file():
    text = "".join(
        "[[rule]]\n"
        + "".join(
            f"{key} = {toml_of(value)}\n"
            for key, value in dataclasses.asdict(rule).items()
            if value is not None
        )
        for rule in DEFAULT_RULES.limits
    )
    assert parse_rules(text, "ward.toml") == DEFAULT_RULES


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (rule_text(neonate="{}"), 'rule 1 ("spo2-low"): key neonate: should hold low, high or both'),
        (rule_text(neonate="{low = 0}"), "key neonate: low should be 1 to 100 %, got 0"),
        (
            rule_text(paediatric="{low = 85, high = 86}"),
            "key paediatric: high should be at least 2 % above low",
        ),
        (rule_text(neonate="{low = 85, top = 86}"), "key neonate: unknown"),
        (rule_text(young_infant="{low = 99}", clear_margin="2"), "key young_infant: 2 leaves no value"),
        (rule_text() + "[rule.infant]\nlow = 101\n", "key infant: low should be 1 to 100 %, got 101"),
        (rule_text(told_by='"hr"'), "key told_by: should stand in a rule on pulse, got spo2"),
        (rule_text(told_by='"pulse"'), "key told_by: should be 'hr'"),
        (rule_text(integral="0"), "key integral: should be greater than 0"),
        (rule_text(neonate="{low = 99}", clear_margin="2"), "key neonate: 2 leaves no value"),
        (rule_text(low_min="91"), "key low_min: should be the limit or below it, 90 to 1, got 91"),
        (rule_text(low_min="0"), "key low_min: should be the limit or below it, 90 to 1, got 0"),
        (rule_text(high_max="95"), "key high_max: bounds a limit that the rule does not have"),
        (rule_text(neonate="{low = 85, low_min = 86}"), "key neonate: low_min should be the limit or below"),
        (
            rule_text(signal='"asystole"', low=None, high="0.5", high_max="1"),
            "key high_max: bounds a limit that the rule does not have, or that nobody can set",
        ),
        (rule_text(worse_step="2", worse_share="0.1"), "key worse_share: is given beside worse_step"),
        (rule_text(worse_step="0"), "key worse_step: should be greater than 0"),
        (rule_text() + "[pauses]\noff_s_max = 30\n", "[pauses]: key off_s_max: should be greater than"),
        (
            rule_text() + rule_text(id='"desat"', low="91", priority='"high"'),
            "rules of spo2, adult: a higher low limit of high priority than the one of medium priority: 91 and 90",
        ),
        (
            rule_text(neonate="{low = 85}")
            + rule_text(id='"desat"', low="80", neonate="{low = 86}", priority='"high"'),
            "rules of spo2, neonate: ",
        ),
    ],
)
def test_limits_of_age_bands_and_their_order_are_checked(text, says):
    assert says in complaint(text)


def test_limits_of_age_bands_are_read():
    rule = parse_rules(rule_text(neonate='{low = 85, source = "unit policy"}'), "w.toml").limits[0]
    assert rule.limits("neonate") == AgeLimits(low=85.0, source="unit policy")
    assert rule.limits("paediatric").low == rule.limits("adult").low == 90


def test_a_child_has_the_limits_of_its_age_else_those_of_a_child_of_unknown_age_else_an_adults():
    text = rule_text(paediatric="{low = 88}") + "[rule.infant]\nlow = 86\n[rule.young_infant]\nlow = 85\n"
    rule = parse_rules(text, "w.toml").limits[0]
    lows = {band: rule.limits(band).low for band in AGE_BANDS}
    assert (lows.pop("young-infant"), lows.pop("infant")) == (85, 86)
    assert (lows.pop("adult"), lows.pop("neonate")) == (90, 90)
    assert set(lows.values()) == {88}


def test_a_rule_on_the_pulse_may_be_told_by_the_heart_rate():
    text = rule_text(id='"pulse-low"', signal='"pulse"', low="50", told_by='"hr"')
    assert parse_rules(text, "w.toml").limits[0].told_by == "hr"


def test_a_file_is_read_from_disk(tmp_path):
    path = tmp_path / "ward.toml"
    path.write_text(rule_text())
    assert load_rules(path).limits[0].id == "spo2-low"


@pytest.mark.parametrize(
    ("data", "says"),
    [(None, "No such file"), (b"\xff\xfe", "not UTF-8 at byte 0"), (b"#" * (FILE_BYTES_MAX + 1), "at most")],
)
def test_a_file_that_cannot_be_read_is_named(tmp_path, data, says):
    path = tmp_path / "ward.toml"
    if data is not None:
        path.write_bytes(data)
    with pytest.raises(UsageError, match=says) as caught:
        load_rules(path)
    assert str(path) in str(caught.value)


def test_a_folder_is_no_rules_file(tmp_path):
    with pytest.raises(UsageError, match="rules file"):
        load_rules(tmp_path)


def refusal(text):
    """Return the complaint about a text, or None where it is read."""
    try:
        parse_rules(text, "ward.toml")
    except UsageError as error:
        return str(error)
    return None


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_in_one_line(text):
    assert re.fullmatch(r"ward\.toml(:\d+)?: .+", refusal(text) or "ward.toml: read")


@given(
    st.dictionaries(
        st.sampled_from(["id", "signal", "low", "high", "delay_s", "clear_margin", "priority", "x"]),
        st.sampled_from(
            ['"spo2-low"', '"temp"', "90", "36.6", "-5", "1e309", "[]", "{}", "1979-05-27", '"low"', LARGE]
        ),
    )
)
def test_any_mix_of_keys_and_values_is_read_or_refused_by_name(keys):
    text = "[[rule]]\n" + "".join(f"{key} = {value}\n" for key, value in keys.items())
    fine = 'ward.toml:0: rule 1: key none: "read"'
    assert re.match(r"ward\.toml:\d+: rule 1( \(\"[^\"]*\"\))?: key \w+: ", refusal(text) or fine)


def test_the_example_of_the_documentation_is_a_rules_file():
    examples = re.findall(r"```toml\n(.*?)```", DOCUMENT.read_text(), flags=re.DOTALL)
    assert examples
    for example in examples:
        assert parse_rules(example, "docs/rules.md").limits


def test_the_documentation_lists_every_key_and_every_reserved_id():
    text = DOCUMENT.read_text()
    for model in TABLES:
        assert all(f"`{key}`" in text for key in model.model_fields)
    assert all(f"`{name}`" in text for name in rules_file.RESERVED_IDS)


def test_the_documentation_gives_the_defaults_as_they_are():
    text = DOCUMENT.read_text()
    for rules in (TechnicalRules(), News2Rules(), PauseRules()):
        for key, value in dataclasses.asdict(rules).items():
            shown = str(value).lower() if isinstance(value, bool) else f"{value:g}"
            assert re.search(rf"^\| `{key}` \| [^|]+ \| {shown} \|", text, flags=re.MULTILINE)


def test_the_documentation_lists_every_signal_as_it_is():
    text = DOCUMENT.read_text()
    for signal in SIGNALS:
        row = f"| `{signal.name}` | {signal.title} | {signal.unit} | {signal.low:g} to {signal.high:g} |"
        assert row in text
