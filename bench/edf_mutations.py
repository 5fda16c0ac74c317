"""Damaged EDF, EDF+ and BDF files at our reader: each is read in order of time or refused with the file and the place.

`python -m bench.edf_mutations --inputs 100000` says what became of each, and ends with 1 where something was wrong.
"""

import math
import random
import re
import sys
import tempfile
from itertools import pairwise
from pathlib import Path
from typing import Final

from bench.mutations import Found, command
from edge.readers import open_recording
from streams.contracts.frame import EVENT_TS_MS_MAX, VALUE_ABS_MAX
from streams.errors import BadData, UnknownRecording

MUTATIONS_MAX: Final = 4
BYTES_MAX: Final = 16_384
_FIELDS: Final = (
    *(
        "-1",
        "0",
        "1",
        "2",
        "-2",
        "1e99",
        "1e-99",
        "nan",
        "inf",
        "99999999",
        "-9999999",
        "1_000",
        "0x10",
        " 1 1",
    ),
    *(
        "",
        "EDF+C",
        "EDF+D",
        "BDF+D",
        "EDF",
        "EDF Annotations",
        "HR",
        "Resp",
        "%",
        "kPa",
        "\0",
        "\xff",
        "01.01.85",
    ),
)
_SIGNS: Final = (
    b"\x14",
    b"\x15",
    b"\0",
    b"+",
    b"-",
    b"+1\x14\x14\0",
    b"+9e9\x14\x14\0",
    b"\xff\xfe",
    b"\x80",
    b".",
)
_WHERE: Final = re.compile(
    r"/made\.(edf|bdf): (header: |cut short in |goes on behind data record \d|data record \d|holds no frame)"
)


def _file(kind: str, plus: str) -> bytes:
    """Return a small sound file: two vital signs and a waveform in three data records of 2 s, with gaps in EDF+D."""
    width, high = (2, 32_767) if kind == "EDF" else (3, 8_388_607)
    rows = [
        ("HR", "bpm", "-1", "300", "-10", "3000", "2"),
        ("SpO2", "%", "0", "100", "-100", "100", "1"),
        ("EEG Fpz-Cz", "uV", "-500", "500", str(-high - 1), str(high), "10"),
    ]
    if plus:
        rows.append((f"{kind} Annotations", "", "-1", "1", str(-high - 1), str(high), "24"))
    begins = b"0       " if kind == "EDF" else b"\xffBIOSEMI"
    reserved = f"{kind}+{plus}" if plus else "24BIT"
    texts = [("X X X X", 80), ("Startdate 29-NOV-2026 X X X", 80), ("29.11.26", 8), ("15.30.00", 8)]
    texts += [(str(256 * (1 + len(rows))), 8), (reserved, 44), ("3", 8), ("2", 8), (str(len(rows)), 4)]
    for place, size in enumerate((16, 80, 8, 8, 8, 8, 8, 80, 8, 32)):
        for label, unit, low, top, first, last, samples in rows:
            texts.append(((label, "", unit, low, top, first, last, "", samples, "")[place], size))
    made = begins + b"".join(text.ljust(size).encode() for text, size in texts)
    for record in range(3):
        codes = [800 + record, 810, 90, *range(10)]
        made += b"".join(code.to_bytes(width, "little", signed=True) for code in codes)
        if plus:
            onset = record * (2 if plus == "C" else 5)
            made += f"+{onset}\x14\x14\0+{onset}\x151\x14note\x14\0".encode().ljust(24 * width, b"\0")
    return made


CORPUS: Final = tuple(
    _file(*one) for one in (("EDF", ""), ("EDF", "C"), ("EDF", "D"), ("BDF", ""), ("BDF", "D"))
)


def mutate(chance: random.Random, data: bytes) -> bytes:
    """Return a file with one thing done to it, in most cases one that leaves its length: others are soon refused."""
    at, until = sorted(chance.randrange(len(data) + 1) for _ in range(2))
    what = chance.randrange(8)
    if what == 0:
        return data[:at] + bytes([chance.randrange(256)]) + data[at + 1 :]
    if what == 1:
        return data[:at]
    if what == 2:
        return data[:at] + data[min(until, at + 60) :]
    if what == 3:
        return data[:until] + data[at : min(until, at + 300)] + data[until:]
    if what == 4:
        sign = chance.choice(_SIGNS)
        return data[:at] + sign + data[at + len(sign) :]
    if what == 5:
        return data[:at] + chance.choice(CORPUS)[at:]
    # A field of the header, whose places are multiples of 4 bytes, says something else.
    place = chance.randrange(min(len(data), 256 * 5) // 4 + 1) * 4
    text = chance.choice(_FIELDS).ljust(chance.choice((4, 8, 8, 16))).encode("latin-1")
    return data[:place] + text + data[place + len(text) :]


def run(inputs: int, seed: int) -> Found:
    """Open `inputs` damaged files; the same seed makes the same."""
    found, chance = Found(), random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="vigil-edf-") as folder:
        for _ in range(inputs):
            data = chance.choice(CORPUS)
            for _ in range(chance.randint(1, MUTATIONS_MAX)):
                data = mutate(chance, data)[:BYTES_MAX]
            path = Path(folder) / chance.choice(("made.edf", "made.bdf"))
            path.write_bytes(data)
            with found.one(data):
                _open(path, found)
    return found


def _open(path: Path, found: Found) -> None:
    """Open a file, and check what is read of it or said of it."""
    try:
        frames = list(open_recording(path).frames())
    except UnknownRecording:
        found.outcomes["of no known signal"] += 1
        return
    except BadData as error:
        found.outcomes["refused"] += 1
        if not _WHERE.search(str(error)):
            found.wrong.append(f"names no place: {error}")
        return
    found.outcomes["read"] += 1
    if any(later.t_ms <= earlier.t_ms for earlier, later in pairwise(frames)):
        found.wrong.append("time runs back")
    if not 0 <= frames[0].t_ms <= frames[-1].t_ms <= EVENT_TS_MS_MAX:
        found.wrong.append(f"a time that is none: {frames[0].t_ms} to {frames[-1].t_ms}")
    values = (value for frame in frames for value in frame.signals.values() if value is not None)
    if not all(isinstance(one, float) and math.isfinite(one) and abs(one) <= VALUE_ABS_MAX for one in values):
        found.wrong.append("a reading that is none")


if __name__ == "__main__":
    sys.exit(command(__doc__, run))
