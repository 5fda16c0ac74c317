"""Records of others, trusted in nothing: read by their contract or skipped, counted, and named in the last line."""

import math
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeVar

from pydantic import BaseModel, ValidationError

from edge.printing import say
from streams.errors import BadData

TS_MS_MAX: Final = 253_402_300_799_999
"""The last millisecond of the year 9999, where the calendar of Python and of many stores ends."""

NUMBER_MAX: Final = 1e12
"""No reading, limit or duration is larger [M]."""

WHY_CHARS_MAX: Final = 120

Model = TypeVar("Model", bound=BaseModel)


class Skipped:
    """Counts what could not be read, by topic, and remembers the last of it."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._last = ""
        self.read = 0

    @property
    def count(self) -> int:
        """Records that were skipped."""
        return self._counts.total()

    def note(self, record: Any, why: str) -> None:
        """Count a record that is not read, and why."""
        self._counts[record.topic] += 1
        self._last = f"partition {record.partition}, offset {record.offset}: {why[:WHY_CHARS_MAX]}"

    def line(self) -> str:
        """Return what was skipped in one line, empty if nothing was."""
        if not self._counts:
            return ""
        topics = ", ".join(f"{count} of {topic}" for topic, count in sorted(self._counts.items()))
        return f"skipped what cannot be read: {topics}; the last: {self._last}"


@contextmanager
def told(skipped: Skipped) -> Iterator[None]:
    """Say at the end of the `with` block, however it ends, what was skipped.

    Raises:
        BadData: there were records, and none of them could be read.
    """
    try:
        yield
    finally:
        if skipped.count:
            say(f"vigil: {skipped.line()}", err=True)
    if skipped.count and not skipped.read:
        raise BadData(f"none of {skipped.count} records could be read")


def read_record(model: type[Model], record: Any, skipped: Skipped) -> Model | None:
    """Return what a record holds; None for one that is not what it should be, which is then noted."""
    try:
        found = model.model_validate_json(record.value or b"")
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        skipped.note(record, f"{where}: {first['msg']}" if where else first["msg"])
        return None
    if wrong := next(_impossible(found), ""):
        skipped.note(record, wrong)
        return None
    skipped.read += 1
    return found


def _impossible(found: BaseModel) -> Iterator[str]:
    """Yield what a contract's types allow and no clock or sensor says: times of no calendar, numbers that are none."""
    for name, value in found:
        for one in _each(value):
            if isinstance(one, BaseModel):
                yield from _impossible(one)
            elif isinstance(one, int) and name.endswith("ts_ms") and not 0 <= one <= TS_MS_MAX:
                yield f"{name} is a time of no calendar"
            elif isinstance(one, float) and not (math.isfinite(one) and abs(one) <= NUMBER_MAX):
                yield f"{name} is no number that can be"


def _each(value: object) -> Iterable[object]:
    if isinstance(value, dict):
        return value.values()
    return value if isinstance(value, tuple | list) else (value,)
