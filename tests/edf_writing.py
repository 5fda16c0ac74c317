"""Writes EDF, EDF+ and BDF files byte by byte, damaged ones too: what the tests of the reader are fed with."""

from dataclasses import dataclass

EDF_CODES = (-32_768, 32_767)


@dataclass(frozen=True)
class Written:
    """A signal to write: `codes` a data record each, of equal length."""

    label: str
    unit: str
    codes: list[list[int]]
    physical: tuple[str, str] = ("-1", "300")
    digital: tuple[int, int] = (-10, 3000)


def tal(onset, *texts, duration=None):
    """A time-stamped list: without texts it says when a data record begins."""
    lasted = "" if duration is None else f"\x15{duration}"
    return f"{onset:+.6f}{lasted}\x14{''.join(text + chr(20) for text in texts or ('',))}\0".encode()


def edf(
    signals,
    lists=None,
    *,
    record_s="1",
    plus=None,
    kind="EDF",
    records=None,
    date="29.11.26",
    time="15.30.00",
    recording="",
    annotations_at=None,
    annotation_bytes=120,
):
    """The bytes of a file; `lists` are each data record's bytes of annotations, None = no EDF+.

    The annotation signal is the last, or comes at `annotations_at`.
    """
    width = 2 if kind == "EDF" else 3
    count = len(signals[0].codes) if signals else len(lists)
    columns = [
        (one.label, one.unit, *one.physical, *map(str, one.digital), len(one.codes[0]) if one.codes else 1)
        for one in signals
    ]
    bodies = [
        [b"".join(code.to_bytes(width, "little", signed=True) for code in one.codes[i]) for one in signals]
        for i in range(count)
    ]
    plus = plus if plus is not None else ("D" if lists is not None else "")
    if lists is not None:
        at = len(signals) if annotations_at is None else annotations_at
        samples = annotation_bytes // width
        low, high = EDF_CODES if kind == "EDF" else (-8_388_608, 8_388_607)
        columns.insert(at, (f"{kind} Annotations", "", "-1", "1", str(low), str(high), samples))
        for body, one in zip(bodies, lists, strict=True):
            body.insert(at, one.ljust(samples * width, b"\0"))
    reserved = f"{kind}+{plus}" if plus else ("" if kind == "EDF" else "24BIT")
    said = count if records is None else records
    first = b"0       " if kind == "EDF" else b"\xffBIOSEMI"
    fields = [("", 80), (recording, 80), (date, 8), (time, 8), (256 * (1 + len(columns)), 8), (reserved, 44)]
    fields += [(said, 8), (record_s, 8), (len(columns), 4)]
    for place, size in enumerate((16, 80, 8, 8, 8, 8, 8, 80, 8, 32)):
        for label, unit, low, high, digital_low, digital_high, samples in columns:
            texts = (label, "", unit, low, high, digital_low, digital_high, "", samples, "")
            fields.append((texts[place], size))
    head = first + b"".join(str(text).ljust(size)[:size].encode("latin-1") for text, size in fields)
    return head + b"".join(b"".join(body) for body in bodies)
