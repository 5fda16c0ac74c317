"""A babbling device must not hold up the others of its partition: eight looks a second are enough to judge it.

While a patient's `babbling-device` alarm stands, a live frame is left out of the judging when each reading it carries
is of a signal that was judged less than `LOOK_MS` before; what comes later is judged, so the newest counts. A frame
left out stays in the windows and is counted. An alarm that the device itself reports may come
in one frame only: what says that it has begun is never left out. The alarm's state and the last judged readings are
part of the patient's record: a replay leaves out the same frames.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import ABSENT, INDEX, REPORTED

LOOK_MS: Final = 125
"""A babbling device's signal is judged so often, or at its announced interval where that is shorter. Our choice [M]."""

_REPORTED: Final = tuple(INDEX[name] for name in REPORTED)


def surplus(
    rows: NDArray[np.int64],
    values: NDArray[np.float64],
    now_ms: NDArray[np.int64],
    interval_ms: NDArray[np.int64],
    newest_ms: NDArray[np.int64],
    value: NDArray[np.float64],
) -> NDArray[np.bool_]:
    """Return which frames of babbling patients are left out, (n,).

    One frame after the other, because each depends on those before it; few patients babble.

    Args:
        rows: (n,) the device's row, in log order.
        values: (n, signals) readings, -inf = absent.
        now_ms: (n,) time of each frame.
        interval_ms: (n,) announced interval.
        newest_ms: (n, signals) when each signal of the device was judged last before these frames.
        value: (n, signals) its last valid reading then.
    """
    left_out = np.zeros(len(rows), dtype=np.bool_)
    judged: dict[tuple[int, int], int] = {}
    reported: dict[tuple[int, int], float] = {}
    frame, signal = (values != ABSENT).nonzero()
    first = np.searchsorted(frame, np.arange(len(rows) + 1))
    for i, (row, now) in enumerate(zip(rows.tolist(), now_ms.tolist(), strict=True)):
        carried = [(row, s) for s in signal[first[i] : first[i + 1]].tolist()]
        gap = min(LOOK_MS, int(interval_ms[i]))
        last = [judged.get(key, int(newest_ms[i, key[1]])) for key in carried]
        says = {(row, s): float(values[i, s]) for s in _REPORTED if values[i, s] in (0, 1)}
        begins = any(said == 1 and reported.get(key, value[i, key[1]]) != 1 for key, said in says.items())
        left_out[i] = bool(last) and not begins and all(now - ms < gap for ms in last)
        if not left_out[i]:
            timely = {key for key, ms in zip(carried, last, strict=True) if now >= ms}
            reported.update((key, said) for key, said in says.items() if key in timely)
            judged.update((key, max(now, ms)) for key, ms in zip(carried, last, strict=True))
    return left_out
