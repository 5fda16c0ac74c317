"""The judges under test: NumPy's and the compiled one. The fixture `engine` chooses whose a test's workers are."""

from agents.judging.judge import Judge
from agents.kernels import judge_kernel

ENGINES = ("numpy", "numba")

chosen = "auto"


def judge_of(*arguments, engine=None):
    """Return a judge of an engine, the chosen one unless the test names one."""
    return Judge(*arguments, kernel=judge_kernel(engine or chosen))
