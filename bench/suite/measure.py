"""Processor time and memory of a process and all its descendants, from outside."""

import contextlib
from collections.abc import Iterator

import psutil


class ProcessTree:
    """A process that we started, with its children and theirs."""

    def __init__(self, pid: int) -> None:
        self._root = psutil.Process(pid)

    def cpu_s(self) -> float:
        """Return user and system time of the tree, all threads, s; of ended children too once they are reaped."""
        total = 0.0
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                times = process.cpu_times()
                total += times.user + times.system + times.children_user + times.children_system
        return total

    def rss_bytes(self) -> int:
        """Return the resident memory of the tree; pages that processes share count for each."""
        total = 0
        for process in self._processes():
            with contextlib.suppress(psutil.NoSuchProcess):
                total += process.memory_info().rss
        return total

    def _processes(self) -> Iterator[psutil.Process]:
        yield self._root
        with contextlib.suppress(psutil.NoSuchProcess):
            yield from self._root.children(recursive=True)
