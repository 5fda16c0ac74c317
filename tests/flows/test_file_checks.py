"""`vigil doctor` reads the files of rules, routing and reference data as those who use them do."""

import json

import pytest

from edge import cli
from edge.file_checks import reference_file, routing_file, rules_file
from edge.reference.writing import write
from streams.config.settings import Settings
from streams.contracts.reference import WardFacts
from streams.errors import VigilError
from streams.kafka.admin import apply_topics

HOOK = """
[channels.hook]
kind = "webhook"
url = "https://pager.example/in"
key_files = ["{key}"]

[receivers.desk]
channels = ["hook"]

[[route]]
name = "all"

[[route.step]]
to = ["desk"]
"""
HEAD = "kind,ward,name,patient,label,age_band,rule,high,reason\n"
WARD = "ward,kids,Children,,,,,,\n"
LINE = "limits,kids,,,,child,hr-high,130,bundle of 2026\n"


@pytest.fixture
def site(broker, tmp_path):
    """Return a function that makes settings with topics of their own, and files that it is given the text of."""
    made = Settings(brokers=broker.bootstrap, topic_prefix=f"{tmp_path.name[-30:]}.", partitions=1)
    apply_topics(made)

    def settings(**texts):
        paths = {}
        for name, text in texts.items():
            paths[name] = tmp_path / f"{name}.txt"
            paths[name].write_text(text)
        return Settings(**made.model_dump() | paths)

    return settings


def test_without_files_it_says_what_holds_instead():
    assert rules_file(Settings()) == "none: the built-in rules"
    assert routing_file(Settings()).startswith("none: boards alone")
    assert reference_file(Settings()) == "none"


def test_a_shipped_rule_set_is_known_by_its_name_and_a_wrong_file_by_its_line(site):
    assert rules_file(Settings(rules="classic")).endswith(" limit rules")
    with pytest.raises(VigilError, match=r"rules\.txt"):
        rules_file(site(rules="[nonsense]\n"))


def test_a_routing_file_is_read_with_the_files_that_its_channels_name(site, tmp_path):
    key = tmp_path / "key"
    given = site(routing=HOOK.format(key=key))
    with pytest.raises(VigilError, match="key_files: cannot read"):
        routing_file(given)
    key.write_text("whsec_" + "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    assert routing_file(given).endswith("2 channels, 2 receivers, 1 routes")
    with pytest.raises(VigilError, match=r"routing\.txt.*desk"):
        routing_file(site(routing=HOOK.format(key=key).replace("[receivers.desk]", "[receivers.other]")))


def test_reference_data_are_checked_against_the_rules_and_the_wards_that_others_have_said(site):
    assert reference_file(site(reference_file=HEAD + WARD + LINE)).endswith("reference_file.txt: 2 rows")
    with pytest.raises(VigilError, match="line 3: high: hr-high may be at most"):
        reference_file(site(reference_file=HEAD + WARD + LINE.replace("130", "999")))
    alone = site(reference_file=HEAD + LINE)
    with pytest.raises(VigilError, match="'kids' is no ward that is known"):
        reference_file(alone)
    fact = WardFacts(ward="kids", name="Children", reporter="nurse-7")
    write(alone, {fact.key: fact})
    assert reference_file(alone).endswith(": 1 rows")
    with pytest.raises(VigilError, match=r"reference_file: .*No such file"):
        reference_file(Settings(reference_file=alone.reference_file.parent / "none"))


def test_the_doctor_fails_by_a_wrong_file_and_names_each_check(site, capsys, monkeypatch):
    given = site(routing="[channels\n", reference_file=HEAD + WARD)
    monkeypatch.setenv("VIGIL_ROUTING", str(given.routing))
    monkeypatch.setenv("VIGIL_REFERENCE_FILE", str(given.reference_file))
    code = cli.main(["doctor", "--json", "--brokers", given.brokers, "--prefix", given.topic_prefix])
    checks = {check["name"]: check for check in json.loads(capsys.readouterr().out)["checks"]}
    results = {name: checks[name]["result"] for name in ("rules", "routing", "reference")}
    assert (code, results) == (1, {"rules": "ok", "routing": "failed", "reference": "ok"})
    assert "routing.txt" in checks["routing"]["detail"]
