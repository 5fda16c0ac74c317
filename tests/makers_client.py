"""Vital Recorder's makers' own client, as a process: one bed's oxygen saturation each second."""

import sys

SCRIPT = """
import sys
from types import SimpleNamespace as N
import vitalrecorder.server as maker
value = float(sys.argv.pop())
recs = [{"dt": float(at), "val": value} for at in range(3600)]
track = N(dtname="Solar8000/PLETH_SPO2", montype=10, type=2, unit="%", recs=recs, srate=0, mindisp=0, maxdisp=100)
maker.load_vital_files = lambda urls: {
    7: {"duration": 3600.0, "dtstart": 0.0, "tracks": {track.dtname: track}}
}
maker.main()
"""
"""Only the download of its sample files is left out. Its bed is BED-7, by a wall clock of the process's own zone."""


def client_command(port, code="WARD3", value=97):
    """Return its command; it prints what it is told."""
    return [sys.executable, "-u", "-c", SCRIPT, f"http://127.0.0.1:{port}", "--vrcode", code, str(value)]
