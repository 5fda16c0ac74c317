"""The page's own files, read once at the start and served with their types; nothing else of the disk is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent / "assets"
SHELL: Final = "index.html"
FILES_MAX: Final = 200
FILE_BYTES_MAX: Final = 4_194_304

TYPES: Final[Mapping[str, str]] = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".webmanifest": "application/manifest+json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ico": "image/x-icon",
    ".woff2": "font/woff2",
    ".txt": "text/plain; charset=utf-8",
}


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: its bytes, type and entity tag."""

    body: bytes
    media_type: str
    tag: str


def read_assets(folder: Path = FOLDER) -> dict[str, Asset]:
    """Return the files of known types below a folder, by their path in it, at most `FILES_MAX`."""
    found = dict[str, Asset]()
    for path in sorted(folder.rglob("*")):
        media_type = TYPES.get(path.suffix)
        if media_type is None or not path.is_file() or path.stat().st_size > FILE_BYTES_MAX:
            continue
        body = path.read_bytes()
        tag = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
        found[path.relative_to(folder).as_posix()] = Asset(body, media_type, tag)
        if len(found) >= FILES_MAX:
            break
    return found


def served(asset: Asset, request: web.Request) -> web.Response:
    """Return a file, or that the browser has it already; it asks each time, so that a new board shows its own page."""
    headers = {"ETag": asset.tag, "Cache-Control": "no-cache"}
    if request.headers.get("If-None-Match") == asset.tag:
        return web.Response(status=304, headers=headers)
    return web.Response(body=asset.body, headers={**headers, "Content-Type": asset.media_type})
