"""Who sends: by certificate, or by MSH-3 and MSH-4 from a network."""

from datetime import UTC
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from edge.gateway.accept import Refusal, Sender
from edge.gateway.hl7.desk import Peer
from edge.gateway.hl7.profile import Profile
from edge.gateway.hl7.senders import Hl7Client, Hl7Entry, Senders

ICU = Hl7Client(
    Sender("icu", ("*",)),
    ("icu.hospital",),
    Hl7Entry(applications=("CENTRAL|ICU",), networks=("10.1.0.0/16",)),
)
MONITOR = Hl7Client(Sender("mon", ("M1",)), ("m1.hospital",))
HIS = Hl7Client(Sender("his", ()), (), Hl7Entry(applications=("HIS",), networks=("10.2.0.7", "fd00::/64")))
SENDERS = Senders({"icu": ICU, "mon": MONITOR, "his": HIS})


def who(address="10.1.2.3", names=None, application="CENTRAL", facility="ICU", senders=SENDERS):
    found = senders.identify(Peer(address, names), application, facility)
    return found.reason if isinstance(found, Refusal) else found.name


@pytest.mark.parametrize(
    ("address", "application", "facility", "name"),
    [
        ("10.1.2.3", "CENTRAL", "ICU", "icu"),
        ("10.1.2.3", "CENTRAL^00A0^EUI-64", "ICU^x", "icu"),
        ("10.1.2.3", "CENTRAL", "WARD", "unknown-sender"),
        ("10.2.0.3", "CENTRAL", "ICU", "unknown-sender"),
        ("10.2.0.7", "HIS", "", "his"),
        ("10.2.0.7", "HIS", "anything", "his"),
        ("10.2.0.8", "HIS", "", "unknown-sender"),
        ("fd00::9", "HIS", "", "his"),
        ("10.2.0.7", "", "", "unknown-sender"),
        ("", "HIS", "", "unknown-sender"),
    ],
)
def test_without_a_certificate_application_facility_and_network_must_all_be_the_clients(
    address, application, facility, name
):
    assert who(address, None, application, facility) == name


@pytest.mark.parametrize(
    ("names", "application", "name"),
    [
        (("m1.hospital",), "WHATEVER", "mon"),
        (("other", "m1.hospital"), "", "mon"),
        (("icu.hospital",), "CENTRAL", "icu"),
        (("icu.hospital",), "SOMEBODY", "unknown-sender"),
        (("stranger",), "CENTRAL", "unknown-sender"),
        ((), "CENTRAL", "unknown-sender"),
    ],
)
def test_a_certificate_decides_from_anywhere_and_is_never_made_up_for_by_a_network(names, application, name):
    assert who("10.1.2.3", names, application) == name


def test_a_client_without_networks_is_known_by_its_certificate_only():
    open_one = Hl7Client(Sender("x", ("*",)), (), Hl7Entry(applications=("X",)))
    assert who(application="X", senders=Senders({"x": open_one})) == "unknown-sender"


def test_what_two_clients_claim_is_neithers():
    twin = Hl7Client(Sender("twin", ("*",)), ("icu.hospital",), ICU.entry)
    both = Senders({"icu": ICU, "twin": twin})
    assert who(senders=both) == "unknown-sender"
    assert who(names=("icu.hospital",), senders=both) == "unknown-sender"


@given(st.text(max_size=20), st.text(max_size=20), st.ip_addresses())
def test_no_text_in_a_header_makes_a_stranger_somebody(application, facility, address):
    name = who(str(address), None, application, facility)
    if name != "unknown-sender":
        client = {"icu": ICU, "his": HIS}[name]
        assert any(address in network for network in client.entry.networks)


def test_an_entry_of_the_file_is_the_senders_profile():
    entry = Hl7Entry(
        acks="original",
        charset="8859/1",
        zone="Europe/Berlin",
        interval_s=60,
        authority="HOSP",
        processing=("D",),
    )
    assert entry.profile() == Profile("original", "8859/1", ZoneInfo("Europe/Berlin"), 60_000, "HOSP", ("D",))
    assert SENDERS.profile_of("icu") == ICU.entry.profile()
    assert Hl7Entry().profile().zone.utcoffset(None) in (None, UTC.utcoffset(None))


@pytest.mark.parametrize(
    "wrong",
    [
        {"zone": "Mars"},
        {"charset": "KLINGON"},
        {"acks": "AA"},
        {"interval_s": 0},
        {"interval_s": 0.0001},
        {"networks": ["x"]},
        {"other": 1},
    ],
)
def test_an_entry_that_is_wrong_is_refused(wrong):
    with pytest.raises(ValidationError):
        Hl7Entry.model_validate(wrong)
