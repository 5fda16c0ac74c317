"""A frame as it comes, as an object of its fields: the general one, and narrow ones for the signals that have come."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, cast

import msgspec
import numpy as np
from msgspec import UNSET, Meta, UnsetType

from clinical.vitals import ABSENT, ACVPU, INDEX
from streams.contracts.frame import (
    EVENT_TS_MS_MAX,
    INTERVAL_MS_MAX,
    SEQ_MAX,
    VALUE_ABS_MAX,
    Comparator,
    Measured,
)

Count = Annotated[int, Meta(ge=0, le=SEQ_MAX)]
Number = Annotated[float, Meta(ge=-VALUE_ABS_MAX, le=VALUE_ABS_MAX)]
Value = Number | None


class WireFrame(msgspec.Struct, forbid_unknown_fields=True, gc=False, omit_defaults=True):
    """Mirror of `Frame` in the order that makes columns cheap: identity, whole numbers, readings, charted.

    Written as JSON, it leaves out what is absent.
    """

    patient: str
    device: str
    boot: Count
    seq: Count
    event_ts_ms: Annotated[int, Meta(ge=0, le=EVENT_TS_MS_MAX)]
    interval_ms: Annotated[int, Meta(ge=1, le=INTERVAL_MS_MAX)] = 1000
    hr: Value = ABSENT
    pulse: Value = ABSENT
    spo2: Value = ABSENT
    resp: Value = ABSENT
    nbp_sys: Value = ABSENT
    nbp_dia: Value = ABSENT
    nbp_mean: Value = ABSENT
    abp_sys: Value = ABSENT
    abp_dia: Value = ABSENT
    abp_mean: Value = ABSENT
    temp: Value = ABSENT
    etco2: Value = ABSENT
    fio2: Value = ABSENT
    consciousness: Literal["A", "C", "V", "P", "U"] | UnsetType | None = UNSET
    on_oxygen: bool | UnsetType | None = UNSET
    asystole: bool | UnsetType | None = UNSET
    apnoea: bool | UnsetType | None = UNSET
    vfib: bool | UnsetType | None = UNSET
    vtach: bool | UnsetType | None = UNSET
    ext_tachy: bool | UnsetType | None = UNSET
    ext_brady: bool | UnsetType | None = UNSET
    abp_disconnect: bool | UnsetType | None = UNSET


class WireBound(msgspec.Struct, forbid_unknown_fields=True, frozen=True, gc=False):
    """Mirror of `streams.contracts.frame.Bound`."""

    comparator: Comparator
    value: Number


Said = float | bool | str | WireBound | None
"""What a sender says of a signal; None = attached, without a valid reading."""


class BoundedFrame(WireFrame):
    """A frame that may say bounds, which are rare. A signal with one is null: it has no valid reading.

    Raises:
        ValueError: a signal has a value and a bound.
    """

    bounds: dict[Measured, WireBound] | UnsetType = UNSET

    def __post_init__(self) -> None:
        for name in self.bounds or ():
            if getattr(self, name) not in (None, ABSENT):
                raise ValueError(f"{name} has a value and a bound")
            setattr(self, name, None)


def frame_with(
    patient: str,
    device: str,
    boot: int,
    seq: int,
    event_ts_ms: int,
    interval_ms: int,
    said: Mapping[str, Said],
) -> WireFrame:
    """Return a frame with these readings, of which some may be bounds."""
    of = patient, device, boot, seq, event_ts_ms, interval_ms
    bounds = {signal: bound for signal, bound in said.items() if isinstance(bound, WireBound)}
    values: dict[str, Any] = {signal: value for signal, value in said.items() if signal not in bounds}
    if not bounds:  # as nearly always
        return WireFrame(*of, **values)
    return BoundedFrame(*of, **values, bounds=cast(dict[Measured, WireBound], bounds))


class RefiledFrame(BoundedFrame):
    """A frame that says whether it is a copy, filed afterwards: nobody but the re-filing sends such."""

    refiled: bool = False


_ACVPU_LEVEL: Final[dict[Any, float]] = {
    UNSET: ABSENT,
    None: np.nan,
    **{letter: float(i) for i, letter in enumerate(ACVPU)},
}
_FLAG_LEVEL: Final[dict[Any, float]] = {UNSET: ABSENT, None: np.nan, False: 0.0, True: 1.0}
CARRIED: Final = tuple(given.name for given in msgspec.structs.fields(WireFrame) if given.name in INDEX)
"""Signals that a frame may carry, in the order of its fields."""

decode_frame: Final = msgspec.json.Decoder(WireFrame).decode
decode_refiled: Final = msgspec.json.Decoder(RefiledFrame).decode


@lru_cache(maxsize=64)
def decoder_of(signals: tuple[str, ...]) -> Callable[[bytes], WireFrame]:
    """Return a decoder of frames with no other signals than these: smaller objects, fewer columns to look at."""
    fields = [
        (given.name, given.type) if given.required else (given.name, given.type, given.default)
        for given in msgspec.structs.fields(WireFrame)
        if given.name not in CARRIED or given.name in signals
    ]
    narrow = msgspec.defstruct("_NarrowFrame", fields, forbid_unknown_fields=True, gc=False)
    return cast(Callable[[bytes], WireFrame], msgspec.json.Decoder(narrow).decode)


# Written out, because that is twice as fast as getting attributes by their name.
READINGS: Final[dict[str, Callable[[Sequence[WireFrame]], list[float | None]]]] = {
    "hr": lambda frames: [frame.hr for frame in frames],
    "pulse": lambda frames: [frame.pulse for frame in frames],
    "spo2": lambda frames: [frame.spo2 for frame in frames],
    "resp": lambda frames: [frame.resp for frame in frames],
    "nbp_sys": lambda frames: [frame.nbp_sys for frame in frames],
    "nbp_dia": lambda frames: [frame.nbp_dia for frame in frames],
    "nbp_mean": lambda frames: [frame.nbp_mean for frame in frames],
    "abp_sys": lambda frames: [frame.abp_sys for frame in frames],
    "abp_dia": lambda frames: [frame.abp_dia for frame in frames],
    "abp_mean": lambda frames: [frame.abp_mean for frame in frames],
    "temp": lambda frames: [frame.temp for frame in frames],
    "etco2": lambda frames: [frame.etco2 for frame in frames],
    "fio2": lambda frames: [frame.fio2 for frame in frames],
}
"""The readings of each measured signal; -inf = absent, None = attached without a reading."""

CHARTED: Final[dict[str, tuple[Callable[[Sequence[WireFrame]], list[Any]], dict[Any, float]]]] = {
    "consciousness": (lambda frames: [frame.consciousness for frame in frames], _ACVPU_LEVEL),
    "on_oxygen": (lambda frames: [frame.on_oxygen for frame in frames], _FLAG_LEVEL),
    "asystole": (lambda frames: [frame.asystole for frame in frames], _FLAG_LEVEL),
    "apnoea": (lambda frames: [frame.apnoea for frame in frames], _FLAG_LEVEL),
    "vfib": (lambda frames: [frame.vfib for frame in frames], _FLAG_LEVEL),
    "vtach": (lambda frames: [frame.vtach for frame in frames], _FLAG_LEVEL),
    "ext_tachy": (lambda frames: [frame.ext_tachy for frame in frames], _FLAG_LEVEL),
    "ext_brady": (lambda frames: [frame.ext_brady for frame in frames], _FLAG_LEVEL),
    "abp_disconnect": (lambda frames: [frame.abp_disconnect for frame in frames], _FLAG_LEVEL),
}
"""What is charted of each signal that is no number, and the number that stands for it."""
