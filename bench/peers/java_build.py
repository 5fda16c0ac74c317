"""The command of each system that is written in Java, built with Maven when first asked for.

Needs Java 17 or newer, and Maven for the first run. Maven writes into the checkout's cache only.
"""

import hashlib
import tempfile
from pathlib import Path
from typing import Final

from bench.peers.environments import CACHE, HERE
from edge.brokers.jars import copy_jars, find_java, locked, run_maven
from streams.errors import UsageError

PROGRAMS: Final = {
    "kafka-streams": ("kafka_streams", "bench.peers.streams.Main"),
    "flink": ("flink", "bench.peers.flink.Main"),
}
"""Names in reports; the folders and main classes of the programs."""

WORK: Final = HERE / "java_work"
"""What the programs have in common: decoding and judging a frame."""


def command(name: str, cache: Path = CACHE) -> list[str]:
    """Return the command of a system, to which the path of SPEC.json is added.

    Raises:
        UsageError: there is no system of this name.
        VigilError: Java or Maven is missing, or the build failed.
    """
    if name not in PROGRAMS:
        raise UsageError(f"no Java peer is called {name!r}; there are {', '.join(PROGRAMS)}")
    folder, main = PROGRAMS[name]
    java = find_java(name)
    built = _built(name, HERE / folder, cache)
    options = [f"@{HERE / folder / 'jvm.options'}", "-cp", f"{built / 'classes'}:{built / 'lib'}/*"]
    return [java, *options, main]


def _built(name: str, folder: Path, cache: Path) -> Path:
    """Return the folder with classes and jars, building them when they are not there yet.

    Pom and sources are in its name, so that a change is built anew; a build that breaks off leaves nothing behind
    that looks whole.
    """
    pom = folder / "pom.xml"
    digest = hashlib.sha256(pom.read_bytes())
    for source in sorted([*WORK.rglob("*.java"), *folder.rglob("*.java")]):
        digest.update(source.relative_to(HERE).as_posix().encode() + source.read_bytes())
    target = cache / f"{name}-{digest.hexdigest()[:12]}"
    if target.is_dir():
        return target
    cache.mkdir(parents=True, exist_ok=True)
    with locked(cache / f"{name}.lock"):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(prefix="partial-", dir=cache) as partial:
                output = Path(partial) / "target"
                run_maven(name, pom, "compile", *copy_jars(output / "lib"), f"-Dtarget={output}")
                output.rename(target)
    return target
