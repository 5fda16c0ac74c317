"""Mutual TLS: a device's certificate says who sends, a stranger's says nothing, and no clear text is answered."""

import asyncio
import datetime
import ssl

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from gateway_world import GOOD, JSON, RecordingDoor

from edge.gateway.http.server import HttpServer, Pages
from edge.gateway.identities import Identities
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.tls import tls_of
from streams.config.settings import Settings
from streams.errors import UsageError

DAY = datetime.timedelta(days=1)


def certificate(folder, name, issuer=None, names=("localhost",)):
    """Write `NAME.pem`, certificate and key in one, signed by an issuer or by itself; return what signs others."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    signer_key, signer = issuer or (key, subject)
    now = datetime.datetime.now(datetime.UTC)
    built = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(signer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(one) for one in names]), critical=False)
        .add_extension(x509.BasicConstraints(ca=issuer is None, path_length=None), critical=True)
        .sign(signer_key, hashes.SHA256())
    )
    (folder / f"{name}.pem").write_bytes(
        built.public_bytes(serialization.Encoding.PEM)
        + key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    return key, subject


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tls")
    authority = certificate(folder, "ca")
    certificate(folder, "gateway", authority)
    certificate(folder, "mon-a", authority, ("mon-a.example",))
    certificate(folder, "mon-b", authority, ("mon-b.example",))
    certificate(folder, "stranger", certificate(folder, "other-ca"), ("mon-a.example",))
    (folder / "clients.toml").write_text('[clients.mon-a]\ncertificates = ["mon-a.example"]\n')
    return folder


def settings_of(folder):
    return Settings(
        gateway_clients=folder / "clients.toml",
        gateway_tls_certfile=folder / "gateway.pem",
        gateway_tls_cafile=folder / "ca.pem",
    )


def status_with(folder, name):
    """Return the status that a client with that certificate gets, None if it does not come so far."""

    async def run():
        door, settings = RecordingDoor(), settings_of(folder)
        server = HttpServer(
            door, Identities(settings), GatewayMetrics().protocol("http"), Pages(), tls_of(settings)
        )
        await server.start("127.0.0.1", 0)
        context = ssl.create_default_context(cafile=folder / "ca.pem")
        if name:
            context.load_cert_chain(folder / f"{name}.pem")
        url = f"https://localhost:{server.port}/v1/readings"
        try:
            async with (
                aiohttp.ClientSession() as session,
                session.post(url, data=GOOD, headers=JSON, ssl=context) as answer,
            ):
                return answer.status, [sender.name for sender in door.senders]
        except aiohttp.ClientError:
            return None, []
        finally:
            await server.stop()

    return asyncio.run(run())


def test_a_certificate_that_the_clients_file_names_is_its_clients(folder):
    assert status_with(folder, "mon-a") == (202, ["mon-a"])


def test_another_certificate_of_the_same_authority_and_none_at_all_are_nobodys(folder):
    assert status_with(folder, "mon-b") == (401, [])
    assert status_with(folder, "") == (401, [])


def test_a_strangers_certificate_with_the_right_name_does_not_connect(folder):
    assert status_with(folder, "stranger") == (None, [])


def test_files_that_are_no_certificates_are_told_by_their_settings(folder, tmp_path):
    (tmp_path / "empty.pem").write_text("")
    with pytest.raises(UsageError, match="gateway_tls_"):
        tls_of(Settings(gateway_tls_certfile=tmp_path / "empty.pem"))
    with pytest.raises(UsageError, match="gateway_tls_certfile: needed"):
        tls_of(Settings(gateway_tls_cafile=folder / "ca.pem"))
    assert tls_of(Settings()) is None
