"""What the documents point to exists: headings, files and modules; and the first pages stay short."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", *ROOT.glob("docs/*.md"), *ROOT.glob("bench/*.md")}
)
OURS = "clinical|streams|tables|agents|edge|bench|tests|docs|findings|docker|deploy"

LINK = re.compile(r"\]\(([^)\s]+)\)")
NAMED_FILE = re.compile(rf"(?<![\w/.-])((?:{OURS})/[\w./-]*)")
"""A path that begins in the root, in backticks or not; a folder ends with a slash."""
NAMED_MODULE = re.compile(
    r"`(?:python -m )?((?:clinical|streams|tables|agents|edge|bench)(?:\.[a-z]\w*)+)[` ]"
)
OF_THE_SITE = "docker/site/"
"""Files that whoever runs the containers writes: no part of the repository."""

FENCED = re.compile(r"^```.*?^```", flags=re.DOTALL | re.MULTILINE)


def text_of(page):
    return page.read_text(encoding="utf-8")


def anchors_of(text):
    """Return the anchor of every heading, as GitHub makes them: letters, digits, hyphens, low lines."""
    titles = re.findall(r"^#+ +(.+?) *#*$", FENCED.sub("", text), flags=re.MULTILINE)
    seen, anchors = {}, set()
    for title in titles:
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", title)
        anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
        number = seen[anchor] = seen.get(anchor, -1) + 1
        anchors.add(f"{anchor}-{number}" if number else anchor)
    return anchors


def broken_links(page):
    """Return the links of a page to files and headings of ours that do not exist."""
    broken = []
    for link in LINK.findall(FENCED.sub("", text_of(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        is_heading = not anchor or (target.suffix == ".md" and target.is_file())
        if not target.exists() or not is_heading or (anchor and anchor not in anchors_of(text_of(target))):
            broken.append(link)
    return broken


def missing_names(text):
    """Return the files, folders and modules that a text names and that do not exist."""
    files = [name.rstrip(".") for name in NAMED_FILE.findall(text)]
    missing = [
        name
        for name in files
        if (name.endswith("/") or re.search(r"\.[a-z]+$", name))
        and not name.startswith(OF_THE_SITE)
        and not (ROOT / name).exists()
    ]
    for name in NAMED_MODULE.findall(text):
        module = ROOT / name.replace(".", "/")
        owner = module.parent.with_suffix(".py")  # the last part may be what the module defines
        defined = owner.is_file() and re.search(rf"\b{module.name}\b", owner.read_text(encoding="utf-8"))
        if not (module.is_dir() or module.with_suffix(".py").is_file() or defined):
            missing.append(name)
    return missing


def name_of(page):
    return page.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page):
    assert broken_links(page) == []


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_file_and_module_that_is_named_exists(page):
    assert missing_names(text_of(page)) == []


def test_the_readme_leads_to_every_document():
    linked = LINK.findall(text_of(ROOT / "README.md"))
    assert {name_of(page) for page in PAGES} - {"README.md"} <= set(linked)


@pytest.mark.parametrize(
    ("page", "lines_max"), [("README.md", 90), ("docs/performance.md", 80), ("docs/design.md", 250)]
)
def test_pages_for_a_first_look_are_short(page, lines_max):
    assert len(text_of(ROOT / page).splitlines()) <= lines_max


def test_a_link_to_nothing_is_found(tmp_path):
    (tmp_path / "other.md").write_text("# One, two & `three`\n\n## Same\n\n## Same\n")
    page = tmp_path / "page.md"
    good = "[a](other.md#one-two--three) [b](other.md#same-1) [c](https://example.org/#x) [d](#here)"
    page.write_text(
        f"# Here\n\n{good} [e](gone.md) [f](other.md#gone) [g](#gone)\n\n```\n[h](no-link)\n```\n"
    )
    assert broken_links(page) == ["gone.md", "other.md#gone", "#gone"]


def test_a_name_of_nothing_is_found():
    there = "`streams/errors.py`, tests/test_house.py. `agents/judging/`, `streams.errors.VigilError`"
    assert missing_names(there) == []
    gone = "`streams/gone.py`, tests/gone/ and `python -m agents.gone`"
    assert missing_names(gone) == ["streams/gone.py", "tests/gone/", "agents.gone"]
