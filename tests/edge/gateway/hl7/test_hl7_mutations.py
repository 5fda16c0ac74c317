"""Damaged messages: no crash, no hang, each refused with a reason or in the door."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import hl7_mutations
from bench.hl7_mutations import CORPUS, mutate, run
from edge.gateway.hl7 import desk


def test_damaged_inputs_are_refused_with_a_reason_or_stored():
    found = run(3_000, seed=7)
    assert found.wrong == []
    assert {"taken", "no-header", "no-observation", "message-type", "no-id", "no-end"} <= set(found.outcomes)


@given(st.integers(0, 2**32))
def test_any_seed_does(seed):
    assert run(20, seed).wrong == []


def test_whole_messages_of_the_corpus_are_taken(monkeypatch):
    monkeypatch.setattr(hl7_mutations, "mutate", lambda chance, message: message)
    assert set(run(50, seed=1).outcomes) == {"taken"}


@pytest.mark.parametrize("message", CORPUS)
def test_a_mutation_is_one_thing_that_the_seed_decides(message):
    assert mutate(random.Random(3), message) == mutate(random.Random(3), message)


def test_a_reader_that_fails_is_found(monkeypatch):
    monkeypatch.setattr(desk, "read_adt", lambda *_: [][0])
    assert run(300, seed=1).wrong


def test_a_message_that_is_accepted_and_not_stored_is_found(monkeypatch):
    monkeypatch.setattr(desk, "_none_found", lambda faults: None)
    assert any("nothing is there" in one for one in run(300, seed=1).wrong)
