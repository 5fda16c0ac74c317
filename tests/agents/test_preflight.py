"""What a worker looks at before it joins its group: its folder, and the topics on the embedded broker."""

import logging
import os
import subprocess
import sys
import tempfile
import uuid
from contextlib import closing
from pathlib import Path

import pytest

from agents.health import preflight
from edge.brokers.embedded import EmbeddedBroker
from streams.config.settings import Settings
from streams.contracts.topics import READINGS
from streams.errors import TopicsMismatch, VigilError
from streams.kafka.admin import apply_topics, changelog_topic, plan
from streams.kafka.connect import connect_admin
from streams.kafka.membership import Group, Member

ROOT = Path(__file__).resolve().parents[2]
CREATE_TIMEOUT_MS = 10_000
NOBODY = 65_534


@pytest.fixture(scope="module")
def broker():
    with EmbeddedBroker() as running:
        yield running


@pytest.fixture
def settings(broker, tmp_path):
    name = uuid.uuid4().hex[:8]
    return Settings(
        brokers=broker.bootstrap, topic_prefix=f"{name}.", group=name, partitions=4, data_dir=tmp_path
    )


def create(settings, shapes):
    """Create topics of these names with so many partitions."""
    with closing(connect_admin(settings)) as admin:
        admin.create_topics(
            {name: {"num_partitions": n, "replication_factor": 1} for name, n in shapes.items()},
            timeout_ms=CREATE_TIMEOUT_MS,
            wait_for_metadata=True,
        )


def test_topics_as_planned_are_no_obstacle(settings):
    apply_topics(settings)
    preflight.check_broker(settings, print)


def test_a_group_that_another_client_divides_is_refused_and_who_that_is_told(settings, monkeypatch):
    theirs = Group("Stable", "range", (Member("m", "report", "/10.0.0.7"),))
    monkeypatch.setattr(preflight, "group_of", lambda settings: theirs)
    with pytest.raises(
        VigilError, match=r"in use by report at 10\.0\.0\.7, by the assignor range: no patient"
    ):
        preflight.check_group(settings)


def test_a_broker_that_says_nothing_of_groups_is_no_obstacle(settings, caplog):
    with caplog.at_level(logging.WARNING):
        preflight.check_group(settings)  # the embedded broker's answer cannot be read
    assert f"of the group {settings.group} cannot be read" in caplog.text


def test_missing_topics_are_named_with_the_command_that_creates_them(settings):
    with pytest.raises(TopicsMismatch) as refused:
        preflight.check_topics(settings)
    said = str(refused.value)
    assert "\n" not in said
    for topic in plan(settings):
        assert topic.name in said
    command = f"vigil topics apply --brokers {settings.brokers} --prefix {settings.topic_prefix}"
    assert f"{command} --group {settings.group} --partitions 4 --replication 1" in said


def test_another_number_of_partitions_of_the_readings_alone_needs_new_topics(settings):
    create(settings, {settings.topic(READINGS): 6})
    apply_topics(settings)
    with pytest.raises(TopicsMismatch) as refused:
        preflight.check_topics(settings)
    said = str(refused.value)
    assert f"{settings.topic(READINGS)} has 6 partitions, planned 4" in said
    assert f"--prefix NEW.{settings.topic_prefix} --group {settings.group}-NEW" in said
    assert "VIGIL_PARTITIONS" not in said


def test_a_wrong_setting_of_partitions_is_told_from_changed_topics(settings):
    apply_topics(settings)
    wrong = settings.model_copy(update={"partitions": 8})
    with pytest.raises(TopicsMismatch, match="start with VIGIL_PARTITIONS=4, or make new topics"):
        preflight.check_topics(wrong)


def test_a_changelog_with_another_number_of_partitions_is_refused(settings):
    create(settings, {changelog_topic(settings): 2})
    apply_topics(settings)
    with pytest.raises(TopicsMismatch, match=f"{changelog_topic(settings)} has 2 partitions, planned 4"):
        preflight.check_topics(settings)


def test_configuration_that_differs_is_only_logged(settings, caplog):
    changed = {"num_partitions": 4, "replication_factor": 1, "configs": {"retention.ms": "60000"}}
    with closing(connect_admin(settings)) as admin:
        admin.create_topics({settings.topic(READINGS): changed}, timeout_ms=CREATE_TIMEOUT_MS)
    apply_topics(settings)
    with caplog.at_level(logging.WARNING, logger="agents.health.preflight"):
        preflight.check_topics(settings)
    assert f"{settings.topic(READINGS)}: retention.ms is 60000, planned 604800000" in caplog.messages


def test_readings_that_the_broker_does_not_stamp_are_refused_with_the_command_that_mends_it(settings):
    topic = settings.topic(READINGS)
    made = {"num_partitions": 4, "replication_factor": 1, "configs": {"message.timestamp.type": "CreateTime"}}
    with closing(connect_admin(settings)) as admin:
        admin.create_topics({topic: made}, timeout_ms=CREATE_TIMEOUT_MS)
    apply_topics(settings)
    with pytest.raises(TopicsMismatch) as refused:
        preflight.check_topics(settings)
    said = str(refused.value)
    assert "\n" not in said
    assert f"{topic}: message.timestamp.type is CreateTime, planned LogAppendTime" in said
    assert f"kafka-configs.sh --bootstrap-server {settings.brokers} --alter --entity-type topics" in said
    assert said.endswith(f"--entity-name {topic} --add-config message.timestamp.type=LogAppendTime")


CHECK = """
import os, resource, sys
from agents.health.preflight import check_data_dir
from streams.errors import UsageError
from streams.config.settings import Settings
settings = Settings(data_dir=sys.argv[1])
exec(sys.argv[2])
try:
    check_data_dir(settings)
except UsageError as error:
    print(error)
"""


def check_folder(folder, first=""):
    """Check a data folder in a process that does `first`; return what it says about the folder."""
    return subprocess.run(
        [sys.executable, "-c", CHECK, str(folder), first],
        env={"PYTHONPATH": str(ROOT), "PATH": os.environ["PATH"]},
        stdout=subprocess.PIPE,
        text=True,
        timeout=30,
        check=True,
    ).stdout


def test_a_folder_that_can_be_used_is_left_empty(tmp_path):
    assert check_folder(tmp_path / "new") == ""
    assert list((tmp_path / "new" / "vigil").iterdir()) == []


def test_a_full_disk_is_one_clear_line(tmp_path):
    said = check_folder(tmp_path, "resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))")
    assert said == f"data_dir: cannot use {tmp_path / 'vigil'}: File too large\n"
    assert list((tmp_path / "vigil").iterdir()) == []


def test_a_folder_that_cannot_be_read_is_one_clear_line():
    with tempfile.TemporaryDirectory() as parent:  # not pytest's, which other users cannot come past
        folder = Path(parent) / "vigil"
        folder.mkdir(mode=0o300)
        Path(parent).chmod(0o755)
        become_another = f"os.setuid({NOBODY})"
        if os.getuid() != 0:
            become_another = ""
        else:
            os.chown(folder, NOBODY, NOBODY)
        said = check_folder(parent, become_another)
        assert said == f"data_dir: cannot use {folder}: Permission denied\n"
        folder.chmod(0o700)
