#!/usr/bin/env bash
# wfdb's rdrecord returns one value a frame: where a record has several readings in a frame, it is their mean.
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

RATES = np.array([80.0, 140.0, 80.0, 140.0])
wfdb.wrsamp(
    "madeup", fs=1, units=["bpm"], sig_name=["HR"], fmt=["16"], samps_per_frame=[2], e_p_signal=[RATES]
)
usual = wfdb.rdrecord("madeup").p_signal.ravel()
whole = wfdb.rdrecord("madeup", smooth_frames=False).e_p_signal[0]
print(f"wfdb {version('wfdb')}: a heart rate with two readings in each frame of a second: {RATES.tolist()}")
print("expected: rdrecord returns the four readings, or asks")
print(f"seen: {usual.round(1).tolist()}, a rate that nobody measured; all four only with smooth_frames=False")
assert usual.round(1).tolist() == [110.0, 110.0]
assert whole.round(1).tolist() == RATES.tolist()
PYTHON
