#!/usr/bin/env bash
# edfio reads a discontinuous EDF+ file as if it had no gaps, without a word.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check edfio==0.4.18 numpy==2.4.6
venv/bin/python -W error - <<'PYTHON'
import struct
from importlib.metadata import version

import edfio

ONSETS_S, RATES = [0, 10, 40], [80, 81, 140]
ROWS = [("HR", "bpm", 0, 300, 0, 300, 1), ("EDF Annotations", "", -1, 1, -32768, 32767, 8)]
fields = [("0", 8), ("X X X X", 80), ("Startdate X X X X", 80), ("01.01.85", 8), ("00.00.00", 8), (768, 8)]
fields += [("EDF+D", 44), (3, 8), (1, 8), (2, 4)]
for place, size in enumerate((16, 80, 8, 8, 8, 8, 8, 80, 8, 32)):
    for label, unit, low, high, first, last, samples in ROWS:
        fields.append(((label, "", unit, low, high, first, last, "", samples, "")[place], size))
with open("gaps.edf", "wb") as file:
    file.write("".join(str(text).ljust(size) for text, size in fields).encode())
    for onset, rate in zip(ONSETS_S, RATES, strict=True):
        file.write(struct.pack("<h", rate) + f"+{onset}\x14\x14\0".encode().ljust(16, b"\0"))

read = edfio.read_edf("gaps.edf")
[signal] = read.signals
print(f"edfio {version('edfio')}: an EDF+D file with a rate of one second at {ONSETS_S} s")
print("expected: the times that the data records say, or an error or a warning that there are gaps")
print(f"seen: no word of warning; {signal.data.tolist()} at {signal.sampling_frequency:g} Hz, {read.duration:g} s long:")
print("the rate of 140 is at 2 s, and was measured at 40 s")
assert signal.data.tolist() == RATES
assert (signal.sampling_frequency, read.duration) == (1, 3)
PYTHON
