"""Columns in address space of their own: memory is taken where something is written, and all of it is given back.

Where the C library's allocator has them, it keeps the holes that columns leave when they grow: with 10,000 patients a
sixth of a worker.
"""

import mmap
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

PRIVATE: Final = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS


def reserved(*layouts: tuple[tuple[int, ...], Any]) -> list[NDArray[Any]]:
    """Return an array of zeros for each shape and type, all in one piece, which is given back with the last of them.

    Raises:
        OSError: there is no such piece.
    """
    dtypes = [np.dtype(dtype) for _, dtype in layouts]
    sizes = [prod(shape) * dtype.itemsize for (shape, _), dtype in zip(layouts, dtypes, strict=True)]
    begins = [0]
    for size in sizes:
        begins.append(begins[-1] + -(-size // mmap.PAGESIZE) * mmap.PAGESIZE)
    space = mmap.mmap(-1, max(begins[-1], mmap.PAGESIZE), flags=PRIVATE)
    return [
        np.ndarray(shape, dtype, space, begin)
        for (shape, _), dtype, begin in zip(layouts, dtypes, begins, strict=False)
    ]
