"""What `vigil doctor` looks at: each check is ok, failed, or skipped with its reason; none changes anything."""

import platform
import shutil
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any, Final, Literal

from kafka.errors import KafkaError, KafkaTimeoutError

from edge.brokers.embedded import EmbeddedBroker
from edge.file_checks import reference_file, routing_file, rules_file
from edge.identity.accounts import load_accounts
from edge.identity.development import DEVELOPMENT as DEVELOPER
from edge.identity.development import has_sign_in, is_development
from edge.options import with_changes
from edge.project import installed, pins
from streams.config.settings import Settings
from streams.contracts.seals import DEVELOPMENT
from streams.errors import BrokerUnreachable, VigilError
from streams.kafka.admin import inspect_topics
from streams.kafka.codecs import CODECS, unreadable_codecs
from streams.kafka.connect import connect_admin
from streams.kafka.layout_log import laid_out
from streams.kafka.membership import group_of, intruder
from streams.kafka.producers import PROBES, Producer
from streams.kafka.security import seals_of

PYTHON_MIN: Final = (3, 11)
DISK_FREE_MIN_MB: Final = 500
PROBE_TIMEOUT_S: Final = 10.0
_PROBE_TS_MS: Final = 1_000
"""A timestamp that no broker's clock has: it comes back where the broker does not stamp records itself."""


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at."""

    name: str
    result: Literal["ok", "failed", "skipped"]
    detail: str


def run_checks(settings: Settings) -> Iterator[Check]:
    """Look at everything, one after the other; without a broker in the settings the embedded one is tried."""
    yield _python()
    yield _dependencies()
    yield _codecs()
    yield _disk(settings)
    yield _guarded("command key", lambda: _command_key(settings))
    yield _guarded("sign-in", lambda: _sign_in(settings))
    yield _guarded("rules", lambda: Check("rules", "ok", rules_file(settings)))
    yield _guarded("routing", lambda: Check("routing", "ok", routing_file(settings)))
    if settings.bootstrap:
        reachable = _guarded("broker", lambda: _broker(settings))
        yield reachable
        rest: dict[str, Callable[[], Check]] = {
            "topics": lambda: _topics(settings),
            "group": lambda: _group(settings),
            "clock": lambda: _clock(settings),
            "reference": lambda: Check("reference", "ok", reference_file(settings)),
        }
        for name, look in rest.items():
            if reachable.result == "ok":
                yield _guarded(name, look)
            else:
                yield Check(name, "skipped", "no broker answers")
        return
    yield _guarded("broker", lambda: _embedded(settings))
    for name in ("topics", "group", "clock", "reference"):
        yield Check(name, "skipped", "no broker given: use --brokers or VIGIL_BROKERS")


def _guarded(name: str, look: Callable[[], Check]) -> Check:
    try:
        return look()
    except VigilError as error:
        return Check(name, "failed", str(error))


def _python() -> Check:
    ok = sys.version_info >= PYTHON_MIN
    wanted = ".".join(str(part) for part in PYTHON_MIN)
    return Check("python", "ok" if ok else "failed", f"{platform.python_version()}, needs {wanted} or newer")


def _dependencies() -> Check:
    wrong = [
        f"{name} is {found or 'missing'}, pinned {wanted}"
        for name, wanted in pins().items()
        if (found := installed(name)) != wanted
    ]
    if wrong:
        return Check("dependencies", "failed", "; ".join(wrong))
    return Check("dependencies", "ok", f"{len(pins())} as pinned")


def _codecs() -> Check:
    """Let both Kafka clients open a batch of each codec: devices and brokers choose which they use."""
    if missing := unreadable_codecs():
        told = "; ".join(f"{codec} by {client}: {why}" for (client, codec), why in missing.items())
        return Check("codecs", "failed", f"cannot open {told}")
    return Check("codecs", "ok", f"{', '.join(CODECS)}: by workers and at the edge")


def _disk(settings: Settings) -> Check:
    folder = settings.data_dir.absolute()
    there = next(parent for parent in (folder, *folder.parents) if parent.exists())
    free_mb = shutil.disk_usage(there).free // 1_000_000
    result: Literal["ok", "failed"] = "ok" if free_mb >= DISK_FREE_MIN_MB else "failed"
    return Check("disk", result, f"{free_mb:,} MB free at {there}, needs {DISK_FREE_MIN_MB:,}")


def _command_key(settings: Settings) -> Check:
    """Look whether orders in the readings can be proven, as workers need it."""
    if seals_of(settings) is DEVELOPMENT:
        return Check("command key", "ok", "the development key, which everybody knows: not for a hospital")
    return Check("command key", "ok", "set; it must be the same for all workers")


def _sign_in(settings: Settings) -> Check:
    """Look whether people can sign in, and who acts where they need not."""
    if is_development(settings):
        told = f"none: who orders is {DEVELOPER!r}, of every ward: not for a hospital"
        return Check("sign-in", "ok", told)
    if not has_sign_in(settings):
        return Check("sign-in", "failed", "nobody can sign in: set VIGIL_ACCOUNTS (vigil accounts add)")
    ways = []
    if settings.accounts is not None:
        accounts = load_accounts(settings.accounts)
        ways.append(f"{len(accounts.accounts)} account(s), {len(accounts.groups)} group(s)")
    ways += ["OpenID provider"] if settings.oidc_issuer else []
    ways += ["proxy"] if settings.proxy_addresses else []
    return Check("sign-in", "ok", ", ".join(ways))


def _broker(settings: Settings) -> Check:
    started_s = time.monotonic()
    with closing(connect_admin(settings)) as admin:
        try:
            nodes = len(admin.describe_cluster()["brokers"])
        except KafkaError as error:
            return Check("broker", "failed", f"{settings.brokers}: {error}")
    took_ms = (time.monotonic() - started_s) * 1000
    return Check("broker", "ok", f"{settings.brokers}: {nodes} node(s), connected in {took_ms:.0f} ms")


def _embedded(settings: Settings) -> Check:
    started_s = time.monotonic()
    with EmbeddedBroker() as broker, closing(connect_admin(with_changes(settings, brokers=broker.bootstrap))):
        took_ms = (time.monotonic() - started_s) * 1000
    return Check("broker", "ok", f"none given; the embedded one starts in {took_ms:.0f} ms")


def _topics(settings: Settings) -> Check:
    inspection = inspect_topics(laid_out(settings))
    if inspection.differences:
        first = inspection.differences[0]
        found = "missing" if first.found is None else first.found
        told = f"{first.topic}: {first.what} is {found}, planned {first.planned}"
        count = len(inspection.differences)
        return Check("topics", "failed", f"{count} difference(s), first {told}; see vigil topics check")
    if inspection.unreported:
        return Check("topics", "ok", "as planned, as far as this broker reports their configuration")
    return Check("topics", "ok", "as planned")


def _group(settings: Settings) -> Check:
    """Look who is in the workers' group: a client of another protocol keeps them from judging."""
    try:
        group = group_of(settings)
    except BrokerUnreachable:
        raise
    except VigilError as error:
        return Check("group", "skipped", str(error))
    if found := intruder(group):
        return Check(
            "group", "failed", f"{settings.group} is in use by {found}: end it, or give it another group"
        )
    return Check("group", "ok", f"{settings.group}: {len(group.members)} member(s), {group.state.lower()}")


def _clock(settings: Settings) -> Check:
    """Compare clocks by the append time of one record in a topic of its own, which is removed again."""
    topic = f"{settings.topic_prefix}vigil-doctor-{uuid.uuid4().hex[:12]}"
    wait_ms = int(PROBE_TIMEOUT_S * 1000)
    shape = {
        "num_partitions": 1,
        "replication_factor": 1,
        "configs": {"message.timestamp.type": "LogAppendTime"},
    }
    with closing(connect_admin(settings)) as admin:
        try:
            admin.create_topics({topic: shape}, timeout_ms=wait_ms, wait_for_metadata=True)
        except KafkaError as error:
            return Check("clock", "skipped", f"no topic for a probe: {error}")
        try:
            return _compare(settings, topic)
        except KafkaError as error:
            return Check("clock", "skipped", f"no answer to a probe: {error}")
        finally:
            admin.delete_topics([topic], timeout_ms=wait_ms, raise_errors=False)


def _compare(settings: Settings, topic: str) -> Check:
    with Producer(settings, PROBES, topic) as producer:
        # The first record also pays for the connection; the second one measures.
        _probe(producer)
        sent_ms = time.time() * 1000
        told = _probe(producer)
        back_ms = time.time() * 1000
    if told.timestamp == _PROBE_TS_MS:
        return Check("clock", "skipped", "this broker does not stamp records with its own time")
    ahead_ms = told.timestamp - (sent_ms + back_ms) / 2
    result: Literal["ok", "failed"] = "ok" if abs(ahead_ms) <= settings.clock_ahead_ms_max else "failed"
    unsure_ms = (back_ms - sent_ms) / 2
    bound = f"at most {settings.clock_ahead_ms_max:,} ms is right"
    return Check("clock", result, f"the broker is {ahead_ms:+,.0f} ms (±{unsure_ms:.0f}) from here, {bound}")


def _probe(producer: Producer) -> Any:
    """Write a record and return where it is.

    Raises:
        KafkaError: the broker did not take it.
    """
    sent = producer.send(None, b"probe", ts_ms=_PROBE_TS_MS)
    if sent is None:
        raise KafkaTimeoutError("no metadata")
    return sent.get(PROBE_TIMEOUT_S)
