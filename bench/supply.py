"""What a release is made of, and what is known against it: bill of materials, known vulnerabilities, sums.

    python -m bench.supply sbom FILE       CycloneDX of the locked requirements
    python -m bench.supply audit           their known vulnerabilities, by pip-audit asking OSV
    python -m bench.supply release FOLDER  the source as committed, the lock, the bill of materials, SHA-256 sums

Exit code of `audit`: 0 none is known, 1 some are, 3 the service was not reached, so that nothing is known.
"""

import gzip
import hashlib
import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[1]
LOCK: Final = ROOT / "requirements.lock"
SBOM: Final = "vigil.cdx.json"
SUMS: Final = "SHA256SUMS"
SPEC_VERSION: Final = "1.6"
SECONDS_MAX: Final = 300.0
ANSWER_S_MAX: Final = 15
"""For each question to the service of vulnerabilities."""

NOT_REACHED: Final = 3
USAGE: Final = 2


def sbom(file: Path) -> None:
    """Write the bill of materials of the lock: the same lock gives the same bytes."""
    command = [sys.executable, "-m", "cyclonedx_py", "requirements", "--output-reproducible", "--validate"]
    command += ["--spec-version", SPEC_VERSION, "--pyproject", str(ROOT / "pyproject.toml")]
    subprocess.run([*command, "-o", str(file), str(LOCK)], check=True, timeout=SECONDS_MAX)


def audit(command: Sequence[str] | None = None) -> tuple[int, list[str]]:
    """Ask which vulnerabilities of the locked requirements are known; return the exit code and what to say.

    Args:
        command: pip-audit as it is called, without its options.
    """
    asked = [
        *(command or [sys.executable, "-m", "pip_audit"]),
        "--requirement",
        str(LOCK),
        "--require-hashes",
    ]
    asked += ["--disable-pip", "--vulnerability-service", "osv", "--format", "json"]
    asked += ["--progress-spinner", "off", "--timeout", str(ANSWER_S_MAX)]
    try:
        done = subprocess.run(asked, capture_output=True, text=True, timeout=SECONDS_MAX, check=False)
    except subprocess.TimeoutExpired:
        return NOT_REACHED, [f"pip-audit said nothing within {SECONDS_MAX:.0f} s: nothing is known"]
    try:
        found: list[dict[str, Any]] = json.loads(done.stdout)["dependencies"]
    except (ValueError, KeyError, TypeError):
        said = done.stderr.strip().splitlines()
        why = said[-1] if said else f"exit code {done.returncode}"
        return NOT_REACHED, [f"the service of vulnerabilities was not reached, so nothing is known: {why}"]
    lines = [
        f"{one['name']} {one['version']}: {known['id']}, mended in {', '.join(known['fix_versions']) or 'none'}"
        for one in found
        for known in one.get("vulns", ())
    ]
    passed = [f"{one['name']}: not asked: {one['skip_reason']}" for one in found if "skip_reason" in one]
    if lines or passed:
        return 1, [*lines, *passed]
    return 0, [f"{len(found)} locked requirements: no vulnerability is known"]


def release(folder: Path) -> None:
    """Put into a folder what is released, and the sums of it: the same commit gives the same bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    archive = subprocess.run(
        ["git", "archive", "--format", "tar", "--prefix", "vigil/", "HEAD"],
        cwd=ROOT,
        capture_output=True,
        check=True,
        timeout=SECONDS_MAX,
    ).stdout
    (folder / "vigil.tar.gz").write_bytes(gzip.compress(archive, mtime=0))
    (folder / LOCK.name).write_bytes(LOCK.read_bytes())
    sbom(folder / SBOM)
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (folder / SUMS).write_text("".join(sums), encoding="utf-8")


def main(arguments: Sequence[str]) -> int:
    """Do what the first argument says; return the exit code."""
    match arguments:
        case ["sbom", file]:
            sbom(Path(file))
        case ["release", folder]:
            release(Path(folder))
        case ["audit"]:
            code, lines = audit()
            print("\n".join(lines))
            return code
        case _:
            print(__doc__)
            return USAGE
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
