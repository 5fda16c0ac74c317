"""What the drill sends: alerts of a rule a channel, the routing file that takes them there, and their times."""

import base64
from pathlib import Path
from typing import Final

from streams.contracts.alert import Alert, Evidence, Source, episode_id

CHANNELS: Final = ("plain", "error", "hole", "timeout", "late", "refuses", "twice")
"""What each does: takes all; answers 500 twice; never answers; never answers the first try; answers too late;
answers 400; takes all, and its alerts are written to the log twice."""

WORKING: Final = frozenset({"plain", "twice"})
BACKUP: Final = "backup"
WAIT_S: Final = 15.0
TAKEN_S: Final = 10.0
"""How long a step has for an answer, and for a channel to take a message of it: short, so that the drill is."""

RULE: Final = "drill-"
PATIENTS: Final = 100


def routing_text(port: int, key: Path) -> str:
    """Return the routing file: of each rule a route to its channel, then to one that works."""
    lines = []
    for name in (*CHANNELS, BACKUP):
        url = f"http://127.0.0.1:{port}/{name}"
        lines.append(
            f'[channels.{name}]\nkind = "webhook"\nurl = "{url}"\nkey_files = ["{key}"]\nfollow = false'
        )
        lines.append(f'[receivers.{name}]\nchannels = ["{name}"]')
    for name in CHANNELS:
        lines.append(f'[[route]]\nname = "{name}"\nrule = ["{RULE}{name}"]')
        for to in (name, BACKUP):
            lines.append(f'[[route.step]]\nto = ["{to}"]\nwait_s = {WAIT_S}\ntaken_s = {TAKEN_S}')
    lines.append(f'[[route]]\nname = "rest"\n[[route.step]]\nto = ["{BACKUP}"]')
    return "\n".join(lines) + "\n"


def write_files(folder: Path, port: int) -> Path:
    """Write key and routing file; return the routing file's path."""
    key, routing = folder / "webhook.key", folder / "routing.toml"
    key.write_text("whsec_" + base64.b64encode(bytes(32)).decode() + "\n")
    routing.write_text(routing_text(port, key), encoding="utf-8")
    return routing


def alert_number(number: int, now_ms: int) -> Alert:
    """Return the start of the n-th alarm."""
    patient, rule = f"drill-{number % PATIENTS:03d}", f"{RULE}{CHANNELS[number % len(CHANNELS)]}"
    episode = episode_id(patient, rule, now_ms - number)
    return Alert(
        id=f"{episode}-0",
        episode=episode,
        patient=patient,
        rule=rule,
        event="MDC_EVT_LO",
        source=Source(kind="signal", name="spo2", unit="%"),
        phase="start",
        state="active",
        priority="medium",
        type="physiological",
        onset_ts_ms=now_ms,
        event_ts_ms=now_ms,
        append_ts_ms=now_ms,
        evidence=Evidence(value=84.0, low=90.0),
        reason="oxygen saturation 84 %, below 90 for 15 s",
    )
