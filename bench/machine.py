"""What figures were measured on: the machine, and the versions of what ran on it."""

import contextlib
import os
import platform
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Final

from edge.brokers.jars import find_java, kafka_version

ROOT: Final = Path(__file__).resolve().parent.parent
TOOL_TIMEOUT_S: Final = 20.0
PACKAGES: Final = ("faust-streaming", "aiokafka", "msgspec", "numpy")


def machine() -> str:
    """Return processor, cores and the main versions on one line."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES[:3])
    python = platform.python_version()
    return f"{processor()}, {os.cpu_count()} cores; Kafka {kafka_version()}, Python {python}, {packages}"


def processor() -> str:
    """Return the processor's name."""
    with contextlib.suppress(OSError, StopIteration):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        return next(line.split(":", 1)[1].strip() for line in lines if line.startswith("model name"))
    return platform.processor() or platform.machine()


def memory_bytes() -> int:
    """Return the machine's memory."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def versions() -> dict[str, str]:
    """Return the versions of Kafka, Java, Python and our own main packages."""
    found = {"kafka": kafka_version(), "python": platform.python_version(), "linux": platform.release()}
    with contextlib.suppress(Exception):  # a report without Java's version is still one
        said = subprocess.run(
            [find_java(), "-version"], capture_output=True, text=True, timeout=TOOL_TIMEOUT_S
        )
        found["java"] = said.stderr.splitlines()[0]
    return found | {name: version(name) for name in PACKAGES}


def commit() -> dict[str, object]:
    """Return the commit of the checkout, and whether files of the program differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=TOOL_TIMEOUT_S, check=True
        )
        return done.stdout.strip()

    try:
        changed = git(
            "status", "--porcelain", "--", ".", ":!bench/report.json", ":!bench/report.md", ":!bench/plots"
        )
        return {"id": git("rev-parse", "HEAD"), "changed": bool(changed)}
    except (OSError, subprocess.SubprocessError):
        return {"id": None, "changed": None}
