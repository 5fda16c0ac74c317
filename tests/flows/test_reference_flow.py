"""Reference data live: imported and followed, a file's changes taken by one of several, orders for who is admitted."""

import json
import threading
import time

import pytest
from worker_flow import frame, wait_until

from edge import cli
from edge.reference.reference_view import Follower
from edge.reference.refresher import Refresher
from edge.reference.source import Source
from streams.config.rules_file import load_rules

HEAD = "kind,ward,name,time_zone,unit_type,age_band,phone,patient,label,rule,low,high,reason\n"
WARD = "ward,kids,Children,Europe/Vienna,general,child,,,,,,,\n"
BED = "bed,kids,,,,,,bed-1,Kids 1,,,,\n"
LINE = "limits,kids,,,,child,,,,hr-high,,130,bundle of 2026\n"
FOLLOWED_S = 5.0
"""So soon a follower knows of a change."""


@pytest.fixture(scope="module")
def ward(make_ward):
    ward = make_ward(time_base="live")
    ward.start_ready_worker()
    return ward


@pytest.fixture
def vigil(ward, capsys):
    def run(*arguments):
        where = ["--brokers", ward.settings.brokers, "--prefix", ward.settings.topic_prefix]
        code = cli.main([*arguments, *where])
        said = capsys.readouterr()
        return code, said.out, said.err

    return run


class Running:
    """A refresher in a thread of its own, as `vigil reference run` is in a process."""

    def __init__(self, ward, path):
        self.said, self._stop = [], threading.Event()
        source = Source(path, load_rules(ward.settings.rules).limits)
        self.refresher = Refresher(ward.settings, source, self.said.append)
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with self.refresher:
            while not self._stop.is_set():
                self.refresher.turn()

    def end(self):
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture
def running(ward, tmp_path):
    started = []

    def run(path):
        started.append(Running(ward, path))
        return started[-1]

    yield run
    for one in started:
        one.end()


def test_a_file_is_imported_whole_or_not_at_all_and_listed(vigil, ward, tmp_path):
    file = tmp_path / "wards.csv"
    rules = ["--rules", str(ward.settings.rules)]
    file.write_text(HEAD + WARD + BED + LINE.replace("130", "999"))
    code, out, err = vigil("reference", "import", str(file), *rules)
    assert (code, out) == (4, "")
    assert err.splitlines()[0].startswith("line 4: high: hr-high may be at most ")
    assert err.splitlines()[-1] == "vigil: wards.csv: nothing was taken"
    assert vigil("reference", "list")[1] == ""
    file.write_text(HEAD + WARD + BED + LINE)
    dry = vigil("reference", "import", str(file), "--dry-run", *rules)
    assert dry == (0, "would be 3 written, 0 deleted, 0 as before\n", "")
    assert vigil("reference", "list")[1] == ""
    assert vigil("reference", "import", str(file), *rules)[1].startswith("3 written")
    assert vigil("reference", "list")[1].splitlines() == [
        "bed/bed-1  label Kids 1, ward kids  (by development, wards.csv)",
        "limits/kids/child/hr-high  high 130, reason bundle of 2026  (by development, wards.csv)",
        "ward/kids  name Children, time zone Europe/Vienna, unit type general, age band child  "
        "(by development, wards.csv)",
    ]
    file.write_text(HEAD + WARD + BED)
    assert vigil("reference", "import", str(file), *rules)[1].startswith("0 written, 1 deleted")


def test_what_is_said_by_hand_is_followed_without_a_restart(vigil, ward):
    with Follower(ward.settings) as follower:
        assert follower.wait_ready(20)
        before = follower.now
        assert vigil("reference", "set", "ward", "er", "--name", "Emergency")[0] == 0
        begun_s = time.monotonic()
        wait_until(lambda: follower.now.ward_name("er") == "Emergency", "the ward's name")
        assert time.monotonic() - begun_s < FOLLOWED_S
        assert before.ward_name("er") == "er"  # who reads holds what was, whole
        assert vigil("reference", "set", "ward", "er", "--phone", "4711")[0] == 0
        wait_until(lambda: follower.now.ward("er").phone == "4711", "the phone")
        assert follower.now.ward("er").name == "Emergency"
        assert vigil("reference", "remove", "ward/er") == (0, "removed ward/er\n", "")
        wait_until(lambda: follower.now.ward("er") is None, "the ward's end")
    assert vigil("reference", "remove", "ward/er")[0] == 1
    wrong = vigil("reference", "set", "ward", "er", "--time-zone", "Vienna")
    assert wrong == (2, "", "vigil: time-zone: 'Vienna' is no time zone such as Europe/Vienna\n")


def test_a_file_s_changes_are_taken_and_who_is_admitted_gets_the_ward_s_age_band_and_limits(
    vigil, ward, running, tmp_path
):
    file = tmp_path / "site.csv"
    file.write_text(HEAD + WARD + LINE)
    one = running(file)
    wait_until(lambda: any(said.startswith("site.csv: 2 written") for said in one.said), "the file")
    assert vigil("patients", "admit", "bed-1", "--ward", "kids")[0] == 0

    def limits():
        code, out, _ = vigil("limits", "show", "bed-1", "--json")
        return json.loads(out) if code == 0 else {"limits": {}, "age_band": ""}

    wait_until(lambda: limits()["limits"].get("hr-high", {}).get("own"), "the ward's limits")
    found = limits()
    assert (found["age_band"], found["age_known"], found["limits"]["hr-high"]["high"]) == ("child", True, 130)
    wait_until(lambda: "2 orders for 1 admissions" in one.said, "what was said")
    file.write_text(HEAD + WARD + LINE.replace("130", "1e9"))
    wait_until(lambda: any("site.csv is not taken: line 3: high" in said for said in one.said), "the fault")
    told = len(one.said)
    file.write_text(HEAD + WARD + LINE.replace("130", "125"))
    wait_until(lambda: any(said.startswith("site.csv: 1 written") for said in one.said[told:]), "the change")
    assert limits()["limits"]["hr-high"]["high"] == 130  # in force for who is admitted from then on


def test_of_two_refreshers_one_looks_at_the_file_and_the_other_takes_over(ward, running, tmp_path):
    file = tmp_path / "site.csv"
    file.write_text(HEAD + WARD)
    first = running(file)
    wait_until(first.refresher.is_owner.is_set, "an owner")
    second = running(file)

    def owners():
        return [one.refresher.is_owner.is_set() for one in (first, second)]

    wait_until(lambda: sum(owners()) == 1 and second.refresher.is_member.is_set(), "one owner of two")
    owner, other = (first, second) if owners()[0] else (second, first)
    owner.end()
    wait_until(other.refresher.is_owner.is_set, "the other one")
    told = len(other.said)
    file.write_text(HEAD + WARD.replace("Children", "Paediatrics"))
    wait_until(lambda: any("1 written" in said for said in other.said[told:]), "the change")


def test_an_alert_s_time_is_the_ward_s_clock_with_its_offset(vigil, ward):
    assert vigil("reference", "set", "ward", "vie", "--time-zone", "Asia/Kathmandu")[0] == 0
    assert vigil("patients", "admit", "bed-k", "--ward", "vie")[0] == 0
    now_s = int(time.time())
    ward.send_all((0, *frame("bed-k", now_s - 4 + second, hr=150)) for second in range(5))

    def line():
        return vigil("alerts", "--patient", "bed-k", "--rule", "hr-high", "--limit", "1")[1]

    wait_until(lambda: line() and "+05:45  high" in line(), "the alert")

    def canary():
        return vigil("alerts", "--rule", "canary", "--limit", "1")[1].split()

    wait_until(canary, "a canary, which belongs to no ward")
    assert canary()[0].endswith("Z")


def test_the_report_is_written_from_the_topics(vigil, tmp_path):
    out = tmp_path / "week.html"
    code, said, err = vigil("report", "--since", "1d", "--out", str(out))
    assert (code, err) == (0, "")
    assert f"{out} and {tmp_path / 'week.csv'}\nalerts from the topic: " in said
    text = out.read_text()
    assert "<h1>Alarm report</h1>" in text
    assert "hr-high" in text
    assert "bed-k" in (tmp_path / "week.csv").read_text()
    assert vigil("report", "--since", "1h", "--until", "2h", "--out", str(out))[0] == 2
    assert vigil("report", "--shifts", "14:00,06:00", "--out", str(out))[0] == 2
