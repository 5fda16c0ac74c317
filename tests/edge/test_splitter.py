"""The process that splits the state, as the command sees it: answers, errors, its end, and ours."""

import sys

import psutil
import pytest
from waiting import wait_until

from edge import splitter
from edge.splitter import Splitter
from streams.config.settings import Settings
from streams.errors import NotWhole, UsageError, VigilError

ANSWERING = """
import json, sys
for line in sys.stdin:
    question = line.strip()
    print("a line of a log", flush=True)
    found = {found}
    print(json.dumps({{"question": question, "took_s": 1.5}} | found), flush=True)
"""
ENDING = "import sys; print('vigil: no broker answers'); sys.exit(3)"
SILENT = "import sys; sys.stdin.read()"


def asking(program):
    return Splitter(Settings(brokers="a:1"), (sys.executable, "-c", program))


def test_the_answer_is_that_to_the_question_whatever_was_said_before():
    with asking(
        ANSWERING.format(found='{"patients": {"read": 1, "look": 2, "split": 3}[question]}')
    ) as asked:
        asked.ahead()
        assert asked.look() == "2 patients in 1.50 s"
        assert asked.split() == "3 patients in 1.50 s"


@pytest.mark.parametrize("kind", [NotWhole, UsageError, VigilError])
def test_an_error_is_of_the_kind_that_it_was_there(kind):
    program = ANSWERING.format(found=f'{{"error": "what is wrong", "exit_code": {kind.exit_code}}}')
    with asking(program) as asked, pytest.raises(kind, match="what is wrong") as raised:
        asked.split()
    assert type(raised.value) is kind


def test_a_process_that_ends_is_told_of_with_its_last_words():
    with asking(ENDING) as asked, pytest.raises(VigilError, match="ended by itself: no broker answers"):
        asked.split()


def test_one_that_never_answers_is_waited_for_within_a_bound(monkeypatch):
    monkeypatch.setattr(splitter, "SPLIT_S_MAX", 0.2)
    with asking(SILENT) as asked, pytest.raises(VigilError, match=r"not split within 0\.2 s"):
        asked.split()


def test_it_starts_before_anything_is_asked_and_none_is_left():
    before = set(psutil.Process().children())
    with asking(SILENT):
        (child,) = set(psutil.Process().children()) - before
    wait_until(lambda: not child.is_running(), "the process to be gone", 5.0)
