"""What a forwarded reading says of where it is from, and what nobody believes."""

import pytest

from streams.contracts.origin import ORIGIN, Origin, origins_of, with_origin


def test_a_copy_says_where_its_reading_is_and_keeps_all_other_headers_in_their_order():
    headers = [("trace", b"1"), ("site", b"a"), ("trace", b"2")]
    copy = with_origin(headers, Origin(0, 3, 12_345))
    assert copy[:-1] == headers
    assert origins_of(copy) == [Origin(0, 3, 12_345)]


def test_a_copy_of_a_copy_says_where_both_are():
    first = with_origin([("site", b"a")], Origin(0, 3, 7))
    assert origins_of(with_origin(first, Origin(1, 7, 2))) == [Origin(0, 3, 7), Origin(1, 7, 2)]


@pytest.mark.parametrize("said", [b"", b"1/2", b"1/2/3/4", b"-1/2/3", b"a/b/c", b"1/2/3 ", b"9" * 40, None])
def test_what_is_said_in_another_form_is_no_origin(said):
    assert origins_of([(ORIGIN, said)]) == []


def test_a_reading_that_nobody_forwarded_has_none():
    assert origins_of([]) == []
    assert origins_of([("site", b"0/1/2")]) == []
