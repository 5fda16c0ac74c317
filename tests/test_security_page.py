"""What docs/security.md says of rights, settings and tests is what the code has."""

import re
from pathlib import Path

from edge.gateway.tokens import claims_of
from streams.config.settings import Settings
from streams.contracts.people import table

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")


def test_the_table_of_rights_is_the_one_that_every_door_asks():
    assert table() in PAGE, "put what `python -m streams.contracts.people` prints into docs/security.md"


def test_settings_tests_and_files_that_the_page_names_exist():
    named = {name.lower() for name in re.findall(r"VIGIL_([A-Z_]+[A-Z])", PAGE)}
    assert len(named) > 8
    assert named <= Settings.model_fields.keys()
    paths = set(re.findall(r"`((?:tests|edge|streams|docs)/[\w./]+)`", PAGE))
    assert len(paths) > 5
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert claims_of.__module__ == "edge.gateway.tokens"
