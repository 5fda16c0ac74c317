"""What is too old to matter of who was on which device: no frame that is kept hangs on it, so it can be forgotten."""

from collections import defaultdict

from edge.gateway.adt_stays import settled
from edge.gateway.associations import Facts
from streams.contracts.association import KEPT_MS, Association, Movement, NamedPlace, Placement, Visit


def forgotten(facts: Facts, now_ms: int) -> list[bytes]:
    """Return the keys of records that say nothing of the last `KEPT_MS` before `now_ms`, sorted."""
    cutoff_ms = now_ms - KEPT_MS
    found: list[bytes] = []
    placed: dict[str, list[Placement]] = defaultdict(list)
    moved: dict[str, list[Movement]] = defaultdict(list)
    for key, fact in facts.by_key.items():
        if isinstance(fact, Association):
            if fact.until_ts_ms is not None and fact.until_ts_ms < cutoff_ms:
                found.append(key)
        elif isinstance(fact, Placement):
            placed[fact.device].append(fact)
        elif isinstance(fact, NamedPlace):
            if fact.place is None:
                found.append(key)
        elif isinstance(fact, Visit):
            if _is_over(fact, cutoff_ms):
                found.append(key)
        elif isinstance(fact, Movement):
            for name in {fact.patient, fact.prior_patient or fact.patient}:
                moved[name].append(fact)
    for placements in placed.values():
        old = sorted((p for p in placements if p.from_ts_ms < cutoff_ms), key=lambda p: (p.from_ts_ms, p.id))
        found += [placement.key for placement in old[:-1]]
    for movements in moved.values():
        found += [movement.key for movement in settled(movements, cutoff_ms)]
    return sorted(found)


def _is_over(visit: Visit, cutoff_ms: int) -> bool:
    """Return whether a visit says nothing of any time from `cutoff_ms` on, and nobody has spoken of it since."""
    ends = [stay.until_ts_ms for stay in visit.stays]
    return all(end is not None and end < cutoff_ms for end in (*ends, visit.event_ts_ms or 0))
