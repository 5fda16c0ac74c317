"""What a process is waiting for: the stack of each thread, and of each task of an event loop down to what it awaits.

For the log of a worker that does not end when it was told to, or whose loop is stuck.
"""

import asyncio
import sys
import threading
import traceback
from collections.abc import Iterator
from types import FrameType
from typing import Any, Final

TASKS_MAX: Final = 200
"""Tasks that are told of; a worker has some fifty."""

AWAITS_MAX: Final = 50
"""Calls of one task that are told of."""

_AWAITED: Final = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"))


def whereabouts(loop: asyncio.AbstractEventLoop) -> str:
    """Return where every thread and every task of the loop is; may be called from any thread."""
    names = {thread.ident: thread.name for thread in threading.enumerate()}
    lines = []
    for ident, frame in sys._current_frames().items():
        lines.append(f"thread {names.get(ident, ident)}")
        lines += [f"  {line}" for line in _frames(frame)]
    for task in list(asyncio.all_tasks(loop))[:TASKS_MAX]:
        lines.append(f"task {task.get_name()}")
        lines += [f"  {line}" for line in _awaits(task.get_coro())]
    return "\n".join(lines)


def _frames(frame: FrameType) -> Iterator[str]:
    for entry in traceback.extract_stack(frame):
        yield f"{entry.filename}:{entry.lineno} {entry.name}"


def _awaits(awaited: Any) -> Iterator[str]:
    """Yield where a coroutine is and what it awaits, down to what tells no more, as a future or an async generator."""
    for _ in range(AWAITS_MAX):
        for frame_name, next_name in _AWAITED:
            if hasattr(awaited, frame_name):
                frame = getattr(awaited, frame_name)
                if frame is not None:
                    yield f"{frame.f_code.co_filename}:{frame.f_lineno} {frame.f_code.co_name}"
                awaited = getattr(awaited, next_name)
                break
        else:
            if awaited is not None:
                yield repr(awaited)[:200]
            return
