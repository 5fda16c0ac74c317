"""Rights at the broker: with its own account each part does its work, and all else that it tries is refused."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import pytest
from kafka import KafkaProducer, TopicPartition
from kafka.admin import (
    ACL,
    ACLOperation,
    ACLPermissionType,
    ConfigResource,
    ConfigResourceType,
    ResourcePattern,
    ResourceType,
    ScramMechanism,
    UserScramCredentialUpsertion,
)
from kafka.errors import (
    AuthorizationError,
    CoordinatorNotAvailableError,
    GroupAuthorizationFailedError,
    TopicAuthorizationFailedError,
)
from kafka.structs import OffsetAndMetadata
from rights_site import rights_site
from waiting import wait_until

from edge.gateway.refiling import Refiling
from edge.history.process import Writer
from edge.order_sending import read_board
from edge.records import Skipped
from edge.reference.refresher import Refresher
from edge.shadow.compared_topics import judged_until
from edge.watching.ears import Ears
from edge.watching.log_look import LogLook
from streams.contracts.patient_state import Limits
from streams.contracts.rights import (
    CHANNELS,
    DELIVERY,
    EVERY,
    FORMULARY,
    GROUP,
    PARTS,
    REFILING,
    account_of,
    broker_name,
    part_called,
)
from streams.contracts.seals import DEVELOPMENT
from streams.contracts.topics import ALERTS, LIMITS, READINGS
from streams.kafka.admin import apply_topics, inspect_topics
from streams.kafka.connect import connect_admin, connect_consumer, connect_with
from streams.kafka.rules_log import read_rules
from streams.published.rights_pages import acl_commands

pytestmark = pytest.mark.kafka

PREFIX, OWN_GROUP = "w.", "ward"
ANSWER_S_MAX = 20.0
AT_ONCE = 4
SHADOW_TOPIC = f"{OWN_GROUP}-shadow-0123456789ab-patients-changelog"
FOREIGN = "payroll"
GROUPS = (GROUP, DELIVERY, CHANNELS, REFILING, FORMULARY)


@pytest.fixture(scope="module")
def site(tmp_path_factory, needs_java, needs_openssl):
    commands = acl_commands(OWN_GROUP, PREFIX)
    where = {"topic_prefix": PREFIX, "group": OWN_GROUP, "partitions": 1}
    with rights_site(tmp_path_factory.mktemp("rights"), commands, **where) as running:
        apply_topics(running.account("setup"))
        with closing(connect_admin(running.account("shadow"))) as admin:
            admin.create_topics({SHADOW_TOPIC: {"num_partitions": 1, "replication_factor": 1}})
        with closing(connect_admin(running.owner)) as admin:
            admin.create_topics({FOREIGN: {"num_partitions": 1, "replication_factor": 1}})
            wait_until(lambda: is_kept(admin), "the cluster keeps offsets", ANSWER_S_MAX)
        yield running


def is_kept(admin):
    """Return whether the topic of committed offsets is there: Kafka makes it for the first who commits."""
    try:
        admin.alter_group_offsets("first", {TopicPartition(FOREIGN, 0): OffsetAndMetadata(0, "", -1)})
    except CoordinatorNotAvailableError:
        return False
    return True


def topics():
    """Return each topic of the cluster by its name in the table."""
    ours = {name: broker_name(name, OWN_GROUP, PREFIX) for name in EVERY}
    return ours | {"{group}-shadow-*": SHADOW_TOPIC, FOREIGN: FOREIGN}


def is_let(attempt):
    """Return whether the broker lets somebody do something; any other failure than its refusal is one of the test."""
    try:
        attempt()
    except AuthorizationError:
        return False
    return True


def seen(settings):
    """Return the topics that the broker tells an account of: of no other may it read or write, by Kafka's own rule."""
    names = topics()
    with closing(connect_admin(settings, ANSWER_S_MAX)) as admin:
        told = {topic["name"]: topic["error_code"] for topic in admin.describe_topics(list(names.values()))}
    assert set(told.values()) <= {0, TopicAuthorizationFailedError.errno}
    return {name: topic for name, topic in names.items() if told.get(topic) == 0}


def written(settings):
    """Return the topics that an account may write a record to."""

    def make(**common):
        return KafkaProducer(**common, enable_idempotence=False, max_block_ms=int(ANSWER_S_MAX * 1000))

    with closing(connect_with(settings, ANSWER_S_MAX, make)) as producer:
        return {
            name
            for name, topic in seen(settings).items()
            if is_let(lambda topic=topic: producer.send(topic, b"x", b"x", partition=0).get(ANSWER_S_MAX))
        }


def read(settings):
    """Return the topics that an account may read a record of; each has one."""
    found = set()
    with closing(connect_consumer(settings, ANSWER_S_MAX)) as consumer:
        for name, topic in seen(settings).items():
            consumer.assign([TopicPartition(topic, 0)])
            if is_let(lambda: first_record(consumer)):
                found.add(name)
    return found


def first_record(consumer):
    consumer.seek_to_beginning()
    assert consumer.poll(timeout_ms=int(ANSWER_S_MAX * 1000)), "neither a record nor a refusal"


def of_all(site, ask):
    """Return what `ask` says of each part's account, a few at once."""
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return dict(
            zip(
                (part.name for part in PARTS),
                pool.map(lambda part: ask(site.account(part.name)), PARTS),
                strict=True,
            )
        )


def test_each_account_writes_where_the_table_lets_it_and_nowhere_else(site):
    known = topics().keys()
    assert of_all(site, written) == {part.name: set(part.writes) & known for part in PARTS}


def test_each_account_reads_what_the_table_lets_it_and_nothing_else(site):
    with closing(connect_with(site.owner, ANSWER_S_MAX, KafkaProducer)) as producer:
        for topic in topics().values():
            producer.send(topic, b"x", b"x", partition=0).get(ANSWER_S_MAX)
    known = topics().keys()
    assert of_all(site, read) == {part.name: set(part.reads) & known for part in PARTS}


def moved(settings):
    """Return the groups whose committed offsets an account may move: to the end, nothing is judged any more."""
    tp = TopicPartition(topics()[READINGS], 0)
    places = {tp: OffsetAndMetadata(1, "", -1)}
    found = set()
    with closing(connect_admin(settings, ANSWER_S_MAX)) as admin:
        for name in GROUPS:
            full = broker_name(name, OWN_GROUP, PREFIX)
            try:
                admin.list_group_offsets(full)
                result = admin.alter_group_offsets(full, places)
            except GroupAuthorizationFailedError:
                continue
            if GroupAuthorizationFailedError not in result.values():
                found.add(name)
    return found


def test_each_account_moves_the_offsets_of_its_own_group_alone(site):
    assert of_all(site, moved) == {part.name: set(part.joins) & set(GROUPS) for part in PARTS}


ALERTS_TOPIC = ConfigResource(ConfigResourceType.TOPIC, f"{PREFIX}{ALERTS}", {"retention.ms": "1"})
EVERYTHING = ACL(
    *("User:anybody", "*", ACLOperation.ALL, ACLPermissionType.ALLOW),
    ResourcePattern(ResourceType.TOPIC, f"{PREFIX}{ALERTS}"),
)
WORKERS_PASSWORD = UserScramCredentialUpsertion(
    account_of(part_called("worker")), ScramMechanism.SCRAM_SHA_512, b"another password"
)
NOBODYS = {
    "make a topic": lambda admin: admin.create_topics(
        {"other": {"num_partitions": 1, "replication_factor": 1}}
    ),
    "remove a topic": lambda admin: admin.delete_topics([f"{PREFIX}{ALERTS}"]),
    "remove records": lambda admin: admin.delete_records({TopicPartition(f"{PREFIX}{ALERTS}", 0): 1}),
    "shorten a topic": lambda admin: admin.alter_configs([ALERTS_TOPIC], raise_on_unknown=False),
    "remove the workers' group": lambda admin: admin.delete_groups([OWN_GROUP]),
    "give rights": lambda admin: admin.create_acls([EVERYTHING]),
    "change a password": lambda admin: admin.alter_user_scram_credentials([WORKERS_PASSWORD]),
}


def possible(settings):
    """Return what an account may do of what nobody may; whom the broker tells of no alerts finds no leader to ask."""
    acts = (
        NOBODYS
        if ALERTS in seen(settings)
        else {k: act for k, act in NOBODYS.items() if k != "remove records"}
    )
    with closing(connect_admin(settings, ANSWER_S_MAX)) as admin:
        return {name for name, act in acts.items() if not is_refused(lambda act=act: act(admin))}


def is_refused(attempt):
    """Return whether the broker refuses; kafka-python raises that for some questions and hands it back for others."""
    try:
        answer = repr(attempt()).lower()
        return "authoriz" in answer or "needs alter permission" in answer
    except AuthorizationError:
        return True


def test_no_account_can_make_remove_or_shorten_what_is_not_its_own_nor_give_rights(site):
    # Once readings were scaled and all has moved on, the group of their first generation goes.
    may = {"scale": {"remove the workers' group"}}
    assert of_all(site, possible) == {part.name: may.get(part.name, set()) for part in PARTS}


def test_no_account_has_a_transactional_id(site):
    def begin(settings):
        def make(**common):
            return KafkaProducer(**common, transactional_id="vigil", max_block_ms=int(ANSWER_S_MAX * 1000))

        with closing(connect_with(settings, ANSWER_S_MAX, make)) as producer:
            return is_let(producer.init_transactions)

    assert of_all(site, begin) == {part.name: False for part in PARTS}


def test_each_part_finds_what_it_begins_with_and_the_broker_refuses_it_nothing(site, tmp_path):
    before = len(site.denied())
    for part in ("setup", "worker", "deliver", "shadow", "operator"):
        assert inspect_topics(site.account(part)).differences == ()
    for part in ("worker", "board", "shadow", "operator"):
        assert read_rules(site.account(part), OWN_GROUP, DEVELOPMENT) == []
    for part in ("board", "shadow"):
        assert judged_until(site.account(part), OWN_GROUP).keys() <= {0}
    with LogLook(site.account("watch"), (0,)) as look, Ears(site.account("watch"), Skipped()):
        wait_until(look.take, "how far the group has committed", ANSWER_S_MAX)
    with Writer(site.account("history", history_dir=tmp_path)) as writer:
        writer.turn()
    with Refresher(site.account("reference"), None, print) as refresher:
        wait_until(
            lambda: (refresher.turn(), refresher.is_member.is_set())[1], "the formulary's group", ANSWER_S_MAX
        )
    refiling = Refiling(site.account("gateway"))
    refiling.start()
    try:
        wait_until(lambda: refiling.owns, "the group of re-filing", ANSWER_S_MAX)
    finally:
        refiling.close()
    assert read_board(site.account("operator"), LIMITS, Limits, Skipped()) == []
    assert site.denied()[before:] == []
