"""Clients of HL7 that are not ours, as programs: HAPI, made by Maven, and @medplum/hl7, made by npm."""

import hashlib
import shutil
import subprocess
import tempfile
from pathlib import Path

from bench.peers.environments import CACHE
from edge.brokers.jars import copy_jars, find_java, locked, run_maven

HERE = Path(__file__).parent / "hl7_clients"
INSTALL_S_MAX = 300.0


def _made(name, *parts, make):
    """Return a folder of the cache, made when first asked for; what it is made from is in its name."""
    digest = hashlib.sha256(b"".join(part.read_bytes() for part in parts)).hexdigest()[:12]
    target = CACHE / f"{name}-{digest}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with locked(CACHE / f"{name}.lock"):
        if not target.is_dir():
            with tempfile.TemporaryDirectory(prefix="partial-", dir=CACHE) as partial:
                folder = Path(partial) / name
                folder.mkdir()
                make(folder)
                folder.rename(target)
    return target


def hapi(port, timeout_ms=5_000, charset="default"):
    """Return the command of a client with HAPI's ways."""
    java = find_java("HAPI")
    jars = _made(
        "hapi",
        HERE / "hapi" / "pom.xml",
        make=lambda to: run_maven("HAPI", HERE / "hapi" / "pom.xml", *copy_jars(to)),
    )
    source = HERE / "hapi" / "SendHapi.java"
    return [java, "-Xmx128m", "-cp", f"{jars}/*", str(source), str(port), str(timeout_ms), charset]


def medplum(port, timeout_ms=5_000, ack="default", mode="in-turn"):
    """Return the command of a client with @medplum/hl7's ways."""
    parts = [HERE / "medplum" / name for name in ("package.json", "package-lock.json", "send_medplum.mjs")]

    def install(folder):
        for part in parts:
            shutil.copy(part, folder)
        # The package asks for a newer Node than the tests need; what it is used for here runs on 20.
        command = ["npm", "ci", "--no-audit", "--no-fund", "--ignore-scripts"]
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=INSTALL_S_MAX)

    folder = _made("medplum", *parts, make=install)
    return ["node", str(folder / "send_medplum.mjs"), str(port), str(timeout_ms), ack, mode]
