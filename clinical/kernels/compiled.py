"""The decorator of kernels: how all of them are compiled, and which there are."""

from collections.abc import Callable
from typing import Any, Final, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])

OPTIONS: Final[dict[str, Any]] = {
    "nogil": True,
    "fastmath": False,
    "error_model": "numpy",
    "boundscheck": False,
}

KERNELS: Final[list[Any]] = []
"""Numba's dispatcher of each kernel, in the order of their definition."""


def kernel(function: Function) -> Function:
    """Have a function compiled when it is first called with arguments of some types.

    No `fastmath` and nothing parallel: sums are taken in the order of the loop, so that every machine and every cut
    of the log comes to the same bits. A division by zero gives what NumPy gives.
    """
    compiled = numba.njit(**OPTIONS)(function)
    KERNELS.append(compiled)
    return compiled  # type: ignore[no-any-return]


def loop(function: Function) -> Function:
    """Have a function compiled as a `kernel` that makes no array: none is counted, which tuples of many would cost."""
    compiled = numba.njit(_nrt=False, **OPTIONS)(function)
    KERNELS.append(compiled)
    return compiled  # type: ignore[no-any-return]


def inlined(function: Function) -> Function:
    """Have a function become part of each `loop` that calls it: to hand tuples of many arrays on takes long."""
    return numba.njit(inline="always", _nrt=False, **OPTIONS)(function)  # type: ignore[no-any-return]
