"""Clients of others, as programs for the tests: made once, in the checkout's cache."""

import hashlib
import tempfile
from pathlib import Path

from bench.peers.environments import CACHE
from edge.brokers.jars import copy_jars, locked, run_maven


def made(name, *parts, make):
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


def jars_of(name, pom):
    """Return the folder with the jars that a pom names, fetched by Maven, which checks them."""
    return made(name, pom, make=lambda to: run_maven(name, pom, *copy_jars(to)))
