"""Signs of life that are lost together: what a heart that beats without a pulse looks like, or a patient who fell.

Pulse and oxygen saturation come from one sensor, so their loss alone is a loose probe. With them, within half a minute,
the heart rate or the respiration: that is a patient to look at, whatever the cause. Who is taken off the monitor
loses one signal after the other.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER

TOGETHER_MS: Final = 30_000
"""The signals are lost within so long of each other. Our choice [M]."""

PERFUSION: Final = ("pulse", "spo2")
"""Both of these are lost, ..."""

DRIVE: Final = ("hr", "resp")
"""... and at least one of these."""


def vital_loss_since(perfusion: NDArray[np.int64], drive: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return since when a patient's signs of life are lost together, (n,), `NEVER` where they are not.

    That is when the third of them was lost. How long it must last, the caller says.

    Args:
        perfusion: (n, 2) since when pulse and oxygen saturation are lost, ms, `NEVER` = not lost, or never measured.
        drive: (n, 2) likewise heart rate and respiration.
    """
    first, last = perfusion.min(axis=1), perfusion.max(axis=1)
    earliest = np.minimum(first[:, None], drive)
    latest = np.maximum(last[:, None], drive)
    together = (earliest != NEVER) & (latest - earliest <= TOGETHER_MS)
    since = np.where(together, latest, np.iinfo(np.int64).max).min(axis=1)
    return np.where(together.any(axis=1), since, NEVER)
