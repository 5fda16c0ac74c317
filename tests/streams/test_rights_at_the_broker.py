"""The table of rights: complete, least, and what is generated of it as it is committed."""

from pathlib import Path

from streams.config.settings import Settings
from streams.contracts.rights import EVERY, PARTS, SHADOWS, account_of, part_called, rights_of
from streams.contracts.topics import ALERTS, COMMANDS, ESCALATIONS, HEARTBEAT, READINGS, TOPICS
from streams.kafka.admin import changelog_topic, delivery_settings, plan
from streams.kafka.shadows import shadow_settings
from streams.published.rights_pages import acl_commands

ROOT = Path(__file__).resolve().parents[2]


def names(part, operation, **where):
    return {right.name for right in rights_of(part, **where) if operation in right.operations}


def test_the_file_of_commands_is_the_one_that_the_table_gives():
    committed = (ROOT / "deploy" / "kafka" / "acls.sh").read_text(encoding="utf-8")
    assert committed == acl_commands(), "run: vigil topics rights > deploy/kafka/acls.sh"


def test_every_topic_that_is_planned_has_somebody_who_makes_writes_and_reads_it():
    settings = Settings(group="icu", topic_prefix="t.")
    planned = {topic.name for topic in plan(settings)}
    where = {"group": "icu", "prefix": "t."}
    assert names(part_called("setup"), "Create", **where) - {"t.vigil-doctor-"} == planned
    for operation in ("Write", "Read"):
        assert planned - set().union(*(names(part, operation, **where) for part in PARTS)) <= {
            "t.vitals.dead-letters"  # is read by people, with an account of their own
        }


def test_groups_and_changelogs_are_called_as_the_program_calls_them():
    settings = Settings(group="icu")
    worker, deliver = part_called("worker"), part_called("deliver")
    assert names(worker, "Read", group="icu") >= {"icu-patients-changelog", settings.group}
    assert names(deliver, "Read", group="icu") >= {
        "icu-delivery-escalations-changelog",
        delivery_settings(settings).group,
    }
    shadow = shadow_settings(settings, "0123456789ab").group
    assert any(
        shadow.startswith(right.name) for right in rights_of(part_called("shadow"), "icu") if right.is_prefix
    )
    assert SHADOWS not in EVERY


def test_who_may_speak_for_others_is_who_has_to():
    def writers(topic):
        return {part.name for part in PARTS if topic in part.writes}

    assert writers(HEARTBEAT) == {"worker"}
    assert writers(ESCALATIONS) == {"deliver"}
    assert writers("{group}-patients-changelog") == {"worker"}
    assert writers(COMMANDS) == {"worker", "board", "operator", "reference"}
    assert writers(ALERTS) == {"worker", "gateway", "deliver", "watch"}
    assert writers(READINGS) == {"worker", "gateway", "shadow", "operator", "device"}


def test_the_rights_to_scale_cover_the_names_of_every_generation():
    settings = Settings(group="icu", generation=12, factor=4)
    worker = rights_of(part_called("worker"), "icu")
    for kind, name in (
        ("topic", settings.topic(READINGS)),
        ("topic", changelog_topic(settings)),
        ("group", settings.judging_group),
    ):
        assert any(right.kind == kind and right.is_prefix and name.startswith(right.name) for right in worker)


def test_nobody_but_who_sets_up_makes_or_removes_what_is_not_his_own():
    for part in PARTS:
        if part.name != "setup":
            of_others = {topic.name for topic in TOPICS}
            assert not names(part, "Create") & of_others
            # The first generation of the readings goes when nobody writes to it any more.
            assert names(part, "Delete") & of_others == ({READINGS} if part.name == "scale" else set())
    assert "Delete" not in {op for right in rights_of(part_called("worker")) for op in right.operations}


def test_accounts_have_names_of_their_own():
    assert len({account_of(part) for part in PARTS}) == len(PARTS)
