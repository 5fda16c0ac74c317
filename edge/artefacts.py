"""What goes wrong at a simulated bed: sensors that fall off and readings that no body produces."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from clinical.vitals import INDEX

PERIOD_S: Final = 60.0
"""At most one gap and one artefact a bed in each period; both end before the period does."""

GAP_SHARE: Final = 0.05
GAP_S: Final = (3.0, 28.0)
ARTEFACT_SHARE: Final = 0.08
ARTEFACT_S: Final = (1.0, 3.0)
START_S_MAX: Final = 30.0

SENSORS: Final = (
    tuple(INDEX[name] for name in ("hr", "resp")),
    tuple(INDEX[name] for name in ("spo2", "pulse")),
    tuple(INDEX[name] for name in ("abp_sys", "abp_dia", "abp_mean")),
)
# Electrodes moved: rates that no body has; a cold finger: zeros; a flushed line: the pressure of the bag.
FALSE_READINGS: Final = ((400.0, 240.0), (0.0, 0.0), (290.0, 290.0, 290.0))


def disturb(values: NDArray[np.float64], seed: int, time_s: NDArray[np.float64]) -> None:
    """Put gaps (NaN) and artefacts into `values` (beds, COUNT), for frames at `time_s` (beds,)."""
    beds = len(values)
    period = np.floor(time_s / PERIOD_S).astype(np.int64)
    chance = np.empty((beds, 8))
    for number in np.unique(period):  # neighbouring frames share a period: seldom more than two
        drawn = np.random.default_rng([seed, 2, int(number)]).random((beds, 8))
        chance[period == number] = drawn[period == number]
    into_s = time_s - period * PERIOD_S
    gap = (chance[:, 0] < GAP_SHARE) & _lasts(into_s, chance[:, 1], chance[:, 2], GAP_S)
    artefact = (chance[:, 4] < ARTEFACT_SHARE) & _lasts(into_s, chance[:, 5], chance[:, 6], ARTEFACT_S)
    of_gap, of_artefact = (np.floor(chance[:, column] * len(SENSORS)) for column in (3, 7))
    for sensor, columns in enumerate(SENSORS):
        values[np.ix_(artefact & (of_artefact == sensor), columns)] = FALSE_READINGS[sensor]
        values[np.ix_(gap & (of_gap == sensor), columns)] = np.nan


def _lasts(
    into_s: NDArray[np.float64],
    start: NDArray[np.float64],
    length: NDArray[np.float64],
    range_s: tuple[float, float],
) -> NDArray[np.bool_]:
    since_s = into_s - start * START_S_MAX
    inside: NDArray[np.bool_] = (since_s >= 0) & (since_s < range_s[0] + (range_s[1] - range_s[0]) * length)
    return inside
