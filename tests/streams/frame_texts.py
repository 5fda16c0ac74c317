"""Texts of frames for tests, and of what is close to one."""

import json

from hypothesis import strategies as st

from clinical.comparators import COMPARATORS
from clinical.vitals import ACVPU, SIGNALS
from streams.contracts.frame import EVENT_TS_MS_MAX, SEQ_MAX, Frame

IDENTITY = {"patient": "bed-1", "device": "mon-a", "boot": 1, "seq": 7, "event_ts_ms": 1_000}

scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-2, 2),
    st.sampled_from((SEQ_MAX, SEQ_MAX + 1, 2**63, 2**64, EVENT_TS_MS_MAX, EVENT_TS_MS_MAX + 1, 10**400)),
    st.sampled_from((10_000, 10_000.0, 10_000.5, -10_000.5, 0.1, 36.6, 1e300, -0.0, 1.0)),
    st.floats(),
    st.sampled_from(
        ("A", "U", "X", "a", "", "60", "bed-1", "bed\n1", "bed-1\n", "~tick", "é", "\u0000", "p" * 65)
    ),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.sampled_from(("hr", "x")), st.integers(), max_size=1),
)
names = st.sampled_from((*Frame.model_fields, "extra", "HR", ""))
objects = st.builds(
    lambda changes, gone: {k: v for k, v in {**IDENTITY, **changes}.items() if k not in gone},
    st.dictionaries(names, scalars, max_size=3),
    st.sets(st.sampled_from(tuple(IDENTITY)), max_size=1),
)
bounds = st.fixed_dictionaries(
    {},
    optional={
        "comparator": st.sampled_from((*COMPARATORS, "ad", None)),
        "value": st.one_of(scalars, st.floats(-10_000, 10_000)),
        "unit": st.just("%"),
    },
)
sound_bounds = st.fixed_dictionaries(
    {"comparator": st.sampled_from(COMPARATORS[1:]), "value": st.floats(-10_000, 10_000)}
)
bounded = st.builds(
    lambda readings, said: {**IDENTITY, **readings, "bounds": said},
    st.dictionaries(st.sampled_from(("hr", "spo2", "temp")), st.none() | st.just(70.0), max_size=1),
    st.dictionaries(
        st.sampled_from(("hr", "spo2", "temp", "fio2", "vfib", "x")), sound_bounds | bounds, max_size=2
    )
    | scalars,
)
sound = st.builds(
    lambda readings, charted: {**IDENTITY, **readings, **charted},
    st.dictionaries(
        st.sampled_from([s.name for s in SIGNALS[:-2]]), st.one_of(st.none(), st.floats(-10_000, 10_000))
    ),
    st.fixed_dictionaries(
        {},
        optional={
            "consciousness": st.sampled_from((*ACVPU, None)),
            "on_oxygen": st.sampled_from((True, False, None)),
        },
    ),
)


@st.composite
def values(draw):
    """Text of a frame, or of something close to one: wrong members, then perhaps wrong bytes."""
    said = draw(st.one_of(sound, objects, bounded))
    text = json.dumps(said, ensure_ascii=draw(st.booleans())).encode()
    for _ in range(draw(st.sampled_from((0, 0, 0, 1, 2)))):
        at = draw(st.integers(0, len(text)))
        piece = draw(
            st.one_of(st.binary(max_size=2), st.sampled_from((b" ", b"\n", b",", b"}", b"e5", b"NaN", b"0")))
        )
        text = text[:at] + piece + text[at + draw(st.integers(0, 2)) :]
    return text
