"""Which name of VSCapture is which signal. It sends no units: a reading is taken to be in Vigil's.

- Philips IntelliVue (VSCaptureMP): names of the monitor's data export interface, `NOM_` before those of MDC.
- GE S/5 (VSCaptureWave): names of its own. Its invasive pressures are called by their plug (`P1_Systolic`) and its
  temperatures by their number (`T1_Temp`): what is measured there is set at the monitor, so it has to be said (`names`
  of the client), and nothing is guessed.
- `NOM_CONC_AWAY_CO2_ET` is left out: monitors give it in % as in mmHg, and the unit does not come with it.
"""

from collections.abc import Mapping
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.terms import Known
from edge.readers.units import unit_of

NAMES: Final[dict[str, tuple[str, ...]]] = {
    "hr": ("NOM_ECG_CARD_BEAT_RATE", "ECG_HR"),
    "pulse": ("NOM_PLETH_PULS_RATE", "NOM_PULS_OXIM_PULS_RATE", "NOM_PULS_RATE"),
    "spo2": ("NOM_PULS_OXIM_SAT_O2", "SpO2"),
    "resp": ("NOM_RESP_RATE", "NOM_AWAY_RESP_RATE", "NOM_CO2_RESP_RATE", "CO2_RR", "RR"),
    "nbp_sys": ("NOM_PRESS_BLD_NONINV_SYS", "NIBP_Systolic"),
    "nbp_dia": ("NOM_PRESS_BLD_NONINV_DIA", "NIBP_Diastolic"),
    "nbp_mean": ("NOM_PRESS_BLD_NONINV_MEAN", "NIBP_Mean"),
    "abp_sys": ("NOM_PRESS_BLD_ART_ABP_SYS", "NOM_PRESS_BLD_ART_SYS", "NOM_PRESS_BLD_AORT_SYS"),
    "abp_dia": ("NOM_PRESS_BLD_ART_ABP_DIA", "NOM_PRESS_BLD_ART_DIA", "NOM_PRESS_BLD_AORT_DIA"),
    "abp_mean": ("NOM_PRESS_BLD_ART_ABP_MEAN", "NOM_PRESS_BLD_ART_MEAN", "NOM_PRESS_BLD_AORT_MEAN"),
    "temp": ("NOM_TEMP_CORE", "NOM_TEMP_ESOPH", "NOM_TEMP_RECT", "NOM_TEMP_NASOPH", "NOM_TEMP_TYMP", "NOM_TEMP"),
    "etco2": ("NOM_AWAY_CO2_ET", "ET_CO2"),
    "fio2": ("NOM_CONC_AWAY_O2_INSP", "O2_FI"),
}  # fmt: skip
"""Of several names of a signal in one message the first that has a value counts, and those that the clients file says
before them."""

_SAID: Final = -1


def _known(signal: str, place: int) -> Known:
    bounds = SIGNALS[INDEX[signal]]
    return Known(signal, place, bounds.low, bounds.high, unit_of(signal, ""))


_KNOWN: Final = {
    name: _known(signal, place) for signal, names in NAMES.items() for place, name in enumerate(names)
}


def known_names(said: Mapping[str, str]) -> Mapping[str, Known]:
    """Return every known name's signal; `said` are a client's own (name, signal), which count before the table."""
    return {**_KNOWN, **{name: _known(signal, _SAID) for name, signal in said.items()}}
