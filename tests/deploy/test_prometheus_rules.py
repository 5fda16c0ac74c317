"""The alerting rules: each is expected by a promtool test, asks for what is there, and has its runbook section."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml
from shown_metrics import OF_THE_SCRAPE, PATIENT_LABELS, asked, labels_left, registries, shown, shown_by_all
from test_doc_links import anchors_of

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "deploy" / "prometheus"
RULE_FILES = sorted((FOLDER / "rules").glob("*.yml"))
TEST_FILES = sorted((FOLDER / "tests").glob("*.yml"))
IN_HEALTH = {"healthy.yml", "restart.yml"}
CONFIG = yaml.safe_load((FOLDER / "prometheus.yml").read_text(encoding="utf-8"))
RUNBOOK = (ROOT / "docs" / "runbook.md").read_text(encoding="utf-8")
PROMTOOL_S_MAX = 120.0
"""Each takes a second or two; the rest is for a busy machine."""

ALERTS = {
    rule["alert"]: rule
    for path in RULE_FILES
    for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    for rule in group["rules"]
}
SHOWN = shown_by_all()


def promtool(*words, folder=FOLDER):
    """Return exit code and output of promtool."""
    done = subprocess.run(
        ["promtool", *map(str, words)],
        cwd=folder,
        capture_output=True,
        text=True,
        timeout=PROMTOOL_S_MAX,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def cases_in(path):
    return yaml.safe_load(path.read_text(encoding="utf-8"))["tests"]


def expected_in(path):
    """Return the alerts that a file's tests expect to fire."""
    return {
        look["alertname"] for test in cases_in(path) for look in test["alert_rule_test"] if look["exp_alerts"]
    }


def input_series(path):
    """Return name and labels of all series that the tests of a file begin with."""
    found = []
    for test in cases_in(path):
        for one in test["input_series"]:
            name, labels = re.fullmatch(r"(\w+)(?:\{(.*)\})?", one["series"]).groups()
            found.append((name, dict(re.findall(r'(\w+)="([^"]*)"', labels or ""))))
    return found


def with_every_expression(tmp_path, text):
    """Return a copy of the folder in which each rule asks for something else."""
    folder = tmp_path / "prometheus"
    shutil.copytree(FOLDER, folder)
    for path in (folder / "rules").glob("*.yml"):
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
        for group in content["groups"]:
            for rule in group["rules"]:
                rule["expr"] = text
                rule.pop("for", None)
        path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return folder


def failed_in(output):
    return set(re.findall(r"alertname: ?(\w+)", output))


def test_there_are_rules_of_every_part_and_no_name_is_used_twice():
    names = re.findall(r"- alert: (\w+)", "".join(path.read_text(encoding="utf-8") for path in RULE_FILES))
    assert len(names) == len(set(names)) == len(ALERTS) > 50
    loaded = {Path(name).name for name in CONFIG["rule_files"]}
    assert loaded == {path.name for path in RULE_FILES}


@pytest.mark.usefixtures("needs_promtool")
def test_promtool_takes_the_rules_and_the_configuration():
    code, said = promtool("check", "config", "--lint", "all", "--lint-fatal", "prometheus.yml")
    assert code == 0, said


@pytest.mark.usefixtures("needs_promtool")
@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_alerts_are_told_when_they_should_be_and_not_before(path):
    code, said = promtool("test", "rules", path)
    assert code == 0, said


def test_each_alert_is_expected_by_the_tests_of_its_file():
    for path in RULE_FILES:
        names = set(re.findall(r"- alert: (\w+)", path.read_text(encoding="utf-8")))
        assert expected_in(FOLDER / "tests" / path.name) == names, path.name


@pytest.mark.usefixtures("needs_promtool")
def test_rules_that_never_fire_fail_a_test_of_each_alert(tmp_path):
    folder = with_every_expression(tmp_path, "vector(1) < 0")
    files = [folder / "tests" / path.name for path in TEST_FILES if path.name not in IN_HEALTH]
    code, said = promtool("test", "rules", *files, folder=folder)
    assert code != 0
    assert failed_in(said) == ALERTS.keys()


@pytest.mark.usefixtures("needs_promtool")
def test_rules_that_always_fire_fail_the_test_of_health_for_each_alert(tmp_path):
    folder = with_every_expression(tmp_path, "vector(1)")
    code, said = promtool("test", "rules", folder / "tests" / "healthy.yml", folder=folder)
    assert code != 0
    assert failed_in(said) == ALERTS.keys()


def test_in_health_each_series_that_a_rule_asks_for_is_there():
    there = input_series(FOLDER / "tests" / "healthy.yml")
    missing = [
        (alert, name, wanted)
        for alert, rule in ALERTS.items()
        for name, wanted in asked(rule["expr"]).selectors
        if not any(
            name == other
            and all(re.fullmatch(value, labels.get(label, "")) for label, value in wanted.items())
            for other, labels in there
        )
    ]
    assert missing == []


@pytest.mark.parametrize("alert", ALERTS)
def test_what_a_rule_asks_for_is_shown_by_a_process(alert):
    found = asked(ALERTS[alert]["expr"])
    assert found.names
    assert found.faults(SHOWN) == []


@pytest.mark.parametrize("path", TEST_FILES, ids=lambda path: path.stem)
def test_series_of_the_tests_have_the_labels_and_bounds_that_processes_write(path):
    for name, labels in input_series(path):
        assert name in SHOWN.labels, name
        expected = SHOWN.labels[name] | {"instance"} | ({"job"} if name == "up" else set())
        if not name.endswith("_bucket"):
            expected -= {"le"}
        assert labels.keys() == expected, (name, labels)
        # promtool compares text: a bound written 1 is another series than the 1.0 that processes write.
        assert labels.get("le", "+Inf") in SHOWN.bounds.get(name, {"+Inf"}), (name, labels)


def test_a_misspelt_metric_label_or_expression_is_found():
    assert asked("sum(vigil_lag_second)").faults(SHOWN) == ["no metric vigil_lag_second"]
    assert asked('vigil_ready{part="3"}').faults(SHOWN) == ["vigil_ready has no label part"]
    assert asked("max by (topik) (vigil_lag_seconds)").faults(SHOWN) == [
        "vigil_lag_seconds has no label topik"
    ]
    assert asked("vigil_alerts").faults(SHOWN) == ["no metric vigil_alerts"]
    with pytest.raises(ValueError, match="unclosed"):
        asked("sum(vigil_ready")


def test_values_that_labels_are_compared_with_are_words_of_the_program():
    sources = [path for part in ("agents", "edge", "streams") for path in (ROOT / part).rglob("*.py")]
    text = "".join(path.read_text(encoding="utf-8") for path in sources if "dashboards" not in path.parts)
    asked_for = {
        value
        for rule in ALERTS.values()
        for _, labels in asked(rule["expr"]).selectors
        for label, values in labels.items()
        if label not in ("job", "le")
        for value in values.split("|")
    }
    assert len(asked_for) > 10
    assert {value for value in asked_for if f'"{value}"' not in text} == set()


def test_jobs_that_rules_name_are_scraped_at_the_ports_that_processes_serve():
    scraped = {job["job_name"]: job["dns_sd_configs"][0]["port"] for job in CONFIG["scrape_configs"]}
    named = set(re.findall(r'job="([^"]+)"', "".join(rule["expr"] for rule in ALERTS.values())))
    assert named == set(scraped) == registries().keys() - {"vigil-shadow"}
    compose = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))["services"]
    for job in CONFIG["scrape_configs"]:
        [where] = job["dns_sd_configs"]
        assert str(where["port"]) in compose[where["names"][0]]["expose"], job


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_severe_it_is_what_it_is_and_where_to_read_on(alert):
    rule = ALERTS[alert]
    assert rule["labels"].keys() == {"severity"}
    assert rule["labels"]["severity"] in ("critical", "warning")
    assert rule["annotations"].keys() == {"summary", "runbook_url"}
    page, anchor = rule["annotations"]["runbook_url"].split("#")
    assert page == "docs/runbook.md"
    assert anchor == alert.lower()
    assert anchor in anchors_of(RUNBOOK)


@pytest.mark.parametrize("alert", ALERTS)
def test_labels_that_a_summary_shows_are_left_by_the_expression(alert):
    rule = ALERTS[alert]
    named = set(re.findall(r"\$labels\.(\w+)", rule["annotations"]["summary"]))
    left = labels_left(rule["expr"])
    there = set().union(*(SHOWN.labels[name] for name in asked(rule["expr"]).names)) | OF_THE_SCRAPE
    assert named <= (there if left is None else left)


@pytest.mark.parametrize("alert", ALERTS)
def test_beside_a_bound_or_a_wait_stands_where_it_comes_from(alert):
    text = "".join(path.read_text(encoding="utf-8") for path in RULE_FILES)
    above = text.split(f"- alert: {alert}\n")[1].split(" expr:")[0]
    expr = " ".join(ALERTS[alert]["expr"].split())
    has_bound = any(float(number) > 1 for number in re.findall(r"[<>] (\d+(?:\.\d+)?)", expr))
    if has_bound or "for" in ALERTS[alert]:
        assert "# " in above


@pytest.mark.parametrize("alert", ALERTS)
def test_the_runbook_says_what_it_means_where_to_look_what_to_do_and_what_not(alert):
    section = RUNBOOK.split(f"### {alert}\n")[1].split("\n#")[0]
    assert re.findall(r"^\*\*(.+?)\*\*", section, flags=re.MULTILINE) == [
        "For patients",
        "Look at",
        "Do",
        "Do not",
    ]


def test_the_runbook_has_no_section_of_an_alert_that_is_no_more_and_names_none_in_vain():
    assert set(re.findall(r"^### (\w+)$", RUNBOOK, flags=re.MULTILINE)) == ALERTS.keys()
    operations = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8")
    for name in re.findall(r"`(Vigil[A-Z]\w+)`", operations):
        assert name in ALERTS
    metrics = set(re.findall(r"vigil_[a-z_]+[a-z]", RUNBOOK))
    assert len(metrics) > 10
    families = {name.removesuffix("_bucket") for name in SHOWN.labels} | SHOWN.labels.keys()
    assert metrics <= families


def test_no_series_of_any_process_names_a_patient_a_bed_or_a_device():
    for job, registry in registries().items():
        for name, labels in shown(registry).labels.items():
            assert labels & PATIENT_LABELS == set(), (job, name)
