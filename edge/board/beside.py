"""One call in a process of its own, which is killed when it is late or whoever asked waits no longer."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from multiprocessing import get_context
from multiprocessing.connection import Connection
from typing import Any, Final, TypeVar

from streams.errors import VigilError

REAPED_S_MAX: Final = 1.0
"""How long the end of a process that was killed is waited for."""

Found = TypeVar("Found")


async def beside(within_s: float, function: Callable[..., Found], *said: Any) -> Found:
    """Return what a function of a module returns that is called in a process of its own.

    Args:
        within_s: after so long the process is killed.
        function: called; what it raises but a `VigilError` counts as no answer.
        said: its arguments, which can be pickled, as what it returns.

    Raises:
        VigilError: the function raised it, gave no answer, or was late.
    """
    context = get_context("spawn")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_call, args=(theirs, function, said), daemon=True)
    child.start()
    theirs.close()
    thread = ThreadPoolExecutor(1, thread_name_prefix="beside")
    try:
        async with asyncio.timeout(within_s):
            is_found, answer = await asyncio.get_running_loop().run_in_executor(thread, ours.recv)
    except EOFError:
        raise VigilError("its process ended without an answer") from None
    except TimeoutError:
        raise VigilError(f"not done within {within_s:g} s") from None
    finally:
        child.kill()  # whoever still reads from it sees its end
        child.join(REAPED_S_MAX)
        thread.shutdown(wait=False)
    if not is_found:
        raise answer
    return answer  # type: ignore[no-any-return]


def _call(answers: Connection, function: Callable[..., Any], said: tuple[Any, ...]) -> None:
    try:
        answer = True, function(*said)
    except VigilError as error:
        answer = False, error
    answers.send(answer)
