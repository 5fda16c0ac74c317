"""Where a forwarded reading comes from: headers of its copy, for readers who have the reading itself already."""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

ORIGIN: Final = "vigil-origin"
"""Name of the header: one for each time that a reading was forwarded."""

_form = re.compile(rb"(\d{1,9})/(\d{1,9})/(\d{1,18})").fullmatch

Header = tuple[str, bytes]


class Origin(NamedTuple):
    """A place in a generation before."""

    generation: int
    partition: int
    offset: int


def with_origin(headers: Iterable[Header], origin: Origin) -> list[Header]:
    """Return the headers of a copy: those of what it is copied from, and where that is."""
    return [*headers, (ORIGIN, b"%d/%d/%d" % origin)]


def origins_of(headers: Iterable[Header]) -> list[Origin]:
    """Return where a reading was and is besides, the first place first; what is said in no form of ours is nothing."""
    return [
        Origin(*map(int, found.groups()))
        for name, value in headers
        if name == ORIGIN and value is not None and (found := _form(value))
    ]
