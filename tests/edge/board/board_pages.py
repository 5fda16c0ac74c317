"""Who is on and a trial of rules, for the pages' tests and pictures, in the form of the board's answers."""

from typing import Any

from fake_board import now_ms

HOUR_MS = 3_600_000
MINUTE_MS = 60_000


def shift(
    place: str, role: str, person: str, label: str = "", begins_h: float = -2, ends_h: float = 6
) -> dict[str, Any]:
    """Return an assignment."""
    now = now_ms()
    times = {"from_ts_ms": now + int(begins_h * HOUR_MS), "until_ts_ms": now + int(ends_h * HOUR_MS)}
    said = {"place": place, "role": role, "person": person, "reporter": "charge-7", "label": label}
    return said | times | {"is_ward": place.startswith("~ward/"), "is_on": begins_h <= 0}


def rota_of(may: bool = True) -> list[dict[str, Any]]:
    """Return two wards: one with a nurse, one bed of whom has an own, and one where nobody is on."""
    ward = [
        {"role": "nurse", "people": ["n-12"], "own": False},
        {"role": "charge", "people": ["c-1"], "own": False},
    ]
    own = [{"role": "nurse", "people": ["n-4", "n-9"], "own": True}, ward[1]]
    beds = [
        {"patient": f"p{number}", "label": f"{number:02}", "asked": own if number == 2 else ward}
        for number in range(1, 9)
    ]
    assignments = [
        shift("~ward/3e", "charge", "c-1"),
        shift("~ward/3e", "nurse", "n-12"),
        shift("~ward/3e", "nurse", "n-13", begins_h=6, ends_h=14),
        shift("p2", "nurse", "n-4", "02"),
        shift("p2", "nurse", "n-9", "02"),
    ]
    empty = {"ward": "3w", "name": "3 West", "may": False, "assignments": []}
    nobody = [{"patient": "p20", "label": "20", "asked": []}]
    return [
        {"ward": "3e", "name": "3 East", "may": may, "assignments": assignments, "beds": beds},
        {**empty, "beds": nobody},
    ]


def difference(patient: str, rule: str, outcome: str, minutes: int, **said: Any) -> dict[str, Any]:
    """Return one difference, first told so many minutes ago."""
    usual = {"shift_s": 0.0, "instead": [], "present": "medium", "new": "medium", "reason": "128 for 12 s"}
    about = {"patient": patient, "ward": "3 East", "rule": rule, "outcome": outcome}
    return {**usual, **about, "start_ts_ms": now_ms() - minutes * MINUTE_MS, **said}


def trial_of() -> dict[str, Any]:
    """Return a comparison of one ward."""
    now = now_ms()
    decision = {"name": "4f1c9a2b7d3e", "file": "night.toml", "number": 3, "actor": "safety-2"}
    counts = dict.fromkeys(
        ("only-new", "only-present", "later", "earlier", "lower", "higher", "more", "fewer", "same"), 0
    )
    line = {"ward": "3 East", "present": 14, "new": 9, "later_s": None, "earlier_s": None, **counts}

    return {
        "rules": {
            **decision,
            "reason": "fewer heart-rate alarms at night",
            "since_ts_ms": now - 20 * HOUR_MS,
        },
        "present": None,
        "since_ts_ms": now - 20 * HOUR_MS,
        "until_ts_ms": now - 2_000,
        "behind": 12,
        "totals": {"only-present": 5, "later": 2, "earlier": 1, "same": 8},
        "counts": [
            {**line, "rule": "hr-high", "only-present": 5, "same": 7},
            {
                **line,
                "rule": "spo2-low",
                "present": 4,
                "new": 4,
                "later": 2,
                "later_s": 8.0,
                "earlier": 1,
                "earlier_s": -3.0,
                "same": 1,
            },
        ],
        "differences_total": 8,
        "differences": [
            difference("p1", "hr-high", "only-present", 33, new=None, instead=["hr-extreme-high"]),
            difference("p2", "hr-high", "only-present", 90, new=None),
            difference(
                "p2",
                "spo2-low",
                "later",
                140,
                shift_s=8.0,
                reason="oxygen saturation 88 %, below 90 for 12 s",
            ),
            difference(
                "p1",
                "spo2-low",
                "earlier",
                200,
                shift_s=-3.0,
                reason="oxygen saturation 86 %, below 90 for 5 s",
            ),
        ],
    }
