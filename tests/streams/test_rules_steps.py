"""Rules files: the steps of responsibility."""

import pytest

from clinical.rules import RuleSet, Step
from streams.config.rules_file import parse_rules
from streams.errors import UsageError


def test_a_file_says_who_is_asked_to_answer_in_turn():
    steps = '[[responsibility.step]]\nto = "nurse"\nafter_s = 30\n[[responsibility.step]]\nto = "team"\nafter_s = 9.5\n'
    assert parse_rules("rule = []\n" + steps, "ward.toml").responsibility == (
        Step("nurse", 30),
        Step("team", 9.5),
    )
    assert parse_rules("rule = []", "ward.toml").responsibility == RuleSet(()).responsibility
    assert parse_rules("rule = []\n[responsibility]\nstep = []", "ward.toml").responsibility == ()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[responsibility]", "ward.toml:2: responsibility: holds [[responsibility.step]] tables"),
        ("[[responsibility.step]]\nto = 7\nafter_s = 9", "ward.toml:3: [responsibility.step]: key to"),
        (
            '[[responsibility.step]]\nto = "nurse"',
            "ward.toml:2: [responsibility.step]: key after_s: is missing",
        ),
        ('[[responsibility.step]]\nto = "n"\nafter_s = 1\n' * 9, "9 steps of responsibility, at most 8"),
    ],
)
def test_what_is_wrong_with_a_step_is_said_with_its_place(text, says):
    with pytest.raises(UsageError) as caught:
        parse_rules("rule = []\n" + text, "ward.toml")
    assert says in str(caught.value)
