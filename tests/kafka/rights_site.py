"""A Kafka that asks who connects and lets nobody do what the committed commands do not give: one account a part."""

import re
import shlex
from contextlib import closing, contextmanager

from kafka.admin import ACL, ACLOperation, ACLPermissionType, ResourcePattern, ResourceType
from kafka.admin import ACLResourcePatternType as Pattern
from secure_kafka import secure_kafka

from streams.config.settings import Settings
from streams.contracts.rights import PARTS, account_of, part_called
from streams.kafka.connect import connect_admin

AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    # The listener without accounts is the cluster's own, and the test's: it looks at everything and hands out rights.
    "super.users": "User:ANONYMOUS",
    "allow.everyone.if.no.acl.found": "false",
}
_DENIED = re.compile(
    r"Principal = User:(\S+) is Denied operation = (\w+) .* on resource = (\S+) for request = (\w+)"
)


class RightsSite:
    """The cluster as each account sees it, and as its owner does."""

    def __init__(self, listeners, **common):
        self.listeners, self._common = listeners, common
        self.owner = Settings(brokers=listeners.plain, data_dir=listeners.folder, **common)

    def account(self, part, **changes):
        """Return the settings of a part, with its own account."""
        return self.listeners.with_account(
            sasl_username=account_of(part_called(part)), **(self._common | changes)
        )

    def denied(self):
        """Return what the authorizer has refused so far: account, operation, resource, request."""
        text = (self.listeners.folder / "node" / "server.log").read_text(errors="replace")
        return [found.groups() for found in _DENIED.finditer(text)]


@contextmanager
def rights_site(folder, commands, **common):
    """Run Kafka and give each part what the commands of kafka-acls.sh say; `common` are settings of all parts."""
    accounts = [account_of(part) for part in PARTS]
    with secure_kafka(folder, accounts, AUTHORIZER) as listeners:
        site = RightsSite(listeners, **common)
        with closing(connect_admin(site.owner)) as admin:
            admin.create_acls(acls_of(commands))
        yield site


def acls_of(commands):
    """Return what a file of commands of kafka-acls.sh gives, read as that program would."""
    found = []
    for line in commands.splitlines():
        if not line.startswith("$KAFKA_ACLS "):
            continue
        words = iter(shlex.split(line)[1:])
        principal, operations, resources, pattern = "", [], [], Pattern.LITERAL
        for word in words:
            if word == "--allow-principal":
                principal = next(words)
            elif word == "--operation":
                operations.append(ACLOperation[re.sub(r"(?<=[a-z])(?=[A-Z])", "_", next(words)).upper()])
            elif word in ("--topic", "--group"):
                resources.append((ResourceType[word[2:].upper()], next(words)))
            elif word == "--resource-pattern-type":
                pattern = Pattern[next(words).upper()]
            else:
                assert word == "--add", line
        assert all((principal, operations, resources)), line
        found += [
            ACL(principal, "*", operation, ACLPermissionType.ALLOW, ResourcePattern(kind, name, pattern))
            for operation in operations
            for kind, name in resources
        ]
    return found
