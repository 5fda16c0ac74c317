"""What senders call places: a Location of a sender, by its id, is a bed by the name that placements and ADT know."""

from collections import defaultdict

from streams.contracts.association import NamedPlace


class NamedPlaces:
    """The places of all senders; one that is in use no more is not among them."""

    def __init__(self) -> None:
        self._places: dict[str, dict[str, str]] = defaultdict(dict)
        self._ids: dict[tuple[str, str], set[str]] = defaultdict(set)

    def put(self, named: NamedPlace, is_gone: bool) -> None:
        """Take a name in, or out again."""
        if named.place is None:
            return
        ids = self._ids[named.reporter, named.place]
        if is_gone:
            self._places[named.reporter].pop(named.id, None)
            ids.discard(named.id)
        else:
            self._places[named.reporter][named.id] = named.place
            ids.add(named.id)
        if not ids:
            del self._ids[named.reporter, named.place]

    def place_of(self, reporter: str, name: str) -> str | None:
        """Return the place that a sender calls so, None if it never said."""
        return self._places[reporter].get(name) if reporter in self._places else None

    def is_called_otherwise(self, reporter: str, place: str, name: str) -> bool:
        """Tell whether a sender calls a place by another id than this one, too."""
        return bool(self._ids.get((reporter, place), set()) - {name})

    def count(self, reporter: str) -> int:
        """Return how many places a sender has named."""
        return len(self._places.get(reporter, ()))
