"""The limits in force for a patient, also where no command has changed any: the unit's, by the rules file. Pure."""

from clinical.rules import LimitRule, RuleSet
from clinical.vitals import FLAGS
from streams.contracts.patient_state import LimitPair, Limits, Patient


def limits_of(rules: RuleSet, patient: Patient) -> Limits:
    """Return the unit's limits for a patient of whom boards know the age band, under rules that are given.

    A patient whose limits or scale somebody has set has a record of `vitals.limits`, which counts instead.
    """
    band = patient.age_band or "adult"
    return Limits(
        patient=patient.patient,
        limits={rule.id: _pair(rule, band) for rule in rules.limits if rule.signal not in FLAGS},
        age_band=band,
        age_known=patient.age_known,
        spo2_scale2=False,
        expected_oxygen=None,
        ward=patient.ward,
        since_ts_ms=None,
    )


def _pair(rule: LimitRule, band: str) -> LimitPair:
    own = rule.limits(band)
    return LimitPair(low=own.low, high=own.high, own=False)


def title(limits: Limits) -> str:
    """Return the profile in one line."""
    oxygen = {None: "unknown", True: "yes", False: "no"}[limits.expected_oxygen]
    age = limits.age_band + (" (nobody has said it)" if limits.age_known is False else "")
    scale = 2 if limits.spo2_scale2 else 1
    return f"{age}, SpO2 scale {scale}, expected oxygen {oxygen}, ward {limits.ward or '-'}"


def line(rule: str, pair: LimitPair) -> str:
    """Return one rule's limits in one line, with what they stand beside."""
    low, high = ("-" if side is None else f"{side:g}" for side in (pair.low, pair.high))
    own = ", set for this patient" if pair.own else ""
    unit = " to ".join(f"{side:g}" for side in (pair.unit_low, pair.unit_high) if side is not None)
    beside = f", wider than the unit's {unit}" if pair.wider else ""
    return f"{rule}: {low} to {high}{own}{beside}"
