"""The tables of docs/devices.md that the code knows: `python -m edge.gateway.hl7.device_tables` prints them."""

from collections.abc import Iterator
from typing import Final

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.hl7.split import USUAL_MARKS
from edge.gateway.hl7.values import value_of
from edge.gateway.terms import DISCONNECTED, EVENTS, TERMS, UNITS, Known, Term
from edge.printing import say
from edge.readers.units import Unit
from streams.decoding.wire_frames import WireBound

FORMS: Final = (
    ("NM", "97", "a number"),
    ("NM", "+97.50", "a number with a sign or zeros"),
    ("NM", '""', 'HL7\'s null: explicitly "no value"'),
    ("NM", "", "empty"),
    ("NM", ">100", "a [bound](#bounds): no value"),
    ("NM", "<=85", "likewise"),
    ("NM", "8.0^9.0", "components: nobody knows which one"),
    ("NM", "98~97", "repetitions: likewise"),
    ("NM", "36,6", "a decimal comma is never guessed"),
    ("NM", "1e2", "an exponent is no HL7 number"),
    ("NM", "---", "a blank display"),
    (
        "NM",
        "-100",
        "a code for none; so are 127, 255, 2047, 32767, 65535, 8388607 and -999 where no sensor reports them",
    ),
    ("NM", "400", "beyond what a sensor can report"),
    ("NM", "LEADS OFF", "text"),
    ("SN", "^97", "structured: a number"),
    ("SN", ">^100", "structured: a bound"),
    ("SN", "96^-^98", "structured: a range"),
)
"""Forms of OBX-5, shown with oxygen saturation."""


def codes_table() -> str:
    """Return which codes are which signal or flag."""
    rows = ["| signal | unit | number | name | seen |", "|---|---|---|---|---|"]
    return "\n".join([*rows, *_terms(TERMS), *_terms((*EVENTS, DISCONNECTED))])


def _terms(terms: tuple[Term, ...]) -> Iterator[str]:
    for term in terms:
        unit = SIGNALS[INDEX[term.name]].ucum if term in TERMS else "flag"
        names = ", ".join(f"`{name}`" for name in term.names)
        yield f"| `{term.name}` | {unit} | {term.number} | {names} | {term.source} |"


def units_table() -> str:
    """Return which codes are which unit."""
    rows = ["| number | name | UCUM |", "|---|---|---|"]
    return "\n".join([*rows, *(f"| {number} | `{name}` | `{ucum}` |" for number, name, ucum in UNITS)])


def forms_table() -> str:
    """Return what becomes of each form of OBX-5."""
    signal = SIGNALS[INDEX["spo2"]]
    known = Known(signal.name, 0, signal.low, signal.high, Unit())
    rows = ["| OBX-2 | OBX-5 | what it is | in the frame | counted as |", "|---|---|---|---|---|"]
    for kind, text, meaning in FORMS:
        value, fault = value_of(text, kind, USUAL_MARKS, known)
        shown = f"{value:g}" if isinstance(value, float) else "`null`"
        if isinstance(value, WireBound):
            shown += f", and `{value.comparator}` {value.value:g} in `bounds`"
        rows.append(
            f"| {kind} | {f'`{text}`' if text else '(empty)'} | {meaning} | {shown} | {fault or '-'} |"
        )
    return "\n".join(rows)


if __name__ == "__main__":
    for table in (codes_table(), units_table(), forms_table()):
        for line in (*table.splitlines(), ""):
            say(line)
