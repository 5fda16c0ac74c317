"""The one table of codes: which is which signal or flag, and how units are written in them.

Numbers are CF_CODE10 of ISO/IEEE 11073-10101: partition (2 = metrics, 3 = events) times 65,536, plus the term code.
Each row says where the pair of number and name was seen in public use:

- GE: PCD-01 of CARESCAPE B1x5 monitors, in public receivers' test messages.
- MR: PCD-01 of Mindray and compatible monitors, likewise. CO: COMEN's, likewise.
- PH: nomenclature of the IntelliVue data export interface (term codes), as public receivers list it.
- MII: value sets of the German medical informatics initiative and its ISiK and ICU guides. PHD: the HL7 personal health
  device guide. UA: OpenICE's rosetta table (names).
- [M]: the number or the name was not found in public use together; it follows from the others.
"""

from dataclasses import dataclass
from typing import Final

from clinical.vitals import SIGNALS
from edge.readers.units import Unit


@dataclass(frozen=True, slots=True)
class Term:
    """One code of a signal or flag. In a message that has several of a signal, the first in this table counts."""

    name: str
    number: int
    names: tuple[str, ...]
    source: str


# fmt: off
TERMS: Final[tuple[Term, ...]] = (
    Term("hr",       147842, ("MDC_ECG_HEART_RATE", "MDC_ECG_CARD_BEAT_RATE"), "GE, MR, PH"),
    Term("pulse",    149530, ("MDC_PULS_OXIM_PULS_RATE",), "GE, MR, PHD"),
    Term("pulse",    149522, ("MDC_BLD_PULS_RATE_INV",), "GE"),
    Term("pulse",    149514, ("MDC_PULS_RATE",), "UA"),
    Term("pulse",    149546, ("MDC_PULS_RATE_NON_INV",), "MR, PHD"),
    Term("spo2",     150456, ("MDC_PULS_OXIM_SAT_O2",), "GE, MR, PHD"),
    Term("spo2",     150476, ("MDC_PULS_OXIM_SAT_O2_ART_RIGHT",), "PH [M]"),
    Term("spo2",     150472, ("MDC_PULS_OXIM_SAT_O2_ART_LEFT",), "PH [M]"),
    Term("resp",     151562, ("MDC_RESP_RATE",), "PH, MII"),
    Term("resp",     151594, ("MDC_CO2_RESP_RATE",), "GE"),
    Term("resp",     151570, ("MDC_AWAY_RESP_RATE",), "PH [M]"),
    Term("resp",     151578, ("MDC_TTHOR_RESP_RATE",), "MR"),
    Term("resp",     151586, ("MDC_VENT_RESP_RATE",), "MII"),
    Term("nbp_sys",  150021, ("MDC_PRESS_BLD_NONINV_SYS",), "PHD, PH"),
    Term("nbp_sys",  150301, ("MDC_PRESS_CUFF_SYS",), "MR, CO"),
    Term("nbp_dia",  150022, ("MDC_PRESS_BLD_NONINV_DIA",), "PHD, PH"),
    Term("nbp_dia",  150302, ("MDC_PRESS_CUFF_DIA",), "MR, CO"),
    Term("nbp_mean", 150023, ("MDC_PRESS_BLD_NONINV_MEAN",), "PHD, PH"),
    Term("nbp_mean", 150303, ("MDC_PRESS_CUFF_MEAN",), "MR, CO"),
    Term("abp_sys",  150037, ("MDC_PRESS_BLD_ART_ABP_SYS",), "MII, PH"),
    Term("abp_sys",  150033, ("MDC_PRESS_BLD_ART_SYS",), "GE, PH"),
    Term("abp_sys",  150029, ("MDC_PRESS_BLD_AORT_SYS",), "PH, UA"),
    Term("abp_dia",  150038, ("MDC_PRESS_BLD_ART_ABP_DIA",), "MII, PH"),
    Term("abp_dia",  150034, ("MDC_PRESS_BLD_ART_DIA",), "GE, PH"),
    Term("abp_dia",  150030, ("MDC_PRESS_BLD_AORT_DIA",), "PH, UA"),
    Term("abp_mean", 150039, ("MDC_PRESS_BLD_ART_ABP_MEAN",), "MII, PH"),
    Term("abp_mean", 150035, ("MDC_PRESS_BLD_ART_MEAN",), "GE, PH"),
    Term("abp_mean", 150031, ("MDC_PRESS_BLD_AORT_MEAN",), "PH, UA"),
    # Skin (150388) and airway temperatures are no body temperature.
    Term("temp",     150368, ("MDC_TEMP_CORE",), "MII, PHD, PH"),
    Term("temp",     150372, ("MDC_TEMP_ESOPH",), "PH [M]"),
    Term("temp",     188420, ("MDC_TEMP_RECT",), "PHD"),
    Term("temp",     150380, ("MDC_TEMP_NASOPH",), "PH [M]"),
    Term("temp",     150352, ("MDC_TEMP_ART",), "MR, PH"),
    Term("temp",     150396, ("MDC_TEMP_VEN",), "PH [M]"),
    Term("temp",     150392, ("MDC_TEMP_TYMP",), "PHD"),
    Term("temp",     188428, ("MDC_TEMP_EAR",), "PHD"),
    Term("temp",     188424, ("MDC_TEMP_ORAL",), "PHD"),
    Term("temp",     150364, ("MDC_TEMP_BODY",), "PHD"),
    Term("temp",     150344, ("MDC_TEMP",), "GE, MR"),
    Term("temp",     188452, ("MDC_TEMP_AXILLA",), "PHD"),
    Term("temp",     188496, ("MDC_TEMP_AXIL",), "MR"),
    Term("etco2",    151708, ("MDC_CONC_AWAY_CO2_ET",), "MR, MII, PH"),
    Term("etco2",    151728, ("MDC_AWAY_CO2_ET",), "PH [M]"),
    Term("fio2",     152196, ("MDC_CONC_AWAY_O2_INSP",), "MII, PH"),
)
"""Signals by their codes of metrics."""

EVENTS: Final[tuple[Term, ...]] = (
    Term("asystole",  199684, ("MDC_EVT_ECG_ASYSTOLE",), "DICOM CID 3038, PH"),
    Term("apnoea",    199680, ("MDC_EVT_APNEA",), "DICOM CID 3038, MII"),
    Term("apnoea",    199892, ("MDC_EVT_VENT_RESP_APNEA_15_SEC",), "DICOM CID 3038"),
    Term("apnoea",    199900, ("MDC_EVT_VENT_RESP_APNEA_30_SEC",), "DICOM CID 3038"),
    Term("vfib",      258052, ("MDC_EVT_ECG_V_FIB_TACHY", "MDC_EVT_ECG_V_FIB"), "PH (a private term) [M]"),
    Term("vtach",     199832, ("MDC_EVT_ECG_V_TACHY",), "PH [M]"),
    Term("ext_tachy", 199730, ("MDC_EVT_ECG_TACHY_EXTREME",), "PH [M]"),
    Term("ext_brady", 199694, ("MDC_EVT_ECG_BRADY_EXTREME",), "PH [M]"),
)
"""Flags of a frame by the events of a bedside alarm."""

DISCONNECTED: Final = Term("abp_disconnect", 196960, ("MDC_EVT_MSMT_DISCONN",), "PH [M]")
"""Is the flag only where the alarm's source is an arterial line."""

_MINUTE, _SHARE, _MMHG, _CELSIUS = "/min", "%", "mm[Hg]", "Cel"
UNITS: Final[tuple[tuple[int, str, str], ...]] = (
    (264864, "MDC_DIM_BEAT_PER_MIN", _MINUTE),  # GE, MR, CO
    (264928, "MDC_DIM_RESP_PER_MIN", _MINUTE),  # GE, MR
    (262688, "MDC_DIM_PERCENT", _SHARE),        # GE, MR
    (266016, "MDC_DIM_MMHG", _MMHG),            # GE, MR
    (265987, "MDC_DIM_KILO_PASCAL", "kPa"),     # PHD (3843)
    (265986, "MDC_DIM_HECTO_PASCAL", "hPa"),    # PHD (3842)
    (266048, "MDC_DIM_CM_H2O", "cm[H2O]"),      # PH (3904)
    (268192, "MDC_DIM_DEGC", _CELSIUS),         # GE, MR
    (266560, "MDC_DIM_FAHR", "[degF]"),         # PHD (4416)
    (266528, "MDC_DIM_KELVIN", "K"),            # PHD (4384)
)
"""Units by their codes (partition 4), and how UCUM writes them."""
# fmt: on


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What a code and a unit name: a signal and its unit, None where the signal does not come in what is named.

    `place` is the term's in the table: a lower one counts before a higher. Equal is only what is the same, which makes
    it a cheap key.
    """

    signal: str
    place: int
    low: float
    high: float
    unit: Unit | None


ARTERIAL: Final = frozenset(term.number for term in TERMS if term.name.startswith("abp_")) | {
    150036,
    150032,
    150028,
}
"""Arterial lines as such, beside their three values."""


def _all_names(terms: tuple[Term, ...]) -> dict[str, Term]:
    keys = {str(term.number): term for term in terms}
    return keys | {name: term for term in terms for name in term.names}


TERM_OF: Final = _all_names(TERMS)
EVENT_OF: Final = _all_names((*EVENTS, DISCONNECTED))
PLACE: Final = {id(term): place for place, term in enumerate(TERMS)}
SIGNAL_OF_LOINC: Final = {
    signal.loinc: signal.name for signal in reversed(SIGNALS) if signal.loinc and signal.mdc
}
UNIT_OF: Final = {key: ucum for number, name, ucum in UNITS for key in (str(number), name)}
