"""Coroutines that run until they have to wait before a task is made for them: most never have to.

Python 3.12 calls this an eager task.
"""

import types
from collections.abc import Awaitable, Coroutine, Generator
from dataclasses import dataclass
from functools import partial
from typing import Any


@dataclass(frozen=True, slots=True)
class Ended:
    """A coroutine never had to wait; what it returned."""

    value: Any


def begin(coroutine: Coroutine[Any, Any, Any]) -> Ended | Awaitable[Any]:
    """Run a coroutine to its first wait or its end; return what is left to await, or what it returned.

    Raises:
        Exception: what the coroutine raises before it waits.
    """
    try:
        waits_for = coroutine.send(None)
    except StopIteration as end:
        return Ended(end.value)
    return _awaited(coroutine, waits_for)


async def _awaited(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Any:
    return await _rest(coroutine, waits_for)


@types.coroutine
def _rest(coroutine: Coroutine[Any, Any, Any], waits_for: Any) -> Generator[Any, Any, Any]:
    """Go on with a coroutine that waits: it wakes when its task does, and what is thrown into that is its own."""
    while True:
        try:
            yield waits_for
        except BaseException as error:
            go_on = partial(coroutine.throw, error)
        else:
            go_on = partial(coroutine.send, None)
        try:
            waits_for = go_on()
        except StopIteration as end:
            return end.value
