"""Which compiled judge of frames an engine has."""

from agents.judging.compiled_judge import Kernel
from streams.engine import Engine, is_compiled


def judge_kernel(engine: Engine) -> Kernel | None:
    """Return the compiled judge of frames, None where NumPy judges.

    Raises:
        UsageError: it is asked for by name, and Numba is not there.
    """
    if not is_compiled(engine):
        return None
    # Only here: without Numba it cannot be imported.
    from clinical.kernels.judge_frames import judge_frames

    return judge_frames
