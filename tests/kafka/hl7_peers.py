"""Clients of HL7 that are not ours, as programs: HAPI, made by Maven, and @medplum/hl7, made by npm."""

import shutil
import subprocess
from pathlib import Path

from made_clients import jars_of, made

from edge.brokers.jars import find_java

HERE = Path(__file__).parent / "hl7_clients"
INSTALL_S_MAX = 300.0


def hapi(port, timeout_ms=5_000, charset="default"):
    """Return the command of a client with HAPI's ways."""
    java = find_java("HAPI")
    jars = jars_of("hapi", HERE / "hapi" / "pom.xml")
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

    folder = made("medplum", *parts, make=install)
    return ["node", str(folder / "send_medplum.mjs"), str(port), str(timeout_ms), ack, mode]
