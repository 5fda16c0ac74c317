"""A file system for each node, on a loop device: it can be filled, and it can be made to stand still for moments.

Linux and root only. The mounts are this process' and its children's alone (a mount namespace of their own), so that
nothing is left behind however the process ends.
"""

import ctypes
import os
import shutil
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from streams.errors import VigilError

IMAGE_BYTES: Final = 16 << 30
"""Of each; a sparse file, which takes what is written."""

COMMAND_S_MAX: Final = 60.0
END_S_MAX: Final = 10.0
TOOLS: Final = ("mkfs.ext4", "mount", "umount", "fallocate", "fsfreeze")
STALL: Final = """
import select, subprocess, sys
disk, still_s, flow_s = sys.argv[1], float(sys.argv[2]), float(sys.argv[3])
told = False
while not told:
    subprocess.run(["fsfreeze", "--freeze", disk], check=True)
    try:
        told = bool(select.select([sys.stdin], [], [], still_s)[0])
    finally:
        subprocess.run(["fsfreeze", "--unfreeze", disk], check=True)
    told = told or bool(select.select([sys.stdin], [], [], flow_s)[0])
"""
"""Ends, with the disk thawed, when its standard input does: also when who started it was killed."""

_CLONE_NEWNS: Final = 0x00020000


def can_mount() -> bool:
    """Whether this machine lets us have disks."""
    root = sys.platform == "linux" and os.geteuid() == 0
    return root and Path("/dev/loop-control").exists() and all(shutil.which(tool) for tool in TOOLS)


class Disks:
    """The file systems of a drill's nodes, made in `folder` when asked for and gone after the `with` block.

    `data_of` fits `KafkaCluster(data_of=...)`.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mounted: dict[int, Path] = {}

    def __enter__(self) -> Self:
        if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) != 0:
            raise VigilError("disks: no mount namespace of our own; this needs root")
        _run("mount", "--make-rprivate", "/")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for mounted in self._mounted.values():
            _run("umount", "--lazy", str(mounted))

    def data_of(self, node: int) -> Path:
        """Make the file system of a node and return the folder in it for the node's data."""
        image, mounted = self._folder / f"disk-{node}.img", self._folder / f"disk-{node}"
        with image.open("wb") as file:
            file.truncate(IMAGE_BYTES)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(image))
        mounted.mkdir()
        _run("mount", "-o", "loop", str(image), str(mounted))
        self._mounted[node] = mounted
        image.unlink()  # the loop device has it; nothing is left of it when that is gone
        return (
            mounted / "data"
        )  # Kafka takes a folder in its own for a partition: lost+found must not be there

    def fill(self, node: int) -> None:
        """Leave no free block on a node's disk."""
        mounted = self._mounted[node]
        filler = ["fallocate", "--length", str(2 * IMAGE_BYTES), str(mounted / "filler")]
        subprocess.run(filler, capture_output=True, timeout=COMMAND_S_MAX)  # takes what there is, and fails
        if shutil.disk_usage(mounted).free:
            self.free(node)
            raise VigilError(f"disks: node {node}'s was not filled")

    def free(self, node: int) -> None:
        """Give back what `fill` took."""
        (self._mounted[node] / "filler").unlink()

    def stall(self, node: int, still_s: float, flow_s: float) -> subprocess.Popen[bytes]:
        """Have every write to a node's disk wait for `still_s`, then let them flow for `flow_s`, and again.

        What is read from memory and what goes over the network is not slower. Handed to `flow`, it ends.
        """
        command = [sys.executable, "-c", STALL, str(self._mounted[node]), str(still_s), str(flow_s)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.DEVNULL)

    def flow(self, stalling: subprocess.Popen[bytes]) -> None:
        """End what `stall` began.

        Raises:
            VigilError: it had ended by itself.
        """
        ended = stalling.poll()
        if stalling.stdin is not None:
            stalling.stdin.close()
        stalling.wait(END_S_MAX)
        if ended is not None:
            raise VigilError(f"disks: the disk was not slow to the end, what slowed it ended with {ended}")


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, timeout=COMMAND_S_MAX)
    if done.returncode != 0:
        raise VigilError(f"{' '.join(command)}: {done.stderr.strip()}")
