"""Whatever an EDF+ file holds, each sample is read once, at its own record's time; whatever is damaged is refused."""

import tempfile
from pathlib import Path

from edf_writing import Written, edf, tal
from hypothesis import given
from hypothesis import strategies as st

from bench import edf_mutations
from bench.edf_mutations import run
from edge.readers import open_recording


@st.composite
def recordings(draw):
    """(samples a record, record duration in s, record onsets in s, codes of each record, place of the annotations)."""
    samples = draw(st.integers(1, 4))
    record_s = samples * draw(st.sampled_from([0.25, 0.5, 1, 60]))
    gaps = draw(st.lists(st.sampled_from([0, 0, 0.25, 7, 86_400]), min_size=1, max_size=6))
    onsets_s, at_s = [], draw(st.sampled_from([0, 0.125, 0.999]))
    for gap_s in gaps:
        onsets_s.append(at_s + gap_s)
        at_s += gap_s + record_s
    # The code 0 and that of the value 0, which may fill the last record, are left to the tests that are about them.
    code = st.one_of(st.integers(100, 2_500), st.just(-10))
    codes = [draw(st.lists(code, min_size=samples, max_size=samples)) for _ in gaps]
    return samples, record_s, onsets_s, codes, draw(st.integers(0, 2))


def opened(data):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "made.edf"
        path.write_bytes(data)
        return open_recording(path)


@given(recordings(), st.booleans())
def test_every_sample_has_its_own_records_time_wherever_the_annotations_stand(made, in_bdf):
    samples, record_s, onsets_s, codes, place = made
    signals = [Written("HR", "bpm", codes), Written("EEG", "uV", [[5] for _ in codes])]
    lists = [tal(onset_s) + tal(onset_s, "note") for onset_s in onsets_s]
    kind = "BDF" if in_bdf else "EDF"
    data = edf(signals, lists, record_s=f"{record_s:g}", kind=kind, annotations_at=place)
    expected = [
        (round((onset_s + i * record_s / samples) * 1000), None if code == -10 else code / 10)
        for onset_s, record in zip(onsets_s, codes, strict=True)
        for i, code in enumerate(record)
    ]
    found = [(frame.t_ms, frame.signals["hr"]) for frame in opened(data).frames()]
    assert [t_ms for t_ms, _ in found] == [t_ms for t_ms, _ in expected]
    assert all(
        (ours is None) == (theirs is None) and (ours is None or abs(ours - theirs) < 0.11)
        for (_, ours), (_, theirs) in zip(found, expected, strict=True)
    )


def test_damaged_files_are_refused_with_their_place_or_read():
    found = run(300, 25)
    assert found.wrong == []
    assert found.outcomes["read"]
    assert sum(found.outcomes.values()) == 300


def test_files_that_are_not_damaged_are_all_read(monkeypatch):
    monkeypatch.setattr(edf_mutations, "mutate", lambda chance, data: data)
    assert run(20, 1).outcomes == {"read": 20}
