"""The judges under test: NumPy's and the compiled one. The fixture `engine` chooses whose a test's workers are."""

from agents.judge_kernels import judge_kernels
from agents.judging.judge import Judge

ENGINES = ("numpy", "numba")

chosen = "auto"


def judge_of(*arguments, engine=None):
    """Return a judge of an engine, the chosen one unless the test names one."""
    return Judge(*arguments, kernels=judge_kernels(engine or chosen))
