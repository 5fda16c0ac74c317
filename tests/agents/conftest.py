"""Fixtures of tests that judge."""

import engines
import pytest


@pytest.fixture(scope="module", params=engines.ENGINES)
def engine(request):
    """Have everything in a file judged once by each engine: `pytestmark = pytest.mark.usefixtures("engine")`.

    Properties there draw half of their examples for each; `test_compiled_judge.py` holds the engines to one another.
    """
    before, engines.chosen = engines.chosen, request.param
    yield request.param
    engines.chosen = before
