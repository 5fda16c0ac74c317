"""One process a core, as Python systems use a machine: start them, pass SIGTERM on, end when one ends.

Standard library only.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess, parent_process
from typing import Final

from bench.peers.spec import Spec

STOP_S: Final = 8.0
"""After SIGTERM a system has 10 s."""

Work = Callable[[Spec, int], None]
"""A function of a module, run in each process with the number of the process, from 0."""


def main(work: Work) -> None:
    """Run `work` in `threads` processes with the SPEC.json that the command line names, until SIGTERM."""
    spec = given_spec()
    sys.exit(run(work, spec, spec.threads))


def given_spec() -> Spec:
    """Return the SPEC.json that the command line names."""
    if len(sys.argv) != 2:
        sys.exit(f"usage: {sys.argv[0]} SPEC.json")
    return Spec.load(sys.argv[1])


def run(work: Work, spec: Spec, count: int) -> int:
    """Run `work` in `count` processes until SIGTERM (0), or until one of them ends by itself (1)."""
    context = multiprocessing.get_context("spawn")
    children = [context.Process(target=_child, args=(work, spec, index)) for index in range(count)]
    for child in children:
        child.start()
    told = threading.Event()

    def stop(*_: object) -> None:
        told.set()
        for child in children:
            child.terminate()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    wait([child.sentinel for child in children])
    if told.is_set():
        _join(children)
        return 0
    for child in children:
        child.terminate()
    _join(children)
    codes = [child.exitcode for child in children]
    print(f"one of {count} processes ended by itself; exit codes {codes}", file=sys.stderr)
    return 1


def _join(children: Sequence[BaseProcess]) -> None:
    """Wait for the children to end in order, and kill those that do not."""
    for child in children:
        child.join(STOP_S / len(children))
    for child in children:
        if child.is_alive():
            child.kill()
        child.join(STOP_S)


def _child(work: Work, spec: Spec, index: int) -> None:
    """Work, but not on after the parent is gone, however it went."""
    parent = parent_process()
    assert parent is not None
    threading.Thread(target=_end_with, args=(parent.sentinel,), daemon=True).start()
    work(spec, index)


def _end_with(sentinel: int) -> None:
    wait([sentinel])
    os._exit(1)
