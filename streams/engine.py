"""How frames are worked off: by compiled loops (Numba) or by NumPy alone; and the compiling, ahead of what needs it.

Nothing may be compiled when a partition is taken over: `prepare` does it before a worker joins its group. Machine code
is kept in a folder that is named by everything it depends on, because Numba looks at the one file that a kernel stands
in: it would go on with an old limit that another file gives. `python -m streams.engine` compiles beside the sources,
as `make setup` and the image do; where that folder is read-only, a copy in the data folder is used.
"""

import hashlib
import logging
import math
import platform
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final, Literal

import clinical
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.decoding.decoded import Decodes
from streams.decoding.decoder import Decoder
from streams.errors import UsageError, VigilError
from streams.program_pages import give_back

Engine = Literal["auto", "numba", "numpy"]

SOURCES: Final = Path(clinical.__file__).parent / "kernels"
AHEAD: Final = Path(clinical.__file__).parents[1] / ".cache" / "kernels"
"""Where `make setup` and the image compile to."""

KEPT_S: Final = 86_400.0
"""Code of other sources is removed after a day of disuse: until then a worker of another version may be at it."""

REMOVED_MAX: Final = 8
"""So many old folders at a time."""

WHOLE: Final = "whole"
"""A file of this name lies beside code once all of it is there."""

COMPILER: Final = "libllvmlite.so"
"""The library that compiles, and loads what is compiled; needed no more then."""

COMPILE_S_MAX: Final = 300.0
"""A process that compiles is waited for at most so long; it takes half a minute of a core."""

logger = logging.getLogger(__name__)


def is_compiled(engine: Engine) -> bool:
    """Return whether compiled loops work off frames.

    Raises:
        UsageError: they are asked for by name, and Numba is not there.
    """
    if engine == "numpy":
        return False
    try:
        import numba  # noqa: F401
    except (ImportError, OSError) as error:  # llvmlite's own library that cannot be loaded is the second
        if engine == "numba":
            raise UsageError(f"engine: numba cannot be imported ({error}); use auto or numpy") from None
        return False
    return True


def decoder_of(engine: Engine, seals: Seals = DEVELOPMENT) -> Decodes:
    """Return a new decoder of readings.

    Raises:
        UsageError: the engine is not there.
    """
    if not is_compiled(engine):
        return Decoder(seals)
    from streams.decoding.compiled_decoder import CompiledDecoder  # only with Numba it can be imported

    return CompiledDecoder(seals)


def prepare(engine: Engine, data_dir: Path) -> Path | None:
    """Compile everything, or load what is compiled; return where the code is kept, None where it is not.

    Another process compiles: what compiling takes, some 450 MB, would stay with this one. Without a folder that can be
    written this one does it all the same, for itself alone.

    Raises:
        UsageError: the engine is not there.
        VigilError: the kernels cannot be compiled.
    """
    if not is_compiled(engine):
        return None
    started_s = time.perf_counter()
    folder = _folder(data_dir.resolve() / "kernels")  # who compiles apart does so in another folder
    if folder is None:
        logger.warning("no folder for compiled code can be written: it is compiled for this process alone")
    elif not (folder / WHOLE).exists() or not _compiles(folder):
        _compile_apart(folder)
    try:
        _compile(folder)
    except Exception as error:
        raise VigilError(f"engine: kernels cannot be compiled ({error!r}); use numpy") from error
    give_back(COMPILER)
    logger.info("kernels are compiled (%.1f s)", time.perf_counter() - started_s)
    return folder


def kernel_files() -> tuple[Any, ...]:
    """Return all files of kernels; imported here, because without Numba they cannot be."""
    from clinical.kernels import frame_json, judge_frames, name_search, record_batch, screen_ticks

    return record_batch, name_search, frame_json, judge_frames, screen_ticks


def fingerprint(sources: Path = SOURCES) -> str:
    """Return a name of everything that compiled code depends on."""
    import llvmlite
    import llvmlite.binding as llvm
    import numba
    import numpy as np

    config: Any = numba.config
    processor = (
        (config.CPU_NAME, config.CPU_FEATURES)
        if config.CPU_NAME
        else (llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten())
    )
    parts = [
        *(numba.__version__, llvmlite.__version__, np.__version__, sys.version, platform.machine()),
        *map(str, processor),
    ]
    digest = hashlib.sha256("\n".join(parts).encode())
    for path in sorted(sources.glob("*.py")):
        digest.update(f"\n{path.name} {path.stat().st_size}\n".encode() + path.read_bytes())
    return digest.hexdigest()[:24]


def _folder(kept: Path) -> Path | None:
    """Return a folder that can be written for code of these sources: the one made ahead, else one of the data."""
    name = fingerprint()
    ahead, own = AHEAD / name, kept / name
    if ahead.is_dir() and _can_write(ahead):
        return ahead
    try:
        kept.mkdir(parents=True, exist_ok=True)
        if ahead.is_dir() and not own.is_dir():
            _copy(ahead, own)
        own.mkdir(exist_ok=True)
        own.touch()
        _remove_old(kept, own)
    except OSError as error:
        logger.warning("%s cannot be used: %s", kept, error.strerror)
        return None
    return own if _can_write(own) else None


def _can_write(folder: Path) -> bool:
    try:
        tempfile.TemporaryFile(dir=folder).close()
    except OSError:
        return False
    return True


def _copy(ahead: Path, own: Path) -> None:
    """Copy so that another process sees either nothing or everything."""
    part = Path(tempfile.mkdtemp(prefix="part-", dir=own.parent))
    try:
        for path in ahead.rglob("*"):
            target = part / path.relative_to(ahead)
            if path.is_dir():
                target.mkdir(parents=True, exist_ok=True)
            else:
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, target)  # not its mode: it may be read-only
        part.rename(own)
    except OSError:
        if not own.is_dir():
            raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _remove_old(kept: Path, own: Path) -> None:
    """Remove code that nobody has used for long."""
    before_s = time.time() - KEPT_S
    unused = [path for path in kept.iterdir() if path != own and _used_s(path) < before_s]
    for path in unused[:REMOVED_MAX]:
        shutil.rmtree(path, ignore_errors=True)


def _used_s(folder: Path) -> float:
    """Return when code was last used; what another process has removed meanwhile needs no removing."""
    try:
        return folder.stat().st_mtime
    except FileNotFoundError:
        return math.inf


def _compiles(folder: Path) -> bool:
    """Compile into a folder, or load what is there; return whether it could be, and else empty the folder.

    A power cut leaves files that are cut off, and Numba would raise at each start.
    """
    try:
        _compile(folder)
    except Exception as error:  # whatever such a file raises
        logger.warning("compiled code in %s cannot be loaded and is made anew: %r", folder, error)
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(exist_ok=True)
        return False
    return True


def _compile_apart(folder: Path) -> None:
    """Have another process compile into the folder; what it could not is left to this one."""
    command = [sys.executable, "-m", "streams.engine", str(folder)]
    try:
        done = subprocess.run(
            command, cwd=AHEAD.parents[1], timeout=COMPILE_S_MAX, capture_output=True, text=True
        )
    except (OSError, subprocess.SubprocessError) as error:
        logger.warning("no other process could compile the kernels: %s", error)
        return
    if done.returncode:
        said = done.stderr.strip().splitlines() or [""]
        logger.warning("no other process could compile the kernels: exit %d, %s", done.returncode, said[-1])


def _compile(folder: Path | None) -> None:
    """Compile all kernels, or load them from the folder."""
    import numba

    from clinical.kernels.compiled import KERNELS

    files = kernel_files()
    if folder is not None:
        config: Any = numba.config
        config.CACHE_DIR = str(folder)
        config.CACHE_LOCATOR_CLASSES = "UserProvidedCacheLocator"  # never beside a source or in a home
        for each in KERNELS:
            each.enable_caching()
    for file in files:
        file.compile_ahead()


def prepare_ahead(folder: Path | None = None) -> Path | None:
    """Compile into a folder, by default beside the sources; return where the code is kept, None without Numba."""
    if not is_compiled("auto"):
        return None
    own = folder or AHEAD / fingerprint()
    own.mkdir(parents=True, exist_ok=True)
    own.touch()
    if not _compiles(own):
        _compile(own)
    (own / WHOLE).touch()
    if folder is None:
        _remove_old(AHEAD, own)
    return own


if __name__ == "__main__":
    print(f"compiled code is in {prepare_ahead(*map(Path, sys.argv[1:2]))}", file=sys.stderr)
