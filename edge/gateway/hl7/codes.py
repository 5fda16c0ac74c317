"""Which observation is which signal, and in which unit: the one table of codes of the HL7 gateway.

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
from functools import lru_cache
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.hl7.split import plain
from edge.readers.units import Unit, unit_of


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
    """What OBX-3 and OBX-6 name: a signal and its unit, None where the signal does not come in what is named.

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


_TERM_OF: Final = _all_names(TERMS)
_EVENT_OF: Final = _all_names((*EVENTS, DISCONNECTED))
_PLACE: Final = {id(term): place for place, term in enumerate(TERMS)}
_SIGNAL_OF_LOINC: Final = {
    signal.loinc: signal.name for signal in reversed(SIGNALS) if signal.loinc and signal.mdc
}
_UNIT_OF: Final = {key: ucum for number, name, ucum in UNITS for key in (str(number), name)}
_MDC_SYSTEMS: Final = frozenset({"", "MDC", "IEEE"})


def triplets(text: str, marks: str) -> list[tuple[str, str, str]]:
    """Return the one or two (code, text, system) of a coded field."""
    parts = [plain(one, marks) for one in text.split(marks[1])]
    parts += [""] * (6 - len(parts))
    return [(parts[0], parts[1], parts[2]), (parts[3], parts[4], parts[5])]


@lru_cache(maxsize=4_096)
def signal_of(identifier: str, unit: str, marks: str) -> Known | str:
    """Return the signal that OBX-3 names, with the unit of OBX-6; "" if it is none of ours, else why it is not clear.

    By number, by name, or both; where number and name are of two signals, it is neither.
    """
    found: set[str] = set()
    places: list[int] = []
    for code, name, system in triplets(identifier, marks):
        if system.upper() == "LN":
            found |= {_SIGNAL_OF_LOINC[code]} if code in _SIGNAL_OF_LOINC else set()
        elif system.upper() in _MDC_SYSTEMS:
            terms = [_TERM_OF[key] for key in (code, name) if key in _TERM_OF]
            found |= {term.name for term in terms}
            places += [_PLACE[id(term)] for term in terms]
    if not found:
        return ""
    if len(found) > 1:
        return "codes-disagree"
    (signal,) = found
    bounds = SIGNALS[INDEX[signal]]
    place = min(places, default=len(TERMS))
    return Known(signal, place, bounds.low, bounds.high, unit_named(signal, unit, marks))


def unit_named(signal: str, text: str, marks: str) -> Unit | None:
    """Return the unit of OBX-6 for readings of a signal (no text = Vigil's own), None if it is none of its units.

    MDC codes and names, UCUM, and what monitors write. Where a code and its name are of two units, the name counts:
    monitors are known to write a wrong number beside a right name.
    """
    if not plain(text, marks):
        return unit_of(signal, "")
    for code, name, _ in triplets(text, marks):
        for key in (name, code):
            unit = unit_of(signal, _UNIT_OF.get(key, key)) if key else None
            if unit is not None:
                return unit
    return None


@lru_cache(maxsize=4_096)
def flag_of(event: str, source: str, marks: str) -> str:
    """Return the frame's flag that an alarm's event is, empty if it is none; `source` is the alarm's source."""
    term = next(
        (
            _EVENT_OF[key]
            for code, name, _ in triplets(event, marks)
            for key in (code, name)
            if key in _EVENT_OF
        ),
        None,
    )
    if term is DISCONNECTED:
        parts = {part for one in triplets(source, marks) for part in one[:2]}
        arterial = parts & {str(number) for number in ARTERIAL} or any("_ART" in part for part in parts)
        return term.name if arterial else ""
    return "" if term is None else term.name
