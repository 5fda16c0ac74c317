"""Signs of life that are lost together: what a heart that beats without a pulse looks like, or a patient who fell.

Pulse and oxygen saturation come from one sensor, so their loss alone is a loose probe. With them, within half a minute,
the heart rate or the respiration: that is a patient to look at, whatever the cause. Who is taken off the monitor
loses one signal after the other.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.limits import NEVER
from clinical.losses import DETACHED_MS
from clinical.masks import some

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


def lost_since(
    live_ms: NDArray[np.int64],
    lost_ms: NDArray[np.int64],
    value_ms: NDArray[np.int64],
    patience_ms: NDArray[np.int64],
) -> NDArray[np.int64]:
    """Return since when signals that once had a reading have none, as far as their device says, (n, k).

    Counted up to the last frame of now, not to the present: a device that falls silent, or delivers what it had held
    back, says nothing more of them, so that it neither begins a loss nor ends one. `NEVER` where a signal is not lost,
    or counts as taken off because no frame has carried it for `DETACHED_MS`.

    Args:
        live_ms: (n, k) or (n, 1) arrival of the last frame of now of the device that measures the signal.
        lost_ms: (n, k) first invalid sample after the last valid one, `NEVER` = none.
        value_ms: (n, k) arrival of the last valid sample, `NEVER` = none yet.
        patience_ms: (n, k) or (n, 1) how long a reading may be missing.
    """
    begun = np.where(lost_ms == NEVER, value_ms, lost_ms)
    missing = live_ms - begun
    missed = (value_ms != NEVER) & (missing >= patience_ms)
    if not some(missed):  # as nearly always
        return np.full(missed.shape, NEVER)
    taken_off = (lost_ms == NEVER) & (missing >= np.maximum(DETACHED_MS, patience_ms))
    return np.where(missed & ~taken_off, begun, NEVER)
