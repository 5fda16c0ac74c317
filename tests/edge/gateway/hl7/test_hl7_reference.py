"""Observations beside a plain reading of the same message by hl7's full parser, for whatever well-formed messages."""

from datetime import UTC, datetime

import hl7
from hl7_world import DEVICE, PEER, block, desk_of, msh
from hypothesis import given
from hypothesis import strategies as st

from clinical.vitals import INDEX, SIGNALS
from edge.gateway.terms import TERMS
from edge.readers.units import unit_of

STAMPS = ("20261129153000+0000", "20261129153001.5+0000", "20261129152900+0000")
DEVICES = (DEVICE, "00A0370098006640")
NUMBERS = {str(term.number): place for place, term in enumerate(TERMS)}

observations = st.tuples(
    st.sampled_from([term for term in TERMS if SIGNALS[INDEX[term.name]].ucum != "mm[Hg]"]),
    st.one_of(
        st.integers(0, 500).map(str), st.decimals(0, 120, places=1).map(str), st.just('""'), st.just("")
    ),
    st.sampled_from(["", "F", "R", "X", "W"]),
    st.sampled_from(STAMPS),
    st.sampled_from(DEVICES),
)


def plainly(message):
    """Return {(device, time): {signal: value}} as loops and ifs over a full parse."""
    found, ranks = {}, {}
    for segment in hl7.parse(message.decode()):
        if str(segment[0]) != "OBX" or str(segment[11]) == "W":
            continue
        place = NUMBERS[str(segment[3][0][0])]
        signal = TERMS[place].name
        bounds = SIGNALS[INDEX[signal]]
        text = str(segment[5])
        value = None
        if text not in ("", '""') and str(segment[11]) != "X":
            value = unit_of(signal, str(segment[6])).convert(float(text))
            if not bounds.low <= value <= bounds.high:
                value = None
        form = "%Y%m%d%H%M%S.%f%z" if "." in str(segment[14]) else "%Y%m%d%H%M%S%z"
        moment = datetime.strptime(str(segment[14]), form)  # noqa: DTZ007 - the form has a zone
        key = str(segment[18]), round((moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds() * 1000)
        there = found.setdefault(key, {})
        rank = (value is None, place)
        if signal not in there or rank < ranks[key, signal]:
            there[signal], ranks[key, signal] = value, rank
    return found


@given(st.lists(observations, min_size=1, max_size=12))
def test_frames_are_what_a_plain_reading_of_the_full_parse_says(rows):
    lines = [msh()] + [
        f"OBX|{at}|NM|{term.number}^{term.names[0]}^MDC|1.1.1.{at}|{value}|{SIGNALS[INDEX[term.name]].ucum}"
        f"|||||{status}|||{stamp}||||{device}"
        for at, (term, value, status, stamp, device) in enumerate(rows, 1)
    ]
    message = block(lines)
    ours = {
        (one.frame.device, one.frame.event_ts_ms): {
            signal.name: value
            for signal in SIGNALS
            if isinstance(value := getattr(one.frame, signal.name), float | None) and value != float("-inf")
        }
        for one in desk_of().take(message, PEER).readings
    }
    assert ours == plainly(message)
    times = [one.frame.event_ts_ms for one in desk_of().take(message, PEER).readings]
    assert times == sorted(times)
