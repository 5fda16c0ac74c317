"""Who is in a consumer group, as its coordinator says: who does not belong there, and whose process is dead.

A broker notices a dead member when its session is over. Whoever saw the process end need not wait for that: a member
is known by the client id that it joined with, and here each process has one of its own.
"""

import re
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final

from kafka import KafkaAdminClient
from kafka.admin import MemberToRemove
from kafka.errors import GroupIdNotFoundError, KafkaError, NoError, UnknownMemberIdError, for_code

from streams.config.settings import Settings
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.admin import failure
from streams.kafka.connect import CONNECT_WAIT_S, connect_admin

LOOK_AGAIN_S: Final = 0.25
UNSEEN_LOOKS: Final = 2
"""So often in a row the member must not be there: what the process asked for in its last moment may arrive after it."""

ASSIGNOR: Final = "faust"
"""By what workers agree on who gets which partitions: of readings, changelog and all beside them the same ones."""

DEAD: Final = "Dead"
_UNUSED: Final = frozenset({"empty", "dead"})
CLASSIC: Final = "classic"
REASON: Final = "its process is dead"
_ERROR_CODE: Final = re.compile(r"\[Error (-?\d+)\]")


@dataclass(frozen=True, slots=True)
class Member:
    """One member of a group; `member_id` is the coordinator's name for it, `client_id` the one that it gave itself."""

    member_id: str
    client_id: str
    host: str


@dataclass(frozen=True, slots=True)
class Group:
    """A group; one that is not there is `Dead` and has no members.

    `assignor` is what its members have agreed on to divide the partitions by, empty while they have not yet. Of a
    `kind` that is not `CLASSIC` the coordinator says that it is there, and no more to a client like ours.
    """

    state: str
    assignor: str = ""
    members: tuple[Member, ...] = ()
    kind: str = CLASSIC


def describe(admin: KafkaAdminClient, group: str) -> Group:
    """Ask the group's coordinator who is in it.

    Raises:
        KafkaError: no answer, or a refusal.
        VigilError: an answer that kafka-python cannot read, such as that of the embedded broker.
    """
    try:
        described = read_description(admin.describe_groups([group])[group])
    except ValueError as error:
        raise VigilError(f"what the broker says of the group {group} cannot be read: {error}") from None
    if described.state != DEAD:
        return described
    # That is also what it says of one that is no longer of the classic protocol.
    listed = {one["group_id"]: one for one in admin.list_groups()}
    kind = str(listed.get(group, {}).get("group_type") or CLASSIC).lower()
    return described if kind == CLASSIC else Group(str(listed[group]["group_state"]), kind=kind)


def intruder(group: Group) -> str | None:
    """Return in words who divides a group's partitions in place of its workers; None = nobody does."""
    if group.kind != CLASSIC:
        is_in_use = group.state.lower() not in _UNUSED
        return f"a client of the {group.kind} protocol" if is_in_use else None
    if group.assignor in ("", ASSIGNOR):
        return None
    names = ", ".join(sorted(f"{member.client_id} at {member.host.lstrip('/')}" for member in group.members))
    return f"{names or 'somebody'}, by the assignor {group.assignor}"


def read_description(told: Mapping[str, Any]) -> Group:
    """Return what a coordinator has told of a group, from kafka-python's words.

    Raises:
        KafkaError: it is a refusal.
    """
    if told["error"]:
        # The class of the error is left of it in the text alone.
        code = _ERROR_CODE.match(told["error"])
        error = for_code(int(code[1]) if code else -1)
        if error is not GroupIdNotFoundError:
            raise error(told["error"])
        return Group(DEAD)
    members = [Member(one["member_id"], one["client_id"], one["client_host"]) for one in told["members"]]
    return Group(told["group_state"], told["protocol_data"], tuple(members))


def members_of(group: Group, client_id: str) -> tuple[str, ...]:
    """Return the ids of the members that a process was, by the client id that no other process has.

    Raises:
        ValueError: the client id is empty: that of anybody who gave none.
    """
    if not client_id:
        raise ValueError("a process without a client id of its own is not known by it")
    return tuple(member.member_id for member in group.members if member.client_id == client_id)


def group_of(settings: Settings) -> Group:
    """Connect and ask who is in the group of the settings; a new cluster has no coordinator for a moment.

    Raises:
        BrokerUnreachable: no broker, or no coordinator, answered in time.
        VigilError: the broker refuses to say.
    """
    deadline_s = time.monotonic() + CONNECT_WAIT_S
    with closing(connect_admin(settings)) as admin:
        while True:
            try:
                return describe(admin, settings.judging_group)
            except KafkaError as error:
                if not error.retriable or time.monotonic() > deadline_s:
                    raise failure(f"the group {settings.judging_group} could not be read", error) from None
            time.sleep(LOOK_AGAIN_S)


def drop_dead(settings: Settings, client_id: str, wait_s: float) -> int:
    """Have the group drop what a dead process was in it, at once; return how many members that were.

    The caller has seen the process end: a member that is dropped while it lives joins again, and costs all others two
    rebalances.

    Args:
        settings: of the process: its group, and where and how its brokers are spoken to.
        client_id: that only this process had.
        wait_s: for how long it is tried. After a session timeout the broker has noticed by itself.

    Raises:
        BrokerUnreachable: no broker, or no coordinator, answered in time.
        VigilError: the broker refuses, and would again.
    """
    deadline_s = time.monotonic() + wait_s
    dropped = unseen = 0
    with closing(connect_admin(settings, wait_s)) as admin:
        while unseen < UNSEEN_LOOKS:
            try:
                group = describe(admin, settings.judging_group)
                if group.kind != CLASSIC:
                    told = f"{intruder(group)} is in the group {settings.judging_group}"
                    raise VigilError(f"{told}: nobody can be dropped from it")
                found = members_of(group, client_id)
                dropped += _remove(admin, settings.judging_group, found)
                unseen = 0 if found else unseen + 1
            except KafkaError as error:
                if not error.retriable:
                    raise VigilError(
                        f"the group {settings.judging_group} did not drop a dead member: {error}"
                    ) from None
                problem = str(error)
            else:
                problem = "the member is still there"
            if time.monotonic() > deadline_s:
                told = f"the group {settings.judging_group} did not drop a dead member within {wait_s:g} s"
                raise BrokerUnreachable(f"{told}: {problem}")
            if unseen < UNSEEN_LOOKS:
                time.sleep(LOOK_AGAIN_S)
    return dropped


def _remove(admin: KafkaAdminClient, group: str, member_ids: tuple[str, ...]) -> int:
    """Remove members, of which some may be gone already; return how many went by this.

    Raises:
        KafkaError: no answer, or a refusal.
    """
    if not member_ids:
        return 0
    leaving = [MemberToRemove(member_id=member_id, reason=REASON) for member_id in member_ids]
    results = list(admin.remove_group_members(group, leaving).values())
    if refused := [result for result in results if result not in (NoError, UnknownMemberIdError)]:
        raise refused[0]()
    return results.count(NoError)
