"""What the history asks of the disk: each step a function of its own, so that a test can break off between any two."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any, Final

from streams.errors import VigilError

LOOKS_MAX: Final = 10
"""So often at most files are listed for one question: a writer that works off a backlog replaces them on and on."""

PART: Final = ".part"
"""Ends the name of a file that is being written: nobody reads such."""


class Disk:
    """Files that are there whole or not at all, whenever the process or the machine ends."""

    def write(self, path: Path, fill: Callable[[IO[bytes]], None]) -> None:
        """Put a file in place: written under another name, on the disk, renamed, and the name on the disk too.

        Raises:
            OSError: there is no room, or no right; what was there before is as it was.
        """
        part = path.with_name(path.name + PART)
        self.make_folder(path.parent)
        try:
            with part.open("wb") as file:
                fill(file)
                file.flush()
                self.sync(file)
            self.rename(part, path)
        except OSError:
            with suppress(OSError):
                part.unlink(missing_ok=True)
            raise
        self.sync_folder(path.parent)

    def make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, each known to the disk before it is used."""
        if folder.is_dir():
            return
        self.make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        self.sync_folder(folder.parent)

    def sync(self, file: IO[Any]) -> None:
        """Wait until what was written to an open file is on the disk."""
        os.fsync(file.fileno())

    def sync_folder(self, folder: Path) -> None:
        """Wait until the names in a folder are on the disk."""
        number = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(number)
        finally:
            os.close(number)

    def rename(self, old: Path, new: Path) -> None:
        """Give a file its name, in place of what had it."""
        old.replace(new)

    def remove(self, path: Path) -> None:
        """Remove a file, and its folder if that leaves it empty."""
        path.unlink(missing_ok=True)
        with suppress(OSError):
            path.parent.rmdir()

    def files(self, root: Path) -> list[Path]:
        """Return the files below a folder that are whole.

        Those of `new` are looked for first: what is merged meanwhile is then seen in its hour too, and not in neither.
        """
        new = self.files_in(root / "new")
        rest = (path for path in sorted(root.rglob("*.parquet")) if path.parent.name != "new")
        return new + [path for path in rest if path.is_file()]

    def files_in(self, folder: Path) -> list[Path]:
        """Return the files of a folder that are whole; none where there is no such folder any more."""
        try:
            return sorted(path for path in folder.iterdir() if path.suffix == ".parquet")
        except FileNotFoundError:
            return []

    def clear_parts(self, root: Path) -> None:
        """Remove what a process that was killed left half written."""
        for path in sorted(root.rglob(f"*{PART}")):
            self.remove(path)


@contextmanager
def held(root: Path) -> Iterator[None]:
    """Be the only writer of a folder while the `with` block lasts, also against other processes of this machine.

    Raises:
        VigilError: another process writes there.
    """
    root.mkdir(parents=True, exist_ok=True)
    with (root / "writer.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise VigilError(f"{root}: another vigil history run writes there; stop it first") from None
        yield
