"""What a release is made of: the bill of materials is of the lock, sums are right, and silence is no good news."""

import hashlib
import json
import re
import sys

import pytest

from bench import supply

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    folder = tmp_path_factory.mktemp("release")
    supply.release(folder)
    return folder


def test_the_bill_of_materials_names_each_locked_package_with_its_version_and_sums(released):
    bill = json.loads((released / supply.SBOM).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", supply.SPEC_VERSION)
    locked = dict(re.findall(r"^([\w.-]+)(?:\[[^]]*\])?==(\S+)", supply.LOCK.read_text(), re.M))
    assert len(locked) > 20
    assert {one["name"]: one["version"] for one in bill["components"]} == locked
    sums = set(re.findall(r"sha256:([0-9a-f]{64})", supply.LOCK.read_text()))
    told = {
        known["content"]
        for one in bill["components"]
        for reference in one["externalReferences"]
        for known in reference.get("hashes", ())
        if known["alg"] == "SHA-256"
    }
    assert told == sums


def test_the_bill_is_of_this_program_and_the_same_each_time(released, tmp_path):
    first = (released / supply.SBOM).read_bytes()
    assert json.loads(first)["metadata"]["component"]["name"] == "vigil"
    supply.sbom(tmp_path / "again.json")
    assert (tmp_path / "again.json").read_bytes() == first


def test_the_sums_are_of_everything_that_is_released(released):
    lines = (released / supply.SUMS).read_text().splitlines()
    said = {name: sum_ for sum_, name in (line.split("  ") for line in lines)}
    assert said.keys() == {path.name for path in released.iterdir()} - {supply.SUMS}
    for name, sum_ in said.items():
        assert hashlib.sha256((released / name).read_bytes()).hexdigest() == sum_


def answering(tmp_path, text, code=0):
    """Return the command of a program that says a text in place of pip-audit."""
    script = tmp_path / "audit.py"
    script.write_text(
        f"import sys\nsys.stdout.write({text!r})\nsys.stderr.write('ERROR: no route\\n')\nsys.exit({code})\n"
    )
    return [sys.executable, str(script)]


def test_a_known_vulnerability_is_named_with_what_mends_it(tmp_path):
    vulns = [{"id": "CVE-2030-1", "fix_versions": ["2.0"]}]
    found = {
        "dependencies": [
            {"name": "aiohttp", "version": "1.0", "vulns": vulns},
            {"name": "b", "version": "1", "vulns": []},
        ]
    }
    assert supply.audit(answering(tmp_path, json.dumps(found), 1)) == (
        1,
        ["aiohttp 1.0: CVE-2030-1, mended in 2.0"],
    )


def test_only_an_answer_about_every_package_says_that_none_is_known(tmp_path):
    whole = {"dependencies": [{"name": "aiohttp", "version": "1.0", "vulns": []}]}
    assert supply.audit(answering(tmp_path, json.dumps(whole)))[0] == 0
    passed = {"dependencies": [*whole["dependencies"], {"name": "b", "skip_reason": "not found"}]}
    assert supply.audit(answering(tmp_path, json.dumps(passed)))[0] == 1


@pytest.mark.parametrize("text", ["", "{}", "[]", "no json"])
def test_a_service_that_is_not_reached_is_no_good_news(tmp_path, text):
    code, (line,) = supply.audit(answering(tmp_path, text, 1))
    assert code == supply.NOT_REACHED
    assert line.endswith("so nothing is known: ERROR: no route")
