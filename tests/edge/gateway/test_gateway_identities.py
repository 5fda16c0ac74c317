"""Who sends: keys, certificates and tokens, and which devices each may send for."""

import json
import os
import random
import re
import string

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, KeySet, RSAKey

from edge.gateway.accept import Sender
from edge.gateway.certificates import names_of
from edge.gateway.clients import load_clients
from edge.gateway.identities import ANYBODY, Identities
from edge.gateway.keys import new_key
from edge.gateway.tokens import ALGORITHMS, ASSERTION_S_MAX, LEEWAY_S, Refused, claims_of
from streams.config.settings import Settings
from streams.contracts.frame import ID_PATTERN
from streams.errors import UsageError

NOW_S = 1_760_000_000
AUDIENCE = "https://gateway.example"
PROVIDER = "https://login.example"
CLAIMS = {
    "iss": PROVIDER,
    "sub": "ward-3",
    "aud": AUDIENCE,
    "exp": NOW_S + 300,
    "iat": NOW_S,
    "jti": "a1",
}
KEYS = {
    "RS384": RSAKey.generate_key(2048, {"kid": "r"}),
    "ES384": ECKey.generate_key("P-384", {"kid": "e384"}),
    "ES256": ECKey.generate_key("P-256", {"kid": "e256"}),
}
PUBLIC = {"keys": [key.as_dict(private=False) for key in KEYS.values()]}


def signed(algorithm="ES384", header=None, key=None, **changes):
    claims = {name: value for name, value in {**CLAIMS, **changes}.items() if value is not None}
    key = key or KEYS[algorithm]
    return jwt.encode(
        {"alg": algorithm, "kid": key.kid, **(header or {})}, claims, key, algorithms=[algorithm]
    )


def checked(token):
    return claims_of(token, KeySet.import_key_set(PUBLIC), PROVIDER, AUDIENCE, NOW_S)


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_a_token_with_everything_in_it_counts(algorithm):
    assert checked(signed(algorithm))["sub"] == "ward-3"


@pytest.mark.parametrize("claim", CLAIMS)
def test_a_token_without_one_of_the_claims_proves_nothing(claim):
    with pytest.raises(Refused):
        checked(signed(**{claim: None}))


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://other.example"},
        {"aud": "https://other.example"},
        {"aud": []},
        {"exp": NOW_S - LEEWAY_S - 1},
        {"exp": "soon"},
        {"iat": NOW_S + LEEWAY_S + 60},
        {"nbf": NOW_S + LEEWAY_S + 60},
        {"sub": ""},
        {"jti": 5},
    ],
)
def test_a_token_with_a_wrong_claim_proves_nothing(changes):
    with pytest.raises(Refused):
        checked(signed(**changes))


def test_a_token_that_another_key_signed_or_none_proves_nothing():
    stranger = ECKey.generate_key("P-384", {"kid": "e384"})
    token = signed(key=stranger)
    for wrong in (token, signed()[:-4] + "AAAA", signed() + ".x", "", "a.b.c", "..", "é.é.é"):
        with pytest.raises(Refused):
            checked(wrong)
    head, body, _ = signed().split(".")
    none = "eyJhbGciOiJub25lIn0"
    for wrong in (f"{none}.{body}.", f"{head}.{body}."):
        with pytest.raises(Refused):
            checked(wrong)


def test_an_algorithm_that_is_not_listed_proves_nothing():
    key = RSAKey.generate_key(2048, {"kid": "r2"})
    keys = KeySet.import_key_set({"keys": [key.as_dict(private=False)]})
    token = jwt.encode({"alg": "RS256", "kid": "r2"}, CLAIMS, key, algorithms=["RS256"])
    with pytest.raises(Refused):
        claims_of(token, keys, PROVIDER, AUDIENCE, NOW_S)


def test_without_an_issuer_or_an_audience_set_no_token_counts():
    for issuer, audience in (("", AUDIENCE), (PROVIDER, "")):
        with pytest.raises(Refused):
            claims_of(
                signed(iss=issuer, aud=audience), KeySet.import_key_set(PUBLIC), issuer, audience, NOW_S
            )


@pytest.fixture
def world(tmp_path):
    """A clients file of three clients, with everything beside it, and the key of the first."""
    made = new_key("pump-7")
    (tmp_path / "own.json").write_text(json.dumps(PUBLIC))
    (tmp_path / "clients.toml").write_text(
        f'[clients.pump-7]\nkey_sha256 = ["{made.sha256}"]\n'
        '[clients.ward-3]\ndevices = ["monitor-3-*"]\nnames_patients = true\n'
        'certificates = ["ward-3.example"]\nsubject = "ward-3"\n'
        '[clients.smart]\ndevices = ["smart-1"]\njwks = "own.json"\n'
    )
    settings = Settings(
        gateway_clients=tmp_path / "clients.toml",
        gateway_audience=AUDIENCE,
        gateway_oidc_issuer=PROVIDER,
        gateway_oidc_jwks=tmp_path / "own.json",
    )
    return settings, made.key


def test_a_key_names_its_client_who_without_devices_is_a_device(world):
    settings, key = world
    sender = Identities(settings)(f"Bearer {key}", None)
    assert (sender.name, sender.devices, sender.names_patients) == ("pump-7", ("pump-7",), False)


def test_while_a_key_is_changed_both_count(tmp_path):
    old, new = new_key("pump-7"), new_key("pump-7")
    path = tmp_path / "clients.toml"
    path.write_text(f'[clients.pump-7]\nkey_sha256 = ["{old.sha256}", "{new.sha256}"]\n')
    who = Identities(Settings(gateway_clients=path))
    assert all(who(f"Bearer {made.key}", None) is not None for made in (old, new))
    assert who(f"Bearer {new_key('pump-7').key}", None) is None


def test_a_wrong_key_is_nobodys(world):
    settings, key = world
    who = Identities(settings)
    for wrong in (key[:-1], key + "A", key.replace("pump-7", "ward-3"), "", "vgk.", "vgk.pump-7.", "vgk"):
        assert who(f"Bearer {wrong}", None) is None
        assert who(f"Basic {key}", None) is None
        assert who(wrong, None) is None


def test_a_providers_token_is_its_clients(world):
    settings, _ = world
    who = Identities(settings, lambda: NOW_S)
    assert who(f"Bearer {signed()}", None).name == "ward-3"
    assert who(f"Bearer {signed(sub='other', client_id='ward-3')}", None).name == "ward-3"
    assert who(f"Bearer {signed(sub='other')}", None) is None
    assert who(f"Bearer {signed(sub='ward-3', client_id='other')}", None) is None


def test_a_token_that_counted_counts_no_more_when_it_has_ended(world):
    settings, _ = world
    clock = [NOW_S]
    who = Identities(settings, lambda: clock[0])
    token = f"Bearer {signed()}"
    assert who(token, None) is not None
    clock[0] += 300 + LEEWAY_S + 1
    assert who(token, None) is None


def test_a_client_may_sign_its_own_token_for_five_minutes(world):
    settings, _ = world
    who = Identities(settings, lambda: NOW_S)
    own = {"iss": "smart", "sub": "smart"}
    assert who(f"Bearer {signed(**own)}", None).devices == ("smart-1",)
    assert who(f"Bearer {signed(**own | {'sub': 'ward-3'})}", None) is None
    assert who(f"Bearer {signed(**own | {'exp': NOW_S + ASSERTION_S_MAX + LEEWAY_S + 1})}", None) is None
    assert who(f"Bearer {signed(iss='ward-3', sub='ward-3')}", None) is None, "it has no keys of its own"


def test_a_clients_own_token_is_exchanged_once_and_no_other_at_all(world):
    settings, key = world
    who = Identities(settings, lambda: NOW_S)
    own = {"iss": "smart", "sub": "smart"}
    assert who.exchange_s(signed(**own)) == 300
    assert who.exchange_s(signed(**own)) is None
    assert who.exchange_s(signed(**own, jti="a2")) == 300
    for other in (signed(), key, "", "a.b.c", signed(**own | {"aud": "x"}, jti="a3")):
        assert who.exchange_s(other) is None


class Peer:
    def __init__(self, certificate):
        self.certificate = certificate

    def getpeercert(self):
        return self.certificate


def test_a_certificate_is_known_by_its_alternative_names_and_only_without_any_by_its_common_name(world):
    settings, _ = world
    who = Identities(settings)
    common = ((("commonName", "ward-3.example"),),)
    assert who("", Peer({"subject": common})).name == "ward-3"
    assert who("", Peer({"subject": common, "subjectAltName": (("DNS", "other"),)})) is None
    assert who("", Peer({"subjectAltName": (("IP Address", "ward-3.example"),)})) is None
    assert who("", Peer({"subjectAltName": (("DNS", "ward-3.example"),)})).name == "ward-3"
    assert who("", Peer({})) is None
    assert who("", None) is None
    assert names_of({}) == ()


def test_a_certificate_of_two_clients_is_nobodys(tmp_path):
    path = tmp_path / "clients.toml"
    path.write_text('[clients.a]\ncertificates = ["a", "a2"]\n[clients.b]\ncertificates = ["b"]\n')
    who = Identities(Settings(gateway_clients=path))
    assert who("", Peer({"subjectAltName": (("DNS", "a"), ("DNS", "a2"))})).name == "a"
    assert who("", Peer({"subjectAltName": (("DNS", "a"), ("DNS", "b"))})) is None


def test_a_changed_file_is_read_again_and_a_broken_one_leaves_the_former_clients(world, caplog):
    settings, key = world
    who = Identities(settings)
    path = settings.gateway_clients
    old = path.read_text()
    path.write_text("[clients")
    os.utime(path, ns=(1, 1))
    who.refresh()
    assert "the former clients stay" in caplog.text
    assert who(f"Bearer {key}", None) is not None
    path.write_text(old.replace("pump-7", "pump-8"))
    os.utime(path, ns=(2, 2))
    who.refresh()
    assert who(f"Bearer {key}", None) is None


def test_without_a_file_only_this_machine_may_connect():
    assert Identities(Settings())("", None) is ANYBODY
    with pytest.raises(UsageError, match="gateway_clients: name a file"):
        Identities(Settings(gateway_host="0.0.0.0"))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[clients.a]\nkey = 'secret-4711'\n", "clients.a.key"),
        ("[clients.a]\nkey_sha256 = ['secret-4711']\n", "key_sha256"),
        ("[clients.'a b']\n", "pattern"),
        ("[clients.a]\ndevices = ['m*n']\n", "devices"),
        ("[clients.a]\ncertificates = ['x']\n[clients.b]\ncertificates = ['x']\n", "same certificate"),
        ("[clients.a]\nsubject = 'x'\n[clients.b]\nsubject = 'x'\n", "same subject"),
        ("[clients.a]\njwks = 'none.json'\n", "none.json"),
        ("clients", "cannot read"),
    ],
)
def test_a_wrong_file_is_told_in_one_line_without_its_secrets(tmp_path, text, says):
    path = tmp_path / "clients.toml"
    path.write_text(text)
    with pytest.raises(UsageError) as told:
        load_clients(path)
    assert says in str(told.value)
    assert "4711" not in str(told.value)


def test_a_private_or_symmetric_key_has_no_place_in_a_key_set(tmp_path):
    for key in (KEYS["ES256"].as_dict(private=True), {"kty": "oct", "k": "A" * 43}):
        (tmp_path / "keys.json").write_text(json.dumps({"keys": [key]}))
        (tmp_path / "clients.toml").write_text("[clients.a]\njwks = 'keys.json'\n")
        with pytest.raises(UsageError, match=r"keys\.json"):
            load_clients(tmp_path / "clients.toml")


def test_of_a_hundred_thousand_invented_device_ids_none_passes_for_another_device():
    seeded = random.Random(22)
    letters = string.ascii_letters + string.digits + "._:@-*~/\\ %\u0430\u200b\x00\n"
    named = ("monitor-3-7", "Pump:1")
    passed = 0
    for _ in range(100_000):
        base = list(seeded.choice(named))
        for _ in range(seeded.randint(0, 3)):
            at = seeded.randrange(len(base) + 1)
            base[at : at + seeded.randint(0, 2)] = seeded.choices(letters, k=seeded.randint(0, 2))
        device = "".join(base)
        assert Sender("two", named).may_send_for(device) == (device in named)
        passed += device in named
        if Sender("ward", ("monitor-3-*",)).may_send_for(device):
            assert device.startswith("monitor-3-")
    assert passed > 10_000
    assert not re.fullmatch(ID_PATTERN, "monitor*"), "an id can be no pattern"


SDC_CLIENTS = """
[clients.monitor-7]
sdc = ["urn:uuid:0001"]
certificates = ["monitor-7.icu"]
[clients.theatre]
devices = ["theatre-*"]
sdc = ["urn:uuid:0002", "urn:uuid:0003"]
"""


@pytest.fixture
def sdc_world(tmp_path):
    (tmp_path / "clients.toml").write_text(SDC_CLIENTS)
    return Identities(Settings(gateway_clients=tmp_path / "clients.toml"))


def test_an_sdc_provider_is_the_client_that_names_it_and_no_other_device(sdc_world):
    sender, device = sdc_world.of_provider("urn:uuid:0001", ("monitor-7.icu",))
    assert (sender, device) == (Sender("monitor-7", ("monitor-7",)), "monitor-7")
    sender, device = sdc_world.of_provider("urn:uuid:0002", None)
    assert sender.devices == (device,)
    assert not sender.may_send_for("theatre-1")


@pytest.mark.parametrize("devices", ["", 'devices = ["*"]\n'])
def test_two_sdc_providers_of_one_client_are_two_devices(tmp_path, devices):
    (tmp_path / "clients.toml").write_text(
        f'[clients.bay-7]\n{devices}sdc = ["urn:uuid:0001", "urn:uuid:0002"]\n'
    )
    world = Identities(Settings(gateway_clients=tmp_path / "clients.toml"))
    found = {world.of_provider(epr, None)[1] for epr in ("urn:uuid:0001", "urn:uuid:0002")}
    assert len(found) == 2
    assert set(world.provider_named("bay-7").devices) == found


def test_two_sdc_providers_of_a_client_are_never_one_device(tmp_path):
    (tmp_path / "clients.toml").write_text('[clients.room-2]\nsdc = ["urn:uuid:0004", "urn:uuid:0005"]')
    identities = Identities(Settings(gateway_clients=tmp_path / "clients.toml"))
    found = [identities.of_provider(f"urn:uuid:{number}", None) for number in ("0004", "0005")]
    assert [device for _, device in found] == ["urn:uuid:0004", "urn:uuid:0005"]
    assert all(sender.devices == (device,) for sender, device in found)


@pytest.mark.parametrize(("epr", "names"), [("urn:uuid:0009", None), ("urn:uuid:0001", ("other.icu",))])
def test_an_sdc_provider_that_is_not_named_or_shows_anothers_certificate_is_refused(sdc_world, epr, names):
    assert sdc_world.of_provider(epr, names).reason == "unauthenticated"


def test_what_waits_on_disk_of_a_clients_sdc_providers_may_be_sent_for_each_of_their_devices(sdc_world):
    found = [sdc_world.of_provider(f"urn:uuid:{number}", None) for number in ("0002", "0003")]
    sender = sdc_world.provider_named("theatre")
    assert all(sender.may_send_for(device) for _, device in found)
    assert not sender.may_send_for("theatre-1")
    assert sdc_world.provider_named("monitor-7") == Sender("monitor-7", ("monitor-7",))


def test_a_client_without_sdc_providers_sends_for_none(sdc_world):
    assert sdc_world.provider_named("nobody") is None
    assert Identities(Settings()).provider_named(ANYBODY.name) is ANYBODY
