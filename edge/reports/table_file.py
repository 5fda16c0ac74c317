"""The report as CSV: a line a bed and shift, in cells that no spreadsheet takes for a formula. Pure."""

import csv
import io
from collections.abc import Callable
from typing import Final
from zoneinfo import ZoneInfo

from edge.reports.figures import Figures, percentile
from edge.reports.shifts import Rota
from edge.spreadsheet import cell
from edge.ward_state import SEVERITIES
from streams.contracts.reference import Reference
from streams.contracts.zones import moment

HEAD: Final = (
    *("ward", "ward_name", "patient", "bed", "shift_begins", "shift"),
    *SEVERITIES,
    *("all", "acknowledged", "median_s_to_acknowledge", "p90_s_to_acknowledge"),
)


def table_file(figures: Figures, rota: Rota, reference: Reference, zone_of: Callable[[str], ZoneInfo]) -> str:
    """Return the file's text; shifts without an alarm have no line."""
    written = io.StringIO()
    out = csv.writer(written)
    out.writerow(HEAD)
    for ward in figures.wards:
        zone = zone_of(ward.ward)
        for bed in ward.beds:
            for shift, found in sorted(bed.cells.items()):
                names = ward.ward, reference.ward_name(ward.ward), bed.patient, reference.label(bed.patient)
                times = (percentile(found.answered_s, share) for share in (0.5, 0.9))
                out.writerow(
                    [
                        *map(cell, names),
                        moment(rota.begins_ms(shift, zone), zone),
                        rota.name(shift.number),
                        *(found.counts[severity] for severity in SEVERITIES),
                        found.total,
                        len(found.answered_s),
                        *("" if one is None else f"{one:.1f}" for one in times),
                    ]
                )
    return written.getvalue()
