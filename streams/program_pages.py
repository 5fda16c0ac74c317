"""Pages of a library's program that a process has touched and does not need: given back, and read again if it does.

LLVM's program, of which loading compiled code touches nearly all, is 52 MB of a worker's memory; calling what was
loaded touches none of it.
"""

import ctypes
import logging
import sys
from pathlib import Path
from typing import Final

MADV_DONTNEED: Final = 4
"""`madvise(2)` on Linux: take the pages out of the process."""

MAPS: Final = Path("/proc/self/maps")
NEVER_WRITTEN: Final = "r-xp"
"""How Linux shows what is executed and cannot be written: every byte of it is in the file, so none is lost."""

logger = logging.getLogger(__name__)


def give_back(library: str) -> int:
    """Give back the program of libraries whose file has this name; return how many bytes of it were mapped.

    0 where there is none, or no Linux. What is called again is read from the file again, a page at a time.
    """
    if sys.platform != "linux":
        return 0
    try:
        maps = MAPS.read_text(encoding="utf-8", errors="replace")
    except OSError as error:  # no /proc: then nothing is given back
        logger.debug("%s: %s", MAPS, error.strerror)
        return 0
    given = 0
    madvise = ctypes.CDLL(None, use_errno=True).madvise
    for start, length in _programs(maps, library):
        if madvise(ctypes.c_void_p(start), ctypes.c_size_t(length), MADV_DONTNEED):
            logger.debug("madvise: error %d", ctypes.get_errno())
        else:
            given += length
    return given


def _programs(maps: str, library: str) -> list[tuple[int, int]]:
    """Return address and length of each stretch of a library that is executed, by a process's list of stretches."""
    found = []
    for line in maps.splitlines():
        stretch, rights, _, _, _, *path = line.split(maxsplit=5)
        if rights == NEVER_WRITTEN and path and Path(path[0]).name == library:
            start, end = (int(address, 16) for address in stretch.split("-"))
            found.append((start, end - start))
    return found
