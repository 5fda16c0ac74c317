"""Record numbers become opaque patient ids: the same number under the same key is the same patient at every gateway."""

import hashlib
import hmac
from typing import Final

DEVELOPMENT_KEY: Final = b"vigil development key: anybody can undo what it hides"
"""For trying things out. With it a patient id says whose it is to anybody who can guess record numbers."""

HEX_DIGITS: Final = 24
"""96 bits: two of 10^9 patients share an id with a chance under 10^-11."""


class Pseudonyms:
    """Makes patient ids of identifiers.

    Args:
        key: secret, the same in every gateway of a hospital; who has it can try record numbers.
    """

    def __init__(self, key: bytes = DEVELOPMENT_KEY) -> None:
        self._start = hmac.new(key, digestmod=hashlib.sha256)

    def of(self, namespace: str, identifier: str) -> str:
        """Return the patient id of `identifier` as `namespace` (who gave it out) knows it."""
        made = self._start.copy()
        made.update(f"{namespace}\x1f{identifier}".encode())
        return f"p-{made.hexdigest()[:HEX_DIGITS]}"
