"""What is asked of a ledger in SQL, said once for every database that keeps one. Whole pages of rows are taken."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import fields
from typing import Any, ClassVar, Final

from edge.history.chain import Head, Row

PAGE_ROWS: Final = 1_000
_BEFORE_ALL: Final = -(2**62)
"""Before the number of any row."""


class SqlLedger(ABC):
    """The questions of `edge.history.ledger.Ledger`; who connects and who appends is the database's own."""

    TABLE: ClassVar[str]
    OFFSET: ClassVar[str]
    """What the column is called: `offset` is a word of SQL in some databases."""

    @staticmethod
    @abstractmethod
    def _mark(name: str) -> str:
        """Return how a named value stands in a statement."""

    @abstractmethod
    def _ask(self, asked: str, given: Mapping[str, Any]) -> list[Any]:
        """Return all rows of an answer.

        Raises:
            VigilError: the database does not answer as it should.
        """

    @classmethod
    def _columns(cls) -> tuple[str, ...]:
        """Return the columns in the order of `Row`."""
        return tuple(cls.OFFSET if one.name == "offset" else one.name for one in fields(Row))

    @classmethod
    def _head_asked(cls) -> str:
        return f"SELECT seq, hash FROM {cls.TABLE} ORDER BY seq DESC LIMIT 1"

    @staticmethod
    def _values(row: Row) -> tuple[Any, ...]:
        """Return what is put into the columns."""
        return tuple(getattr(row, one.name) for one in fields(Row))

    def _selected(self, which: str, **given: Any) -> list[Row]:
        """Return rows; in `which` `{name}` stands for a given value."""
        marks = {name: self._mark(name) for name in given}
        asked = f"SELECT {', '.join(self._columns())} FROM {self.TABLE} {which.format(**marks)}"
        return [Row(*found) for found in self._ask(asked, given)]

    def head(self) -> Head:
        """Return the end of the chain."""
        found = self._ask(self._head_asked(), {})
        return Head(*found[0]) if found else Head()

    def positions(self) -> dict[tuple[str, int], int]:
        """Return the offset behind the last row of each topic and partition."""
        return {place: last + 1 for place, last in self._of_each("max").items()}

    def beginnings(self) -> dict[tuple[str, int], int]:
        """Return the offset of the first row of each topic and partition."""
        return self._of_each("min")

    def _of_each(self, which: str) -> dict[tuple[str, int], int]:
        asked = f"SELECT topic, partition, {which}({self.OFFSET}) FROM {self.TABLE} GROUP BY topic, partition"
        return {(topic, partition): offset for topic, partition, offset in self._ask(asked, {})}

    def count(self, topic: str, partition: int, first: int, behind: int) -> int:
        """Return how many offsets from `first` up to but not including `behind` are there."""
        given = {"topic": topic, "partition": partition, "first": first, "behind": behind}
        marks = {name: self._mark(name) for name in given}
        which = _STRETCH.format(**marks, offset=self.OFFSET)
        return int(self._ask(f"SELECT count(*) FROM {self.TABLE} {which}", given)[0][0])

    def stretch(self, topic: str, partition: int, first: int, behind: int) -> list[Row]:
        """Return the rows of offsets from `first` up to but not including `behind`, by offset."""
        which = _STRETCH.replace("{offset}", self.OFFSET) + f" ORDER BY {self.OFFSET}"
        return self._selected(which, topic=topic, partition=partition, first=first, behind=behind)

    def rows(self) -> Iterator[Row]:
        """Yield every row in the order of the chain."""
        last = _BEFORE_ALL
        while page := self._selected(f"WHERE seq > {{last}} ORDER BY seq LIMIT {PAGE_ROWS}", last=last):
            yield from page
            last = page[-1].seq

    def between(
        self, topic: str, from_ts_ms: int, until_ts_ms: int, patient: str | None = None
    ) -> Iterator[Row]:
        """Yield the rows of a topic with a time from `from_ts_ms` up to but not including `until_ts_ms`, by time."""
        whose = {} if patient is None else {"patient": patient}
        return self._by("at_ts_ms", from_ts_ms, until_ts_ms, topic=topic, **whose)

    def taken(self, topic: str, from_ts_ms: int, until_ts_ms: int) -> Iterator[Row]:
        """Yield the rows of a topic that the broker took from `from_ts_ms` up to but not including `until_ts_ms`."""
        return self._by("append_ts_ms", from_ts_ms, until_ts_ms, topic=topic)

    def _by(self, time: str, from_ts_ms: int, until_ts_ms: int, **same: Any) -> Iterator[Row]:
        """Yield rows with a time in a stretch and these values, by that time, page by page."""
        chosen = "".join(f"{name} = {{{name}}} AND " for name in same)
        which = (
            f"WHERE {chosen}({time}, seq) > ({{since}}, {{seq}}) AND {time} < {{until}} "
            f"ORDER BY {time}, seq LIMIT {PAGE_ROWS}"
        )
        since, seq = from_ts_ms, -1
        while page := self._selected(which, since=since, seq=seq, until=until_ts_ms, **same):
            yield from page
            since, seq = getattr(page[-1], time), page[-1].seq


_STRETCH: Final = (
    "WHERE topic = {topic} AND partition = {partition} AND {offset} >= {first} AND {offset} < {behind}"
)
