"""What a record of `vitals.commands` holds, for those who only read along: an order, an answer, or neither."""

import json
from typing import Any

from pydantic import ValidationError

from streams.commands import Answer, Command, Order


def said_in(value: bytes | None) -> Order | Answer | None:
    """Return the order or the answer of a record; None for anything else that the topic holds.

    An order is read as it stands or inside the person's signed envelope. Nothing is proven by it: what came of an order
    is what its answer says.
    """
    try:
        said: Any = json.loads(value or b"")
        if isinstance(said, dict) and isinstance(said.get("content"), dict):
            said = said["content"].get("order")
        if not isinstance(said, dict):
            return None
        return (
            Answer.model_validate(said) if said.get("kind") == "answer" else Command.model_validate(said).root
        )
    except (ValidationError, ValueError):  # also bytes that are no text, and no JSON
        return None
