"""What lies at an address: for kernels that read texts, where a call with an array costs more than what it reads.

Numba counts the uses of an array at every call that takes it. Whoever asks here sees to it that the address is right.
"""

from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic
from numpy.typing import NDArray

from clinical.kernels.compiled import kernel


def _pointer(builder: Any, address: Any, to: Any) -> Any:
    return builder.inttoptr(address, to.as_pointer())


@intrinsic  # type: ignore[untyped-decorator]
def byte(typing: Any, address: Any) -> Any:
    """Return the byte at an address, as a whole number."""

    def load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        found = builder.load(_pointer(builder, values[0], ir.IntType(8)))
        return builder.zext(found, ir.IntType(64))

    return types.int64(types.int64), load


@intrinsic  # type: ignore[untyped-decorator]
def eight(typing: Any, address: Any) -> Any:
    """Return the eight bytes from an address on, in the order of the machine."""

    def load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(_pointer(builder, values[0], ir.IntType(64)), align=1)

    return types.uint64(types.int64), load


@intrinsic  # type: ignore[untyped-decorator]
def whole_at(typing: Any, address: Any, i: Any) -> Any:
    """Return the i-th 64-bit whole number from an address on."""

    def load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.gep(_pointer(builder, values[0], ir.IntType(64)), [values[1]]))

    return types.int64(types.int64, types.int64), load


@intrinsic  # type: ignore[untyped-decorator]
def real_at(typing: Any, address: Any, i: Any) -> Any:
    """Return the i-th double from an address on."""

    def load(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        return builder.load(builder.gep(_pointer(builder, values[0], ir.DoubleType()), [values[1]]))

    return types.float64(types.int64, types.int64), load


@intrinsic  # type: ignore[untyped-decorator]
def set_whole(typing: Any, address: Any, i: Any, value: Any) -> Any:
    """Make this the i-th 64-bit whole number from an address on."""

    def store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], builder.gep(_pointer(builder, values[0], ir.IntType(64)), [values[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), store


@intrinsic  # type: ignore[untyped-decorator]
def set_real(typing: Any, address: Any, i: Any, value: Any) -> Any:
    """Make this the i-th double from an address on."""

    def store(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        builder.store(values[2], builder.gep(_pointer(builder, values[0], ir.DoubleType()), [values[1]]))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.float64), store


@kernel
def address(array: NDArray[Any]) -> int:
    """Return where the first element of an array lies; whoever asks sees to it that the array stays."""
    return np.int64(array.ctypes.data)  # type: ignore[return-value]
