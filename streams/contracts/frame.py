"""The frame: what one device measured of one patient at one moment.

The public contract of `vitals.readings`; JSON Schema and AsyncAPI are generated from it.
Units are in `clinical.vitals`, one row a signal. The live lane decodes with `streams.decoding.decoder`, which a
property test holds to this model: both accept and reject the same bytes.
"""

from typing import Annotated, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

ID_PATTERN: Final = r"^[A-Za-z0-9][A-Za-z0-9._:@-]{0,63}$"
OWN_STREAM: Final = "~device/"
"""Begins the `patient` of the frames of a device that is on no patient; the device's id follows."""

STREAM_PATTERN: Final = f"^({OWN_STREAM})?{ID_PATTERN.removeprefix('^')}"
SEQ_MAX: Final = 2**53 - 1
EVENT_TS_MS_MAX: Final = 4_102_444_800_000  # 2100-01-01
INTERVAL_MS_MAX: Final = 86_400_000
VALUE_ABS_MAX: Final = 10_000.0
"""No sensor reports more; a larger number is an encoding error, not a reading."""

FRAME_BYTES_MAX: Final = 16_384
"""A frame of every signal takes under 700 bytes; a longer record is refused unread."""

Identifier = Annotated[str, Field(pattern=ID_PATTERN)]
Stream = Annotated[str, Field(pattern=STREAM_PATTERN)]
Number = Annotated[float, Field(ge=-VALUE_ABS_MAX, le=VALUE_ABS_MAX)]
Reading = Number | None
Comparator = Literal["<", "<=", ">=", ">"]
# fmt: off
Measured = Literal[
    "hr", "pulse", "spo2", "resp", "nbp_sys", "nbp_dia", "nbp_mean", "abp_sys", "abp_dia", "abp_mean", "temp", "etco2",
    "fio2",
]
"""Signals that are numbers."""
# fmt: on


def _reading(title: str) -> Reading:
    """Declare a signal that may be absent; `null` is attached without a valid reading."""
    return Field(default=None, description=f"{title}; null = attached, no valid reading")


def _reported(title: str) -> bool | None:
    """Declare an alarm that the device decides itself."""
    said = f"the device's own alarm, {title}, holds; false ends it, leaving it out does not"
    return Field(default=None, description=said)


class Bound(BaseModel):
    """What a device can tell of a signal beyond its range: not the value, but on which side of a number it is."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    comparator: Comparator = Field(description="the value is below (<, <=) or above (>=, >) the number")
    value: Number = Field(description="the number, in the signal's unit")


class Frame(BaseModel):
    """One frame. A signal that is left out was not measured; one that is `null` has no valid reading."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, allow_inf_nan=False)

    patient: Stream = Field(
        description="opaque stream id, equal to the record's key; never a name or record number; ~device/ID where "
        "the device is on no patient"
    )
    device: Identifier = Field(description="opaque id of the measuring device")
    boot: Annotated[int, Field(ge=0, le=SEQ_MAX)] = Field(description="counts the device's restarts")
    seq: Annotated[int, Field(ge=0, le=SEQ_MAX)] = Field(
        description="counts frames since boot; (device, boot, seq) identifies the frame"
    )
    event_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(
        description="moment of measurement by the device's clock, Unix epoch, ms"
    )
    interval_ms: Annotated[int, Field(ge=1, le=INTERVAL_MS_MAX)] = Field(
        default=1000,
        description="how long until the device's next frame is due, ms; longer ones move its silence alarm",
    )
    refiled: bool = Field(
        default=False,
        description="a copy under the patient whom the device was found to be on afterwards; kept, not judged",
    )
    bounds: dict[Measured, Bound] = Field(
        default={},
        description="by signal, what is known of it in place of a value; the signal itself is then null or left out. "
        "Never a value: it raises an alarm only of a limit that it settles, and ends none",
    )

    hr: Reading = _reading("heart rate (ECG), bpm")
    pulse: Reading = _reading("pulse rate, bpm")
    spo2: Reading = _reading("oxygen saturation, %")
    resp: Reading = _reading("respiration rate, bpm")
    nbp_sys: Reading = _reading("cuff systolic pressure, mmHg")
    nbp_dia: Reading = _reading("cuff diastolic pressure, mmHg")
    nbp_mean: Reading = _reading("cuff mean pressure, mmHg")
    abp_sys: Reading = _reading("arterial systolic pressure, mmHg")
    abp_dia: Reading = _reading("arterial diastolic pressure, mmHg")
    abp_mean: Reading = _reading("arterial mean pressure, mmHg")
    temp: Reading = _reading("body temperature, Cel")
    etco2: Reading = _reading("end-tidal CO2, mmHg")
    fio2: Reading = _reading("inspired oxygen fraction, %")
    consciousness: Literal["A", "C", "V", "P", "U"] | None = Field(
        default=None, description="ACVPU: alert, new confusion, responds to voice, to pain, unresponsive"
    )
    on_oxygen: bool | None = Field(default=None, description="receives supplemental oxygen")
    asystole: bool | None = _reported("asystole")
    apnoea: bool | None = _reported("apnoea")
    vfib: bool | None = _reported("ventricular fibrillation")
    vtach: bool | None = _reported("ventricular tachycardia")
    ext_tachy: bool | None = _reported("extreme tachycardia")
    ext_brady: bool | None = _reported("extreme bradycardia")
    abp_disconnect: bool | None = _reported("arterial line disconnected")

    @model_validator(mode="after")
    def _has_one_of_both(self) -> Self:
        for name in self.bounds:
            if getattr(self, name) is not None:
                raise ValueError(f"{name} has a value and a bound")
        return self


def own_stream(device: str) -> str:
    """Return the stream of a device that is on no patient."""
    return OWN_STREAM + device


class Tick(BaseModel):
    """Time passing in one partition: key `~tick`, written once a second by the worker that owns the partition.

    In the live time base the record's append time counts; in a recording's time base `tick_ts_ms` does.
    """

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True)

    tick_ts_ms: Annotated[int, Field(ge=0, le=EVENT_TS_MS_MAX)] = Field(description="Unix epoch, ms")


TICK_KEY: Final = b"~tick"
"""Starts with a character that no patient id may start with."""


def encode_tick(tick_ts_ms: int) -> bytes:
    """Return the value of a tick record."""
    return b'{"tick_ts_ms":%d}' % tick_ts_ms
