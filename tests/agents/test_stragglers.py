"""What is written to a generation that is no more judged: where it goes, and how much of it may come twice."""

from types import SimpleNamespace

from hypothesis import given
from hypothesis import strategies as st

from agents.stragglers import REPEATS_MAX, destinations, stretches, turns
from streams.contracts.command import COMMAND_KEY
from streams.contracts.frame import OWN_STREAM, TICK_KEY
from streams.contracts.partition_alerts import NOTE_KEY
from streams.contracts.partition_names import canary_name
from streams.contracts.partitions import partition_of
from streams.contracts.rules_marks import MARK_KEY
from streams.contracts.ward import RULING_KEY
from tables.device_rows import SEEN

names = st.text("abcdef0123456789-.:", min_size=1, max_size=20)


@given(st.lists(names, max_size=30), st.integers(1, 16), st.integers(2, 6), st.data())
def test_a_frame_goes_where_its_patients_state_went(patients, partitions, factor, data):
    count = partitions * factor
    partition = data.draw(st.integers(0, partitions - 1))
    found = destinations([patient.encode() for patient in patients], partition, partitions, count)
    assert found == [(partition_of(patient, count),) for patient in patients]


def test_frames_of_a_device_on_no_patient_are_a_streams_like_any_other():
    stream = f"{OWN_STREAM}mon-7"
    assert destinations([stream.encode()], 1, 4, 12) == [(partition_of(stream, 12),)]


def test_a_tick_goes_nowhere_for_the_new_partitions_have_their_own():
    assert destinations([TICK_KEY], 1, 4, 12) == [()]


def test_what_concerned_all_patients_of_a_partition_goes_wherever_they_are_now():
    keys = [COMMAND_KEY, RULING_KEY, MARK_KEY]
    assert destinations(keys, 1, 4, 12) == [(1, 5, 9)] * 3


def test_what_is_of_the_partition_itself_and_what_has_no_name_stays_in_it():
    keys = [NOTE_KEY, canary_name(1).encode(), None, b"\xff\xfe"]
    assert destinations(keys, 1, 4, 12) == [(1,)] * 4


@given(st.lists(st.sampled_from((b"a", b"b", None)), max_size=60), st.integers(1, 5))
def test_no_stretch_has_more_of_one_key_than_may_come_twice_and_none_is_left_out(keys, most):
    records = [SimpleNamespace(key=key, offset=place) for place, key in enumerate(keys)]
    cut = list(stretches(records, most))
    assert [record for stretch in cut for record in stretch] == records
    assert all(sum(r.key == key for r in stretch) <= most for stretch in cut for key in (b"a", b"b", None))
    assert all(cut)


@given(st.dictionaries(st.integers(0, 9), st.lists(st.sampled_from((b"a", b"b")), max_size=400), max_size=4))
def test_partitions_are_forwarded_side_by_side_each_in_its_order(keys):
    found = {
        tp: [SimpleNamespace(key=key, offset=place) for place, key in enumerate(of)]
        for tp, of in keys.items()
    }
    cut = list(turns(found))
    for tp, records in found.items():
        assert [record for turn in cut for record in turn.get(tp, ())] == records
    assert all(turn for turn in cut)
    assert len(cut) == max((len(list(stretches(records))) for records in found.values()), default=0)


def test_as_many_as_may_come_twice_the_judge_knows_as_repeats():
    assert 0 < REPEATS_MAX < SEEN
