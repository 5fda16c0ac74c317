"""Positions as pages carry them."""

from hypothesis import given
from hypothesis import strategies as st

from edge.board.position import SHOWN, TEXT_CHARS_MAX, Log, covers, position_of, reached, text_of

offsets = st.integers(0, 2**62)


@given(st.data(), st.integers(1, 20))
def test_a_position_is_read_as_it_was_written(data, partitions):
    logs = [Log(topic, number) for topic in SHOWN for number in range(partitions)]
    position = {log: data.draw(offsets) for log in logs}
    text = text_of(position, partitions)
    assert position_of(text, partitions) == position
    assert text.isascii()
    assert not set(text) & set(" \r\n+/=")


@given(st.text(max_size=60), st.integers(1, 4))
def test_what_is_no_position_is_none_and_never_an_error(text, partitions):
    found = position_of(text, partitions)
    assert found is None or text_of(found, partitions)


def test_a_position_of_another_number_of_partitions_is_none():
    assert position_of(text_of({}, 2), 3) is None
    assert position_of("A" * (TEXT_CHARS_MAX + 1), 1) is None


def test_a_position_covers_another_where_it_has_read_as_much_of_every_log():
    log, other = Log("alerts", 0), Log("alerts", 1)
    assert covers({log: 5, other: 1}, {log: 5})
    assert not covers({log: 4}, {log: 5})
    assert reached({log: 5}, log, 4)
    assert not reached({log: 5}, log, 5)
