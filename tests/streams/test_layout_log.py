"""Which records of `vitals.layout` count, and what a process makes of them."""

from types import SimpleNamespace

from streams.config.settings import Settings
from streams.contracts.layout import Step, first_layout
from streams.contracts.seals import DEVELOPMENT, Seals
from streams.contracts.topics import ALERTS, READINGS
from streams.kafka.admin import changelog_topic, delivery_changelog_topic, plan
from streams.kafka.layout_log import laid_out, newest, opened, sealed

FIRST = first_layout("vigil")
PREPARED = FIRST.after(Step.PREPARE, 5, 2)
DRAINING = PREPARED.after(Step.DRAIN, 6)
LET_ON, MOVED = DRAINING.after(Step.LET_ON, 7), DRAINING.after(Step.MOVE, 8)
OPENED = MOVED.after(Step.OPEN, 9)


def records(*layouts, seals=DEVELOPMENT):
    return [SimpleNamespace(value=sealed(layout, seals)) for layout in layouts]


def test_the_record_of_the_highest_number_counts():
    assert newest(records(PREPARED, DRAINING), DEVELOPMENT, None) == DRAINING


def test_of_two_that_are_written_at_the_same_moment_the_first_counts():
    assert newest(records(PREPARED, DRAINING, LET_ON, MOVED), DEVELOPMENT, None) == LET_ON
    assert newest(records(PREPARED, DRAINING, MOVED, LET_ON), DEVELOPMENT, None) == MOVED


def test_a_copy_of_an_old_record_changes_nothing():
    assert newest(records(PREPARED, DRAINING, PREPARED), DEVELOPMENT, None) == DRAINING


def test_who_does_not_know_the_key_changes_nothing():
    forged = records(MOVED, seals=Seals((b"another key, of thirty-two characters",)))
    assert newest(records(PREPARED) + forged, DEVELOPMENT, None) == PREPARED


def test_a_seal_does_not_count_for_another_number():
    moved = sealed(MOVED, DEVELOPMENT).replace(b'"offset":4', b'"offset":9')
    assert opened(moved, DEVELOPMENT) is None


def test_who_has_no_key_believes_what_lies_there_and_reads_past_what_does_not_fit():
    assert opened(sealed(MOVED, Seals((b"another key, of thirty-two characters",))), None) == MOVED
    assert opened(b"{}", None) is None
    assert opened(None, None) is None
    assert opened(b" " * 20_000, None) is None


def test_only_the_readings_and_their_state_have_another_name_and_number_of_partitions():
    settings = Settings(topic_prefix="w.", partitions=4)
    new = laid_out(settings, OPENED)
    assert (new.topic(READINGS), new.judging_group, new.reading_partitions) == (
        "w.vitals.readings.g1",
        "vigil.g1",
        8,
    )
    assert changelog_topic(new) == "vigil.g1-patients-changelog"
    assert new.topic(ALERTS) == "w.vitals.alerts"
    assert delivery_changelog_topic(new) == delivery_changelog_topic(settings)
    before, after = ({topic.name: topic.partitions for topic in plan(each)} for each in (settings, new))
    assert {name: count for name, count in after.items() if before.get(name) != count} == {
        "w.vitals.readings.g1": 8,
        "vigil.g1-patients-changelog": 8,
    }


def test_writers_are_told_of_the_new_readings_only_once_all_that_came_before_is_there():
    settings = Settings()
    assert [laid_out(settings, layout).generation for layout in (DRAINING, MOVED, OPENED)] == [0, 1, 1]
    assert [laid_out(settings, layout, writes=True).generation for layout in (DRAINING, MOVED, OPENED)] == [
        0,
        0,
        1,
    ]


def test_readings_that_were_never_scaled_are_called_as_ever():
    settings = Settings()
    assert laid_out(settings, FIRST) == settings
    assert (settings.topic(READINGS), settings.judging_group) == ("vitals.readings", "vigil")
