"""How often somebody may try to sign in: failures are counted by name and address, in bounded memory."""

from collections import OrderedDict
from typing import Final

TRIES_MAX: Final = 5
"""Failures of one name from one address within `WINDOW_S`. Our choice [M]; NIST SP 800-63B (2017) section 5.2.2 lets no
more than 100 in a row be tried [M]."""

TRIES_OF_ADDRESS_MAX: Final = 50
"""Of any names from one address: who guesses names is held up too."""

TRIES_OF_NAME_MAX: Final = 100
"""Of one name from anywhere: far above the first, so that a stranger does not lock a nurse out; the bound of NIST."""

WINDOW_S: Final = 300
KEPT_MAX: Final = 10_000


class Tries:
    """Counts failures; times in s of any clock that only rises."""

    def __init__(self) -> None:
        self._failed: OrderedDict[tuple[str, str], list[float]] = OrderedDict()

    def wait_s(self, name: str, address: str, now_s: float) -> float:
        """Return how long the next try has to wait; 0 = it may come now."""
        return max(self._wait_s(key, most, now_s) for key, most in _bounds(name, address))

    def _wait_s(self, key: tuple[str, str], most: int, now_s: float) -> float:
        recent = [at for at in self._failed.get(key, ()) if now_s - at < WINDOW_S]
        return max(0.0, recent[-most] + WINDOW_S - now_s) if len(recent) >= most else 0.0

    def failed(self, name: str, address: str, now_s: float) -> None:
        """Count a failure; the names and addresses that failed longest ago are forgotten first."""
        for key, most in _bounds(name, address):
            recent = [at for at in self._failed.pop(key, ()) if now_s - at < WINDOW_S]
            self._failed[key] = [*recent, now_s][-most:]
        while len(self._failed) > KEPT_MAX:
            self._failed.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of a name from an address; elsewhere this try, which was counted first, was none."""
        self._failed.pop((name, address), None)
        for key in (("", address), (name, "")):
            if self._failed.get(key):
                self._failed[key].pop()


def _bounds(name: str, address: str) -> tuple[tuple[tuple[str, str], int], ...]:
    return (
        ((name, address), TRIES_MAX),
        (("", address), TRIES_OF_ADDRESS_MAX),
        ((name, ""), TRIES_OF_NAME_MAX),
    )
