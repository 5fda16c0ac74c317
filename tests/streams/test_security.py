"""Settings of TLS and accounts: what is refused, what is never shown, and what the clients are given."""

import os
import re
import ssl
import stat
import subprocess
from pathlib import Path

import pytest

from edge.board.process import tls_of as board_tls
from edge.gateway.tls import tls_of as gateway_tls
from streams.config.secret_settings import is_given, secret_of
from streams.config.settings import SECRETS, Settings, load_settings
from streams.contracts.seals import DEVELOPMENT, Place
from streams.errors import UsageError
from streams.kafka.security import client_security, password_of, seals_of, tls_context
from streams.lane.app import credentials

SECRET = "correct-horse"
ACCOUNT = {"security_protocol": "SASL_SSL", "sasl_username": "vigil", "sasl_password": SECRET}
OPENSSL_TIMEOUT_S = 30.0


@pytest.fixture(autouse=True)
def no_settings_from_outside(monkeypatch):
    for name in [name for name in os.environ if name.startswith("VIGIL_")]:
        monkeypatch.delenv(name)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory, needs_openssl):
    folder = tmp_path_factory.mktemp("certificate")
    request = "req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out crt.pem -subj /CN=test"
    command = ["openssl", *request.split()]
    subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=OPENSSL_TIMEOUT_S)
    return folder


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({**ACCOUNT, "security_protocol": "SASL_PLAINTEXT"}, "shows the password to the network"),
        ({**ACCOUNT, "security_protocol": "PLAINTEXT"}, "PLAINTEXT uses no password"),
        ({**ACCOUNT, "security_protocol": "SSL"}, "SSL uses no password"),
        ({"ssl_cafile": "ca.pem"}, "PLAINTEXT uses no TLS"),
        ({**ACCOUNT, "sasl_username": ""}, "sasl_username: SASL_SSL needs one"),
        ({**ACCOUNT, "sasl_password": None}, "either sasl_password or sasl_password_file"),
        ({**ACCOUNT, "sasl_password_file": "secret"}, "either sasl_password or sasl_password_file"),
        ({"security_protocol": "SSL", "ssl_keyfile": "key.pem"}, "ssl_keyfile: needs ssl_certfile"),
        ({"security_protocol": "TLS"}, "security_protocol: "),
        ({**ACCOUNT, "sasl_mechanism": "GSSAPI"}, "sasl_mechanism: "),
        ({**ACCOUNT, "partitions": 0}, "partitions: "),
        ({"command_key": SECRET, "command_key_file": "key"}, "command_key: give it or command_key_file"),
    ],
)
def test_settings_that_would_not_be_safe_are_one_line_without_the_password(options, said):
    with pytest.raises(UsageError) as refused:
        load_settings(**options)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)
    assert SECRET not in str(refused.value)


def test_a_password_in_clear_is_possible_where_it_is_asked_for():
    settings = load_settings(**{**ACCOUNT, "security_protocol": "SASL_PLAINTEXT"}, insecure_dev=True)
    assert client_security(settings)["security_protocol"] == "SASL_PLAINTEXT"


def test_the_password_is_in_no_text_of_the_settings_but_reaches_our_processes(monkeypatch):
    settings = load_settings(**ACCOUNT)
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()} {settings.model_dump_json()}"
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert password_of(load_settings()) == SECRET
    assert load_settings() == settings


def test_a_plain_connection_has_no_credentials():
    assert client_security(Settings()) == {"security_protocol": "PLAINTEXT"}
    assert credentials(Settings()) is None


def test_every_client_gets_the_same_account_over_a_context_of_ours():
    settings = load_settings(**ACCOUNT)
    options, faust_credentials = client_security(settings), credentials(settings)
    assert options["security_protocol"] == faust_credentials.protocol.value == "SASL_SSL"
    assert options["sasl_mechanism"] == faust_credentials.mechanism.value == "SCRAM-SHA-512"
    assert options["sasl_plain_username"] == faust_credentials.username == "vigil"
    assert options["sasl_plain_password"] == faust_credentials.password == SECRET
    for context in (options["ssl_context"], faust_credentials.ssl_context):
        assert context.verify_mode is ssl.CERT_REQUIRED
        assert context.check_hostname
        assert context.minimum_version >= ssl.TLSVersion.TLSv1_2


def test_a_certificate_of_ours_is_loaded(certificate):
    settings = load_settings(
        security_protocol="SSL",
        ssl_cafile=certificate / "crt.pem",
        ssl_certfile=certificate / "crt.pem",
        ssl_keyfile=certificate / "key.pem",
    )
    assert tls_context(settings).cert_store_stats()["x509"] == 1
    assert credentials(settings).protocol.value == "SSL"


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"ssl_cafile": "none.pem"}, "ssl_cafile: cannot read none.pem: no such file"),
        ({"ssl_cafile": __file__}, f"ssl_cafile: cannot read {__file__}"),
        ({"ssl_certfile": "none.pem"}, "ssl_certfile: cannot read none.pem: no such file"),
    ],
)
def test_files_that_cannot_be_read_are_named(options, said):
    with pytest.raises(UsageError) as refused:
        tls_context(load_settings(security_protocol="SSL", **options))
    assert said in str(refused.value)


def test_a_key_with_a_password_is_refused_and_not_asked_for_at_the_terminal(certificate, tmp_path):
    key = tmp_path / "key.pem"
    command = [
        "openssl",
        "rsa",
        "-aes256",
        "-passout",
        "pass:x1234",
        "-in",
        certificate / "key.pem",
        "-out",
        key,
    ]
    subprocess.run(command, check=True, capture_output=True, timeout=OPENSSL_TIMEOUT_S)
    options = {"ssl_certfile": certificate / "crt.pem", "ssl_keyfile": key}
    with pytest.raises(UsageError, match="ssl_certfile, ssl_keyfile: cannot read"):
        tls_context(load_settings(security_protocol="SSL", **options))


def test_a_password_file_ends_with_its_first_line_end(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(f" {SECRET} \r\n")
    settings = load_settings(**{**ACCOUNT, "sasl_password": None}, sasl_password_file=secret)
    assert password_of(settings) == f" {SECRET} "


@pytest.mark.parametrize("kind", ["missing", "empty"])
def test_a_password_file_that_holds_none_is_named(tmp_path, kind):
    secret = tmp_path / "secret"
    if kind == "empty":
        secret.touch(mode=stat.S_IRUSR)
    settings = load_settings(**{**ACCOUNT, "sasl_password": None}, sasl_password_file=secret)
    with pytest.raises(UsageError, match=f"sasl_password_file: .*{secret.name}"):
        password_of(settings)


def test_every_secret_can_be_given_in_a_file_and_never_in_both_ways(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text(SECRET + "\n")
    typed = {name for name, field in Settings.model_fields.items() if "SecretStr" in str(field.annotation)}
    assert typed == SECRETS
    for name in SECRETS - {"sasl_password"}:  # which counts with an account only: above
        settings = load_settings(**{f"{name}_file": secret})
        assert is_given(settings, name)
        assert secret_of(settings, name) == SECRET
        assert not is_given(Settings(), name)
        with pytest.raises(UsageError, match=f"{name}: give it or {name}_file, not both"):
            load_settings(**{name: SECRET, f"{name}_file": secret})
        secret_gone = load_settings(**{f"{name}_file": tmp_path / "none"})
        with pytest.raises(UsageError, match=f"{name}_file: cannot read .*none"):
            secret_of(secret_gone, name)


def test_no_secret_is_a_setting_that_shows_it():
    shown = {
        name
        for name in Settings.model_fields.keys() - SECRETS
        if re.search(r"(password|secret|token|_key|postgres)$", name)
    }
    assert shown == set()


def test_one_setting_has_everything_speak_tls():
    settings = load_settings(tls_dir="/tls")
    folder = Path("/tls")
    assert settings.security_protocol == "SSL"
    for owner in ("ssl", "gateway_tls", "board_tls"):
        assert getattr(settings, f"{owner}_certfile") == folder / "tls.crt"
        assert getattr(settings, f"{owner}_keyfile") == folder / "tls.key"
    assert settings.ssl_cafile == settings.gateway_mqtt_cafile == folder / "ca.crt"
    assert settings.gateway_tls_cafile is None


def test_an_account_proves_itself_by_its_password_over_tls_and_what_is_given_counts():
    account = {"sasl_username": "vigil", "sasl_password": SECRET}
    settings = load_settings(
        tls_dir="/tls", board_tls_certfile="own.pem", ssl_cafile="hospital.pem", **account
    )
    assert settings.security_protocol == "SASL_SSL"
    assert (settings.ssl_certfile, settings.ssl_cafile) == (None, Path("hospital.pem"))
    assert (settings.board_tls_certfile, settings.board_tls_keyfile) == (Path("own.pem"), None)
    assert settings.gateway_tls_certfile == Path("/tls/tls.crt")


def test_that_setting_reaches_our_processes_as_it_is(monkeypatch):
    settings = load_settings(tls_dir="/tls", sasl_username="vigil", sasl_password=SECRET)
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    assert load_settings() == settings


@pytest.mark.parametrize("protocol", ["PLAINTEXT", "SASL_PLAINTEXT"])
def test_with_that_setting_nothing_is_spoken_in_clear(protocol):
    given = {"sasl_username": "vigil", "sasl_password": SECRET, "insecure_dev": True}
    with pytest.raises(UsageError, match=f"tls_dir: security_protocol {protocol} would speak"):
        load_settings(tls_dir="/tls", security_protocol=protocol, **given)


def test_the_ports_of_gateway_and_board_show_the_certificate_of_that_folder(certificate, tmp_path):
    for name, file in {"tls.crt": "crt.pem", "tls.key": "key.pem", "ca.crt": "crt.pem"}.items():
        (tmp_path / name).write_bytes((certificate / file).read_bytes())
    settings = load_settings(tls_dir=tmp_path)
    assert gateway_tls(settings) is not None
    assert board_tls(settings) is not None
    assert tls_context(settings).cert_store_stats()["x509"] == 1


KEY = "0123456789abcdef0123456789abcdef"
BEFORE = KEY[::-1]


def test_orders_are_proven_with_the_development_key_only_where_nobody_is_asked_who_connects():
    assert seals_of(load_settings()) is DEVELOPMENT
    assert seals_of(load_settings(security_protocol="SSL")) is DEVELOPMENT
    for options in (ACCOUNT, {"security_protocol": "SSL", "ssl_certfile": "client.pem"}):
        with pytest.raises(UsageError, match="command_key_file: brokers that ask who connects need one"):
            seals_of(load_settings(**options))


def test_a_key_file_holds_the_key_and_the_one_before_it(tmp_path):
    secret = tmp_path / "key"
    secret.write_text(f"{KEY}\n{BEFORE}\n")
    both = seals_of(load_settings(**ACCOUNT, command_key_file=secret))
    place = Place(0, 1)
    assert both.opened(b"k", seals_of(load_settings(command_key=BEFORE)).seal(b"k", place, b"{}"))
    assert seals_of(load_settings(command_key=KEY)).opened(b"k", both.seal(b"k", place, b"{}"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (None, "command_key_file: cannot read"),
        ("", "command_key_file: .* is empty"),
        (" \n \n", "command_key_file: holds 0 keys"),
        (f"{KEY}\n{KEY}\n{KEY}", "command_key_file: holds 3 keys"),
        ("short", "command_key_file: a key has fewer than 32 characters"),
    ],
)
def test_a_key_file_that_proves_nothing_is_named(tmp_path, text, said):
    secret = tmp_path / "key"
    if text is not None:
        secret.write_text(text)
    with pytest.raises(UsageError, match=said) as refused:
        seals_of(load_settings(**ACCOUNT, command_key_file=secret))
    assert "\n" not in str(refused.value)
    assert KEY not in str(refused.value)


def test_the_command_key_reaches_a_worker_of_ours_and_is_never_printed():
    settings = load_settings(command_key=KEY)
    assert settings.environment()["VIGIL_COMMAND_KEY"] == KEY
    assert KEY not in f"{settings!r} {settings.model_dump_json()}"
