"""docs/devices.md says of HL7 what the code does."""

import re
import tomllib
from pathlib import Path

import pytest

from edge.gateway.hl7.acks import answers_of, error_code
from edge.gateway.hl7.desk import HOLD_S_MAX
from edge.gateway.hl7.device_tables import codes_table, forms_table, units_table
from edge.gateway.hl7.mllp_bounds import Bounds
from edge.gateway.hl7.senders import Hl7Entry
from edge.gateway.hl7.values import NO_READING_FLAGS

TEXT = (Path(__file__).parents[4] / "docs" / "devices.md").read_text(encoding="utf-8")
AGAIN = "put what `python -m edge.gateway.hl7.device_tables` prints into docs/devices.md"


@pytest.mark.parametrize("table", [codes_table, units_table, forms_table])
def test_the_tables_are_those_of_the_code(table):
    assert table() in TEXT, AGAIN


def test_the_table_of_acknowledgements_is_what_the_code_does():
    words = {"empty": "", "AL": "AL", "NE": "NE"}
    rows = re.findall(r"^\| ([\w ]+) \| ([\w ]+) \| ([\w, ]+) \| ([\w, ]+) \|$", TEXT, flags=re.MULTILINE)
    seen = 0
    for accept, application, good, bad in rows:
        for one in accept.split(" or "):
            for other in application.split(" or "):
                if one in words and other in words:
                    seen += 1
                    found = answers_of(words[one], words[other], "message")
                    assert [f"{letter}A" for letter in found.accepted] == re.findall("[AC]A", good)
                    assert [f"{letter}E" for letter in found.failed] == re.findall("[AC]E", bad)
    assert seen == 7


@pytest.mark.parametrize("letter", ["E", "R"])
def test_the_reasons_of_each_answer_are_those_of_the_code(letter):
    row = next(line for line in TEXT.splitlines() if line.startswith(f"| A{letter}, C{letter} |"))
    reasons = re.findall("`([a-z-]+)`", row)
    assert len(reasons) > 8
    assert {error_code(reason)[0] for reason in reasons} == {letter}


def test_the_settings_of_a_sender_and_their_example_are_those_of_the_code():
    example = tomllib.loads(re.search(r"```toml\n(\[clients\.icu-central\].*?)```", TEXT, flags=re.DOTALL)[1])
    Hl7Entry.model_validate(example["clients"]["icu-central"]["hl7"])
    settings = set(Hl7Entry.model_fields) - {"applications", "networks"}
    assert settings <= set(re.findall(r"^\| `(\w+)` \|", TEXT, flags=re.MULTILINE))


def test_bounds_and_flags_are_those_of_the_code():
    bounds = Bounds()
    assert f"at most {bounds.message_bytes_max // 1_048_576} MiB" in TEXT
    assert f"within {bounds.message_s_max:g} s of its beginning" in TEXT
    assert f"up to {bounds.run_messages_max} at a time" in TEXT
    assert f"waits up to {HOLD_S_MAX:g} s" in TEXT
    assert all(f"`{flag}`" in TEXT for flag in NO_READING_FLAGS)
