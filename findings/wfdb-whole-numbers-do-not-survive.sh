#!/usr/bin/env bash
# wfdb's wrsamp chooses a gain by which whole numbers do not come back: a reading at a lower limit is below it.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install --quiet --disable-pip-version-check wfdb==4.3.1 numpy==2.4.6 pandas==3.1.1
venv/bin/python - <<'PYTHON'
from importlib.metadata import version

import numpy as np
import wfdb

RATES = np.array([[80.0], [100.0], [115.0], [119.0], [120.0], [121.0], [133.0]])
LIMIT_BPM = 120
rates = dict(fs=1, units=["bpm"], sig_name=["HR"], p_signal=RATES, fmt=["16"])
wfdb.wrsamp("chosen", **rates)
wfdb.wrsamp("given", adc_gain=[1.0], baseline=[0], **rates)
chosen = wfdb.rdrecord("chosen").p_signal.ravel()
given = wfdb.rdrecord("given").p_signal.ravel()
below = [int((values < LIMIT_BPM).sum()) for values in (RATES, chosen, given)]
print(f"wfdb {version('wfdb')}: heart rates in whole numbers, written in 16 bits and read again")
print(f"expected: what was written, {RATES.ravel().tolist()}: 16 bits hold every one of them exactly")
print(f"seen: {chosen.tolist()}; below {LIMIT_BPM}: {below[0]} written, {below[1]} read")
print(f"with adc_gain=[1.0] and baseline=[0]: {given.tolist()}")
assert np.array_equal(given, RATES.ravel())
assert below == [4, 5, 4]
assert np.abs(chosen - RATES.ravel()).max() < 0.001
PYTHON
