"""Which compiled parts the judge of an engine has."""

from agents.judging.judge import Kernels
from streams.engine import Engine, is_compiled


def judge_kernels(engine: Engine) -> Kernels | None:
    """Return the judge's kernels, None where NumPy judges.

    Raises:
        UsageError: they are asked for by name, and Numba is not there.
    """
    if not is_compiled(engine):
        return None
    # Only here: without Numba they cannot be imported.
    from clinical.kernels.judge_frames import judge_frames
    from clinical.kernels.screen_ticks import screen_ticks

    return Kernels(judge_frames, screen_ticks)
