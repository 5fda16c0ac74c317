#!/usr/bin/env bash
# pyedflib writes a sample that is missing (NaN) as the physical minimum, without a word, and reads it as a reading.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check pyedflib==0.1.42 numpy==2.4.6
venv/bin/python -W error - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import pyedflib

RATES = np.array([80.0, np.nan, 82.0])
writer = pyedflib.EdfWriter("missing.edf", 1, file_type=pyedflib.FILETYPE_EDFPLUS)
writer.setSignalHeader(0, pyedflib.highlevel.make_signal_header("HR", "bpm", 1, 30, 300))
writer.writeSamples([RATES])
writer.close()
with pyedflib.EdfReader("missing.edf") as reader:
    seen = reader.readSignal(0)
print(f"pyedflib {version('pyedflib')}: a heart rate {RATES.tolist()}, of a range of 30 to 300")
print("expected: an error or a warning, for the format has no missing value")
print(f"seen: no word of warning, and a rate that nobody measured: {seen.round(2).tolist()}")
assert abs(seen[1] - 30) < 0.01
assert np.allclose(seen[[0, 2]], RATES[[0, 2]], atol=0.01)
PYTHON
