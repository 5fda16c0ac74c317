"""Fixtures of tests that judge."""

import engines
import pytest


@pytest.fixture(scope="module", params=engines.ENGINES)
def engine(request):
    """Have everything in a file judged once by each engine: `pytestmark = pytest.mark.usefixtures("engine")`."""
    before, engines.chosen = engines.chosen, request.param
    yield request.param
    engines.chosen = before
