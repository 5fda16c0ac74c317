"""The judges under test: NumPy's and the compiled one. The fixture `engine` chooses whose a test's workers are."""

from agents.judge_kernel import judge_kernel
from agents.judging.judge import Judge

ENGINES = ("numpy", "numba")

chosen = "auto"


def judge_of(*arguments, engine=None):
    """Return a judge of an engine, the chosen one unless the test names one."""
    return Judge(*arguments, kernel=judge_kernel(engine or chosen))
