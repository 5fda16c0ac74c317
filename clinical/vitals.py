"""The vital signs that Vigil knows: one row a signal, with units, codes and bounds.

A signal's position in `SIGNALS` is its column in every array of shape (n, len(SIGNALS)).
Sources: MDC numbers from ISO/IEEE 11073-10101 as used by IHE PCD-01 senders, HL7 uv-pocd, IHE SDPi and the value
sets of the German MII; LOINC codes from the HL7 FHIR vital-signs profile where it has one, else from public mappings
of MIMIC and the MII. What no public use confirms has no code. A frame does not say where a pulse is from, so its
code is that of a pulse rate as such, not the oximeter's (149530) or the arterial line's (149522). Plausible ranges
are what a working sensor can report at all (wider than any alarm limit); a value outside is no reading.
Entries marked [M] are defaults that no source we could read confirms.
"""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Signal:
    """One vital sign.

    `low`/`high` bound the plausible range, inclusive, in `unit`; `resolution` is the step of the chart or
    device; `age_s_max` is how long a value stays usable in a score; a `periodic` signal is expected in every
    frame while its sensor is attached, an aperiodic one comes when somebody measures it.
    """

    name: str
    title: str
    unit: str
    ucum: str
    mdc: int
    mdc_name: str
    loinc: str
    low: float
    high: float
    resolution: float
    age_s_max: int
    periodic: bool


# fmt: off
SIGNALS: Final[tuple[Signal, ...]] = (
    #      name             title                          unit     ucum       mdc     mdc_name                     loinc      low   high  step  age_s   periodic
    Signal("hr",            "heart rate (ECG)",            "bpm",   "/min",    147842, "MDC_ECG_HEART_RATE",        "8867-4",  1,    350,  1.0,  60,     True),
    Signal("pulse",         "pulse rate",                  "bpm",   "/min",    149514, "MDC_PULS_RATE",             "8867-4",  1,    350,  1.0,  60,     True),
    Signal("spo2",          "oxygen saturation",           "%",     "%",       150456, "MDC_PULS_OXIM_SAT_O2",      "59408-5", 1,    100,  1.0,  60,     True),
    Signal("resp",          "respiration rate",            "bpm",   "/min",    151562, "MDC_RESP_RATE",             "9279-1",  0,    200,  1.0,  60,     True),
    Signal("nbp_sys",       "cuff systolic pressure",      "mmHg",  "mm[Hg]",  150021, "MDC_PRESS_BLD_NONINV_SYS",  "76534-7", 10,   350,  1.0,  3600,   False),
    Signal("nbp_dia",       "cuff diastolic pressure",     "mmHg",  "mm[Hg]",  150022, "MDC_PRESS_BLD_NONINV_DIA",  "76535-4", 5,    300,  1.0,  3600,   False),
    Signal("nbp_mean",      "cuff mean pressure",          "mmHg",  "mm[Hg]",  150023, "MDC_PRESS_BLD_NONINV_MEAN", "76536-2", 5,    320,  1.0,  3600,   False),
    Signal("abp_sys",       "arterial systolic pressure",  "mmHg",  "mm[Hg]",  150037, "MDC_PRESS_BLD_ART_ABP_SYS", "76215-3", 10,   350,  1.0,  60,     True),
    Signal("abp_dia",       "arterial diastolic pressure", "mmHg",  "mm[Hg]",  150038, "MDC_PRESS_BLD_ART_ABP_DIA", "76213-8", 5,    300,  1.0,  60,     True),
    Signal("abp_mean",      "arterial mean pressure",      "mmHg",  "mm[Hg]",  150039, "MDC_PRESS_BLD_ART_ABP_MEAN","76214-6", 5,    320,  1.0,  60,     True),
    Signal("temp",          "body temperature",            "Cel",   "Cel",     150344, "MDC_TEMP",                  "8310-5",  10,   45,   0.1,  3600,   False),
    Signal("etco2",         "end-tidal CO2",               "mmHg",  "mm[Hg]",  151708, "MDC_CONC_AWAY_CO2_ET",      "19891-1", 0,    150,  1.0,  60,     True),
    Signal("fio2",          "inspired oxygen fraction",    "%",     "%",       152196, "MDC_CONC_AWAY_O2_INSP",     "3150-0",  18,   100,  1.0,  3600,   False),
    # Charted, not measured: no MDC term is in use (0); that oxygen is given has no code that others use.
    Signal("consciousness", "consciousness (ACVPU)",       "ACVPU", "{ACVPU}", 0,      "",                          "80288-4", 0,    4,    1.0,  43200,  False),
    Signal("on_oxygen",     "receives oxygen",             "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  43200,  False),
    # Reported: alarms that the device decided from its waveform. They have event codes, no codes of metrics here.
    Signal("asystole",      "asystole (reported)",         "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("apnoea",        "apnoea (reported)",           "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("vfib",          "ventricular fibrillation (reported)",   "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("vtach",         "ventricular tachycardia (reported)",    "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("ext_tachy",     "extreme tachycardia (reported)",        "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("ext_brady",     "extreme bradycardia (reported)",        "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
    Signal("abp_disconnect","arterial line disconnected (reported)", "0/1",   "1",       0,      "",                          "",        0,    1,    1.0,  60,     False),
)
# fmt: on

INDEX: Final[dict[str, int]] = {signal.name: column for column, signal in enumerate(SIGNALS)}
COUNT: Final = len(SIGNALS)
WINDOWED: Final = INDEX["consciousness"]
"""So many signals, the first ones, are numbers whose course over minutes says something: those have windows."""

PLAUSIBLE_LOW: Final[NDArray[np.float64]] = np.array([signal.low for signal in SIGNALS], dtype=np.float64)
PLAUSIBLE_HIGH: Final[NDArray[np.float64]] = np.array([signal.high for signal in SIGNALS], dtype=np.float64)
PERIODIC: Final[NDArray[np.bool_]] = np.array([signal.periodic for signal in SIGNALS])
AGE_MS_MAX: Final[NDArray[np.int64]] = np.array([signal.age_s_max * 1000 for signal in SIGNALS], np.int64)

REPORTED: Final = ("asystole", "apnoea", "vfib", "vtach", "ext_tachy", "ext_brady", "abp_disconnect")
"""Alarms that the device decided itself."""

FLAGS: Final = ("on_oxygen", *REPORTED)
"""Signals that a frame carries as true or false and an array as 1 or 0."""

ACVPU: Final = "ACVPU"
"""Levels of consciousness in order: a frame carries the letter, an array its position (0 = alert)."""

ABSENT: Final = -np.inf
"""Array value of a signal that the frame does not carry (not measured); NaN is attached without a reading."""
