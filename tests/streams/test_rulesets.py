"""The shipped rule sets: files that say what the built-in rules say."""

from pathlib import Path

import pytest

from clinical.defaults import DEFAULT_RULES
from streams.config.rules_file import load_rules
from streams.config.rulesets import FOLDER, classic_rules, path_of, shipped, texts

AGAIN = "make rulesets"


@pytest.mark.parametrize("name", shipped())
def test_a_shipped_file_is_what_the_built_in_rules_give(name):
    assert (FOLDER / f"{name}.toml").read_text(encoding="utf-8") == texts()[name], AGAIN


def test_the_file_vigil_holds_exactly_the_built_in_rules():
    assert load_rules(Path("vigil")) == DEFAULT_RULES


def test_the_file_classic_holds_the_same_limits_and_sources_at_once():
    classic = load_rules(Path("classic"))
    assert classic == classic_rules()
    limits = [(rule.id, rule.low, rule.high, rule.priority, rule.source) for rule in classic.limits]
    assert limits == [(r.id, r.low, r.high, r.priority, r.source) for r in DEFAULT_RULES.limits]
    for rule in classic.limits:
        assert rule.delay_s == 0 or rule.id.startswith("apnoea")
        assert rule.clear_margin == rule.clear_delay_s == 0


@pytest.mark.parametrize("name", shipped())
def test_every_limit_of_a_shipped_set_has_a_source(name):
    assert all(rule.source for rule in load_rules(Path(name)).limits)


def test_any_other_path_is_a_file_of_its_own(tmp_path):
    assert path_of(tmp_path / "classic") == tmp_path / "classic"
    assert path_of(Path("classic.toml")) == Path("classic.toml")
