"""A Kafka node whose listeners want TLS: one with an account (SCRAM), one with a certificate of the client's."""

import subprocess
from collections.abc import Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

from kafka.admin import ScramMechanism, UserScramCredentialUpsertion

from edge.brokers.cluster import READY_TIMEOUT_S, free_ports
from edge.brokers.jars import CACHE, find_java, jars
from edge.brokers.node import LOOPBACK, KafkaNode, NodeAddress, properties
from streams.config.settings import Settings
from streams.kafka.connect import connect_admin

USER, PASSWORD = "vigil-test", "correct horse battery staple"
COMMAND_KEY = "of-orders-in-the-readings-0123456789"
OPENSSL_TIMEOUT_S = 30.0
CLUSTER_ID = "Zm9yLXRlc3RzLW9ubHkhIQ"


@dataclass(frozen=True)
class Listeners:
    """Where the node listens, and the folder with `ca.pem`, `other-ca.pem`, `client.pem`."""

    plain: str
    account: str
    certificate: str
    folder: Path

    def with_account(self, **changes: object) -> Settings:
        """Return settings that the listener for accounts accepts, but for the changes."""
        options = {
            "brokers": self.account,
            "security_protocol": "SASL_SSL",
            "ssl_cafile": self.folder / "ca.pem",
            "sasl_username": USER,
            "sasl_password": PASSWORD,
            "command_key": COMMAND_KEY,
            "data_dir": self.folder,
        }
        return Settings(**(options | changes))

    def with_certificate(self, **changes: object) -> Settings:
        """Return settings that the listener for certificates accepts, but for the changes."""
        options = {
            "brokers": self.certificate,
            "security_protocol": "SSL",
            "ssl_cafile": self.folder / "ca.pem",
            "ssl_certfile": self.folder / "client.pem",
            "command_key": COMMAND_KEY,
            "data_dir": self.folder,
        }
        return Settings(**(options | changes))


@contextmanager
def secure_kafka(folder: Path, accounts: Sequence[str] = (USER,), extra: Mapping[str, str] | None = None):
    """Run the node with accounts, all of one password; yield its listeners. `extra` are further properties."""
    make_certificates(folder)
    port, controller, account, certificate = free_ports(4)
    address = NodeAddress(1, port, controller)
    node = KafkaNode(
        find_java(),
        jars(CACHE),
        folder / "node",
        address,
        properties(
            *(address, [address], folder / "data"),
            listeners(folder, address, account, certificate) | dict(extra or {}),
        ),
    )
    node.format(CLUSTER_ID)
    try:
        node.launch(detached=False)
        plain = f"{LOOPBACK}:{port}"
        with closing(connect_admin(Settings(brokers=plain), READY_TIMEOUT_S)) as admin:
            admin.alter_user_scram_credentials(
                [
                    UserScramCredentialUpsertion(name, ScramMechanism.SCRAM_SHA_512, PASSWORD.encode())
                    for name in accounts
                ]
            )
        yield Listeners(plain, f"{LOOPBACK}:{account}", f"{LOOPBACK}:{certificate}", folder)
    finally:
        node.kill()


def listeners(folder: Path, address: NodeAddress, account: int, certificate: int) -> dict[str, str]:
    """Return the properties of the four listeners."""
    served = {"PLAINTEXT": address.port, "ACCOUNT": account, "CERTIFICATE": certificate}
    advertised = ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in served.items())
    return {
        "listeners": f"{advertised},CONTROLLER://{LOOPBACK}:{address.controller_port}",
        "advertised.listeners": advertised,
        "listener.security.protocol.map": (
            "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT,ACCOUNT:SASL_SSL,CERTIFICATE:SSL"
        ),
        "ssl.keystore.type": "PEM",
        "ssl.keystore.location": str(folder / "server.pem"),
        "ssl.truststore.type": "PEM",
        "ssl.truststore.location": str(folder / "ca.pem"),
        "listener.name.certificate.ssl.client.auth": "required",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512",
        "listener.name.account.scram-sha-512.sasl.jaas.config": (
            "org.apache.kafka.common.security.scram.ScramLoginModule required;"
        ),
    }


def make_certificates(folder: Path) -> None:
    """Make two authorities, and a server's and a client's certificate of the first."""
    new_key = ["-newkey", "rsa:2048", "-nodes", "-keyout"]
    for name in ("ca", "other-ca"):
        openssl(
            folder, "req", "-x509", *new_key, f"{name}.key", "-out", f"{name}.pem", "-subj", f"/CN={name}"
        )
    for name in ("server", "client"):
        address = ["-addext", f"subjectAltName=IP:{LOOPBACK}"]
        openssl(
            folder, "req", *new_key, f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}", *address
        )
        signer = ["-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-copy_extensions", "copy"]
        openssl(folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-out", f"{name}.crt")
        parts = [(folder / f"{name}.{kind}").read_text() for kind in ("key", "crt")]
        (folder / f"{name}.pem").write_text("".join(parts))


def openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(
        ["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=OPENSSL_TIMEOUT_S
    )
