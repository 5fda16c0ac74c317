"""Decisions about rules: which records of the topic count."""

from types import SimpleNamespace

import pytest

from clinical.defaults import DEFAULT_RULES
from streams.contracts.rules_marks import MARK_KEY
from streams.contracts.seals import DEVELOPMENT, Place, Seals
from streams.decoding.decoder import Decoder
from streams.errors import UsageError
from streams.kafka.rules_log import Rules, decided, name_of, rules_of, sealed, sealed_mark, switches, trials

TEXT = '[[rule]]\nid = "hr-high"\nsignal = "hr"\nhigh = 120\n'
OTHER = TEXT.replace("120", "130")
STRANGER = Seals((b"a key that nobody here has been told of",))


def rules(number, kind="switch", text=TEXT, **changed):
    given = {
        "kind": kind,
        "group": "vigil",
        "number": number,
        "name": "" if text is None else name_of(text),
        "file": "new.toml",
        "text": text,
        "actor": "engineer-1",
        "role": "engineer",
        "reason": "because",
        "at_ts_ms": number,
    }
    return Rules(**given | changed)


def log(*values):
    return [
        SimpleNamespace(offset=offset, timestamp=1_000 + offset, key=b"vigil", value=value)
        for offset, value in enumerate(values)
    ]


def numbers(*values, group="vigil"):
    return [one.rules.number for one in decided(log(*values), group, DEVELOPMENT)]


def test_decisions_count_in_their_order_and_a_copy_of_one_says_nothing():
    first, second = sealed(rules(1), DEVELOPMENT), sealed(rules(2, text=OTHER), DEVELOPMENT)
    assert numbers(first, second, first, second) == [1, 2]


def test_of_two_with_one_number_the_first_counts():
    found = decided(log(*(sealed(rules(1, reason=why), DEVELOPMENT) for why in "ab")), "vigil", DEVELOPMENT)
    assert [one.rules.reason for one in found] == ["a"]


def test_what_is_not_sealed_with_the_key_counts_for_nothing():
    bare = rules(1).model_dump_json().encode()
    assert numbers(bare, sealed(rules(1), STRANGER), b"{", None) == []


def test_a_seal_of_another_kind_of_record_does_not_pass_for_a_decision():
    content = rules(1).model_dump_json().encode()
    assert numbers(DEVELOPMENT.seal(MARK_KEY, Place(0, 1), content)) == []


def test_a_decision_whose_name_or_number_is_not_that_of_its_text_and_seal_counts_for_nothing():
    wrong_name = sealed(rules(1, name=name_of(OTHER)), DEVELOPMENT)
    moved = DEVELOPMENT.seal(b"~rules/decision", Place(0, 7), rules(1).model_dump_json().encode())
    assert numbers(wrong_name, moved) == []


def test_other_groups_have_decisions_of_their_own():
    records = sealed(rules(1), DEVELOPMENT), sealed(rules(1, group="other"), DEVELOPMENT)
    assert numbers(*records) == numbers(*records, group="other") == [1]


def test_the_last_switch_holds_and_trials_are_those_that_were_not_ended():
    values = [
        rules(1, "trial"),
        rules(2, "trial", OTHER),
        rules(3, "switch", OTHER),
        rules(4, "end"),
        rules(5, "switch", None),
    ]
    found = decided(log(*(sealed(one, DEVELOPMENT) for one in values)), "vigil", DEVELOPMENT)
    assert [one.rules.number for one in switches(found)] == [3, 5]
    assert [one.rules.name for one in trials(found)] == [name_of(OTHER)]


def test_rules_without_a_text_are_the_workers_own_and_others_are_read():
    assert rules_of(rules(1, text=None), DEFAULT_RULES) is DEFAULT_RULES
    assert [rule.high for rule in rules_of(rules(1, text=OTHER), DEFAULT_RULES).limits] == [130]
    with pytest.raises(UsageError, match=r"new\.toml"):
        rules_of(rules(1, text="rule = 3"), DEFAULT_RULES)


def test_a_mark_in_the_readings_is_believed_only_with_its_seal():
    def record(value):
        return SimpleNamespace(offset=7, timestamp=1_000, key=MARK_KEY, value=value)

    (marked,) = Decoder().decode([record(sealed_mark(rules(3), DEVELOPMENT))]).marks
    assert (marked.offset, marked.mark.group, marked.mark.number) == (7, "vigil", 3)
    for forged in (sealed_mark(rules(3), STRANGER), b'{"group":"vigil","number":3}', None):
        run = Decoder().decode([record(forged)])
        assert run.marks == []
        assert [reject.reason for reject in run.rejects] == ["unproven-command"]
