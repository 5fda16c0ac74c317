"""The command of each system that is written in Python, with its own virtual environment, made when first asked for."""

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import Final

from edge.brokers.jars import locked
from streams.errors import UsageError, VigilError

HERE: Final = Path(__file__).resolve().parent
ROOT: Final = HERE.parent.parent
CACHE: Final = ROOT / ".cache" / "peers"

FOLDERS: Final = {
    "faust": "faust_plain",
    "quix": "quix",
    "bytewax": "bytewax",
    "raw-aiokafka": "raw_aiokafka",
    "raw-librdkafka": "raw_librdkafka",
}
"""Names in reports and the folders of the programs."""

INSTALL_TIMEOUT_S: Final = 600.0
OUTPUT_LINES_MAX: Final = 3


def command(name: str, cache: Path = CACHE) -> list[str]:
    """Return the command of a system, to which the path of SPEC.json is added.

    Raises:
        UsageError: there is no system of this name.
        VigilError: its environment could not be made.
    """
    if name not in FOLDERS:
        raise UsageError(f"no peer is called {name!r}; there are {', '.join(FOLDERS)}")
    python = environment(HERE / FOLDERS[name] / "requirements.txt", cache) / "bin" / "python"
    return ["/usr/bin/env", f"PYTHONPATH={ROOT}", str(python), "-m", f"bench.peers.{FOLDERS[name]}.peer"]


def environment(requirements: Path, cache: Path = CACHE) -> Path:
    """Return the folder of a virtual environment with the packages, making it when it is not there yet.

    The requirements and the interpreter are in its name, so that a change makes a new one.

    Raises:
        VigilError: it could not be made within `INSTALL_TIMEOUT_S`.
    """
    of = requirements.read_bytes() + sys.version.encode()
    folder = cache / f"{requirements.parent.name}-{hashlib.sha256(of).hexdigest()[:12]}"
    if (folder / "complete").is_file():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{folder.name}.lock"):
        if not (folder / "complete").is_file():
            _run([sys.executable, "-m", "venv", "--clear", str(folder)])
            pip = [str(folder / "bin" / "python"), "-m", "pip", "install", "--quiet"]
            _run([*pip, "--disable-pip-version-check", "--requirement", str(requirements)])
            (folder / "complete").touch()
    return folder


def _run(arguments: list[str]) -> None:
    try:
        done = subprocess.run(
            arguments, capture_output=True, text=True, timeout=INSTALL_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise VigilError(f"{' '.join(arguments)}: not done within {INSTALL_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        said = (done.stderr or done.stdout).strip().splitlines()[-OUTPUT_LINES_MAX:]
        raise VigilError(f"{' '.join(arguments)}: {' | '.join(said)}")
