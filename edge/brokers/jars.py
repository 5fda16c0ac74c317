"""Apache Kafka's jars from Maven Central, downloaded once into the checkout's cache.

`edge/brokers/kafka/pom.xml` names the version; Maven resolves it. Needs Java 17 or newer, and Maven for the first
run; both are looked for on the PATH. `bench.peers.java_build` builds other Java programs in the same way.
"""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from streams.errors import VigilError

HERE: Final = Path(__file__).resolve().parent / "kafka"
POM: Final = HERE / "pom.xml"
CACHE: Final = HERE.parents[2] / ".cache" / "kafka"

JAVA_MIN: Final = 17
JAVA_VERSION_TIMEOUT_S: Final = 30.0
DOWNLOAD_TIMEOUT_S: Final = 600.0
"""About 45 MB; generous, because a first Maven run also fetches Maven's own plugins."""
LOCK_POLL_S: Final = 0.2
OUTPUT_LINES_MAX: Final = 3


def kafka_version() -> str:
    """Return the version that `pom.xml` names, for example '4.3.1'."""
    found = re.search(r"<kafka\.version>([^<]+)</kafka\.version>", POM.read_text(encoding="utf-8"))
    if found is None:
        raise VigilError(f"{POM}: no <kafka.version>")
    return found.group(1)


def find_java(program: str = "Apache Kafka") -> str:
    """Return the path of a Java that can run the server, or another `program` of the same age.

    Raises:
        VigilError: there is none on the PATH, or it is older than `JAVA_MIN`.
    """
    java = shutil.which("java")
    if java is None:
        raise VigilError(f"{program} needs Java {JAVA_MIN} or newer, and there is no 'java' on the PATH")
    try:
        told = subprocess.run(
            [java, "-version"], capture_output=True, text=True, timeout=JAVA_VERSION_TIMEOUT_S
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        raise VigilError(f"{java} -version: {error}") from None
    found = re.search(r'version "(\d+)', told.stderr + told.stdout)
    if found is None or int(found.group(1)) < JAVA_MIN:
        have = f"Java {found.group(1)}" if found else "of an unknown version"
        raise VigilError(f"{program} needs Java {JAVA_MIN} or newer; {java} is {have}")
    return java


def jars(cache: Path = CACHE) -> Path:
    """Return the folder with the server's jars, downloading them when they are not there yet.

    Two processes that ask at once get the same folder: the second waits for the first, and a download that
    breaks off leaves nothing behind that looks whole.

    Raises:
        VigilError: Maven is missing, fails, or takes longer than `DOWNLOAD_TIMEOUT_S`.
    """
    # The pom's hash is in the name, so that a changed dependency is not answered from an older download.
    digest = hashlib.sha256(POM.read_bytes()).hexdigest()[:8]
    folder = cache / f"{kafka_version()}-{digest}"
    if folder.is_dir():
        return folder
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / "download.lock"):
        if not folder.is_dir():
            _download(folder)
    return folder


def _download(folder: Path) -> None:
    with tempfile.TemporaryDirectory(prefix="partial-", dir=folder.parent) as partial:
        target = Path(partial) / "jars"
        run_maven("Apache Kafka", POM, *copy_jars(target))
        target.rename(folder)


def copy_jars(target: Path) -> list[str]:
    """Return the Maven arguments that put everything a pom needs at run time into `target`."""
    return ["dependency:copy-dependencies", "-DincludeScope=runtime", f"-DoutputDirectory={target}"]


def run_maven(program: str, pom: Path, *arguments: str) -> None:
    """Let Maven do what `arguments` say with a pom.

    Raises:
        VigilError: Maven is missing, fails, or takes longer than `DOWNLOAD_TIMEOUT_S`; it names `program`.
    """
    maven = shutil.which("mvn")
    if maven is None:
        raise VigilError(
            f"{program} is not in the cache yet, and there is no 'mvn' (Maven) to fetch its jars"
        )
    command = [maven, "--batch-mode", "--quiet", "--strict-checksums", "--file", str(pom), *arguments]
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=DOWNLOAD_TIMEOUT_S, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired:
        raise VigilError(f"{program}: Maven did not finish within {DOWNLOAD_TIMEOUT_S:.0f} s") from None
    if done.returncode != 0:
        lines = [line for line in (done.stdout + done.stderr).splitlines() if "ERROR" in line]
        raise VigilError(f"{program}: Maven failed: " + " ".join(lines[:OUTPUT_LINES_MAX]))


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file against other processes, waiting up to `DOWNLOAD_TIMEOUT_S` for it."""
    deadline = time.monotonic() + DOWNLOAD_TIMEOUT_S
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        while True:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise VigilError(f"another process holds {path}") from None
                time.sleep(LOCK_POLL_S)
        yield
    finally:
        os.close(handle)
