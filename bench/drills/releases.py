"""Releases of Vigil side by side: ours, and an earlier one that is taken from the repository and made ready to run."""

import io
import json
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from bench.peers.environments import environment
from edge.brokers.jars import locked
from edge.project import ROOT
from edge.workers import worker_environment
from streams.config.settings import Settings
from streams.errors import UsageError, VigilError

GIT_S_MAX: Final = 30.0
ASK_S_MAX: Final = 60.0
"""For a short command of another release, its imports among it."""

LOCK: Final = "requirements.lock"
RELEASES: Final = ROOT / ".cache" / "releases"
"""Earlier releases by their commits, ready to run, and environments of those with other dependencies than ours."""

WHOLE: Final = "whole"
"""A file of this name lies in a release once all of it is there."""

COMPILE_S_MAX: Final = 1_800.0
"""A minute of a core, on a machine that does much else."""


BEFORE_OURS: Final = "HEAD^"
PREFIX: Final = "VIGIL_"
_NAMES: Final = (
    "import json; from streams.config.settings import Settings; print(json.dumps([*Settings.model_fields]))"
)


@dataclass(frozen=True, slots=True)
class Release:
    """One version of the program.

    Args:
        name: what people call it.
        root: folder of its sources.
        python: interpreter whose packages are those of its lock.
        settings: names of the settings that it knows; it refuses to start with others in its environment.
    """

    name: str
    root: Path
    python: Path
    settings: frozenset[str]

    def command(self, module: str, *arguments: str) -> list[str]:
        """Return the command that runs a module of it."""
        return [str(self.python), "-P", "-m", module, *arguments]

    def environment(self, settings: Settings) -> dict[str, str]:
        """Return the whole environment of a process of it.

        Raises:
            UsageError: a setting was chosen that it does not know.
        """
        unknown = sorted(set(Settings.model_fields) - self.settings)
        for name in unknown:
            if getattr(settings, name) != Settings.model_fields[name].get_default(call_default_factory=True):
                raise UsageError(f"{name}: release {self.name} has no such setting; leave it at its default")
        environment = worker_environment(settings) | {"PYTHONPATH": str(self.root)}
        for name in unknown:
            environment.pop(f"{PREFIX}{name.upper()}", None)
        return environment

    def run(self, settings: Settings, wait_s: float, module: str, *arguments: str) -> str:
        """Run a module to its end and return what it printed.

        Raises:
            VigilError: it failed or took longer than `wait_s`.
        """
        return _run(self.command(module, *arguments), wait_s, self.root, self.environment(settings)).decode()


OURS: Final = Release("ours", ROOT, Path(sys.executable), frozenset(Settings.model_fields))


def earlier_release(ref: str | None) -> Release:
    """Take a release out of the repository and make it ready to run, packages and kernels: once for each commit.

    Args:
        ref: what git calls it; None = the newest tag before ours, or else the commit before it.

    Raises:
        UsageError: git does not know it.
        VigilError: its packages or its kernels could not be made.
    """
    name = ref or _newest()
    try:
        commit = _git("rev-parse", "--verify", f"{name}^{{commit}}").decode().strip()
    except VigilError as error:
        raise UsageError(f"--from {name}: {error}") from None
    root = RELEASES / commit
    RELEASES.mkdir(parents=True, exist_ok=True)
    with locked(RELEASES / f"{commit}.lock"):
        if not (root / WHOLE).is_file():
            shutil.rmtree(root, ignore_errors=True)
            with tarfile.open(fileobj=io.BytesIO(_git("archive", "--format=tar", commit))) as archive:
                archive.extractall(root, filter="data")
            (root / WHOLE).touch()
        python = _python_of(root)
        # Beside its sources, where its workers look first: none of them compiles while it is waited for.
        _run([str(python), "-P", "-m", "streams.engine"], COMPILE_S_MAX, root, _bare(root))
    asked = _run([str(python), "-P", "-c", _NAMES], ASK_S_MAX, root, _bare(root))
    return Release(name, root, python, frozenset(json.loads(asked)))


def _newest() -> str:
    try:
        return (
            _run(["git", "describe", "--tags", "--abbrev=0", BEFORE_OURS], GIT_S_MAX, ROOT).decode().strip()
        )
    except VigilError:  # no tag yet
        return BEFORE_OURS


def _git(*arguments: str) -> bytes:
    return _run(["git", *arguments], GIT_S_MAX, ROOT)


def _python_of(root: Path) -> Path:
    """Return an interpreter with the packages of a checkout: ours where its lock is the same."""
    theirs = root / LOCK
    if theirs.read_bytes() == (ROOT / LOCK).read_bytes():
        return Path(sys.executable)
    return environment(theirs, RELEASES) / "bin" / "python"


def _bare(root: Path) -> dict[str, str]:
    """Return our environment without any setting, for programs of the checkout."""
    others = worker_environment(Settings())
    return {name: value for name, value in others.items() if not name.startswith(PREFIX)} | {
        "PYTHONPATH": str(root)
    }


def _run(command: list[str], wait_s: float, folder: Path, environment: dict[str, str] | None = None) -> bytes:
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            capture_output=True,
            stdin=subprocess.DEVNULL,
            timeout=wait_s,
        )
    except subprocess.TimeoutExpired:
        raise VigilError(f"{' '.join(command)}: not done within {wait_s:g} s") from None
    except OSError as error:
        raise VigilError(f"{command[0]}: {error.strerror}") from None
    if done.returncode != 0:
        said = done.stderr.decode(errors="replace").strip().splitlines()[-1:]
        raise VigilError(f"{' '.join(command)} ended with {done.returncode}: {' '.join(said)}")
    return done.stdout
