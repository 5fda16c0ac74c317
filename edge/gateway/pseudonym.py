"""Record numbers become opaque patient ids: the same number under the same key is the same patient at every gateway."""

import hashlib
import hmac
from pathlib import Path
from typing import Final

from streams.errors import UsageError

DEVELOPMENT_KEY: Final = b"vigil development key: anybody can undo what it hides"
"""For trying things out. With it a patient id says whose it is to anybody who can guess record numbers."""

KEY_CHARACTERS_MIN: Final = 32
"""A key that can be guessed hides no record number: those are a few million."""

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
        # The length keeps what two pairs share apart: "a" of "bc" is not "ab" of "c".
        made.update(f"{len(namespace)}:{namespace}{identifier}".encode())
        return f"p-{made.hexdigest()[:HEX_DIGITS]}"


def pseudonyms_of(key_file: Path | None) -> Pseudonyms:
    """Make them with the key of a file, or with the development key if there is none.

    Raises:
        UsageError: the file cannot be read, or holds no key.
    """
    if key_file is None:
        return Pseudonyms()
    try:
        key = key_file.read_bytes().strip()
    except OSError as error:
        raise UsageError(f"gateway_patient_key_file: cannot read {key_file}: {error.strerror}") from None
    if len(key) < KEY_CHARACTERS_MIN or key == DEVELOPMENT_KEY:
        raise UsageError(f"gateway_patient_key_file: holds no key of {KEY_CHARACTERS_MIN} characters or more")
    return Pseudonyms(key)
