"""Damaged HTTP: no crash, no hang, each refused with a reason or in the door."""

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import http_mutations
from bench.http_mutations import CORPUS, mutate, run
from edge.gateway import items
from edge.gateway.http import answers

TAKEN = {"frame: taken", "request: 202"}
EXPECTED = {"frame: invalid", "frame: not-json", "frame: no-identity", "body: Damaged", "body: Unreadable"}


def test_damaged_inputs_are_refused_with_a_reason_or_stored(caplog):
    found = run(20_000, seed=22)
    assert found.wrong == []
    assert set(found.outcomes) >= TAKEN | EXPECTED | {"request: 400", "request: 422"}
    assert caplog.records == [], "what is logged of a damaged request would quote it"


@given(st.integers(0, 2**32))
def test_any_seed_does(seed):
    assert run(19, seed).wrong == []


def test_whole_inputs_of_the_corpus_are_taken(monkeypatch):
    monkeypatch.setattr(http_mutations, "mutate", lambda chance, body: body)
    found = run(400, seed=1)
    assert found.outcomes["request: 202"] > 10
    assert found.wrong == []


@pytest.mark.parametrize(("coding", "body"), dict.fromkeys(CORPUS))
def test_a_mutation_of_a_body_is_one_thing_that_the_seed_decides(coding, body):
    assert mutate(random.Random(3), body) == mutate(random.Random(3), body)


def test_a_body_reader_that_fails_is_found(monkeypatch):
    monkeypatch.setattr(items, "_FAULTS", ())
    assert run(300, seed=1).wrong


def test_frames_that_are_acknowledged_and_not_stored_are_found(monkeypatch):
    said = answers.taken

    def generous(results):
        answer = said(results)
        answer.body = json.dumps({"accepted": 1_000}).encode()
        return answer

    monkeypatch.setattr(answers, "taken", generous)
    monkeypatch.setattr(http_mutations, "mutate", lambda chance, body: body)
    assert any("not there" in one for one in run(400, seed=1).wrong)
