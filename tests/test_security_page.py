"""What docs/security.md says of rights, settings and tests is what the code has."""

import re
from pathlib import Path

from edge.gateway.tokens import claims_of
from streams.config.settings import Settings
from streams.contracts.people import table
from streams.published import rights_pages

ROOT = Path(__file__).resolve().parents[1]
MDS2_GROUPS = 23
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_the_table_of_rights_is_the_one_that_every_door_asks():
    assert table() in PAGE, "put what `python -m streams.contracts.people` prints into docs/security.md"


def test_the_table_of_rights_at_the_broker_is_the_one_that_the_accounts_get():
    assert f"<!-- rights: generated -->\n{rights_pages.table()}\n<!-- end of rights -->" in PAGE, (
        "put what `python -m streams.published.rights_pages` prints into docs/security.md"
    )


def test_every_test_that_the_page_names_exists_and_each_answer_names_one():
    sources = {path.stem: path.read_text(encoding="utf-8") for path in (ROOT / "tests").rglob("*.py")}
    functions = {
        name for text in sources.values() for name in re.findall(r"^(?:async )?def (test_\w+)", text, re.M)
    }
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(named) > 40
    assert named - functions - sources.keys() == set()
    threats = re.findall(r"^\| (\*\*[STRIDE]\*\* .*)$", PAGE, re.M)
    assert len(threats) > 10
    assert [row[2] for row in threats] == sorted((row[2] for row in threats), key="STRIDE".index)
    answers = re.findall(r"^\| ([A-Z]{4} \| .*)$", PAGE.split("\n## MDS2\n")[1], re.M)
    assert len({row[:4] for row in answers}) == len(answers) == MDS2_GROUPS
    assert [row[:4] for row in threats + answers if "`test_" not in row] == ["PLOK"]


def test_settings_tests_and_files_that_the_page_names_exist():
    named = {name.lower() for name in re.findall(r"VIGIL_([A-Z_]+[A-Z])", PAGE)}
    assert len(named) > 8
    assert named <= Settings.model_fields.keys()
    paths = set(re.findall(r"`((?:tests|edge|streams|docs)/[\w./]+)`", PAGE))
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert claims_of.__module__ == "edge.gateway.tokens"
