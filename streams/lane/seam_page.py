"""The table of deviations as docs/design.md shows it: `python -m streams.lane.seam_page` writes it there again."""

import re
from pathlib import Path
from typing import Final

from streams.lane.seam import DEVIATIONS, Deviation

PAGE: Final = Path("docs/design.md")

_TABLE: Final = re.compile(r"(?<=<!-- table seam -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HEAD: Final = (
    "| what is otherwise | why | gain | held by | upstream | goes when |",
    "|---|---|---|---|---|---|",
)


def section() -> str:
    """Return the table in Markdown, a row a deviation."""
    return "\n".join([*_HEAD, *map(_row, DEVIATIONS)])


def documented(page: str) -> str:
    """Return a page with the table of today between its markers.

    Raises:
        ValueError: the page has no place for it.
    """
    if not _TABLE.search(page):
        raise ValueError("no table seam on the page")
    return _TABLE.sub(lambda _: section() + "\n", page, count=1)


def _row(row: Deviation) -> str:
    files = ", ".join(f"`{file}`" for file in row.files)
    test, _, _ = row.test.partition("::")
    cells = (
        f"**{row.name}** ({row.of}): {row.what}; {files}",
        *(row.why, row.gain, f"`{test}`", _linked(row.upstream), row.remove_when),
    )
    return f"| {' | '.join(cells)} |"


def _linked(upstream: str) -> str:
    """Return references as links; one without a repository is of the one before it."""
    repository = ""

    def link(found: re.Match[str]) -> str:
        nonlocal repository
        repository = found[1] or repository
        return f"[{found[0]}](https://github.com/{repository}/issues/{found[2]})"

    return re.sub(r"([\w-]+/[\w-]+)?#(\d+)", link, upstream)


if __name__ == "__main__":
    PAGE.write_text(documented(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
