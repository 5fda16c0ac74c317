"""Searches in FHIR: what is refused, who is told what, pages, versions, and what is said where not all is known."""

import asyncio

import aiohttp
import pytest
from fhir_of_board import NOW_MS, a_world, alarmed, asked, reason_of, resources, values
from prometheus_client import CollectorRegistry

from edge.board.board_access import doors_of
from edge.identity.accounts import Account, Accounts, new_token, save_accounts
from streams.config.settings import Settings
from streams.contracts.people import Person

pytestmark = pytest.mark.usefixtures("stopped_clock")
NURSE_OF_A = Person(id="n1", role="nurse", wards=("a",))
ADMINISTRATOR = Person(id="root", role="administrator", wards=("*",))


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("Observation?subject=bed-1", "parameter"),
        ("Observation?patient=bed-1&device=mon-1", "parameter"),
        ("Observation?patient:missing=true", "parameter"),
        ("Observation?_sort=date", "parameter"),
        ("Flag?code=MDC_EVT_LO", "parameter"),
        ("Flag?patient=bed-1&patient=bed-2", "parameter-value"),
        ("Flag?patient=bed-1&patient:identifier=urn:vigil:stream|bed-1", "parameter-value"),
        ("Flag?patient:identifier=urn:other|bed-1", "parameter-value"),
        ("Flag?patient=", "parameter-value"),
        ("Flag?status=open", "parameter-value"),
        ("Flag?_include=Flag:patient", "parameter-value"),
        ("Observation?code=1-8", "parameter-value"),
        ("Observation?code=http://snomed.info/sct|8867-4", "parameter-value"),
        ("Observation?date=2026-03-01", "parameter-value"),
        ("Observation?date=ne2026-03-01T00:00:00Z", "parameter-value"),
        ("Observation?_count=0", "parameter-value"),
        ("Observation?_format=xml", "parameter-value"),
        ("Observation?_after=x", "parameter-value"),
        (f"Observation?code={'1' * 3_000}", "parameter-value"),
        ("Flag/e1?_elements=status", "parameter"),
        ("SubscriptionTopic?status=active", "parameter"),
    ],
)
def test_what_is_not_understood_is_refused_and_never_left_out(path, reason):
    world = a_world()
    world.show("bed-1")
    alarmed(world)
    status, found, _ = asked(world, f"/fhir/{path}")
    assert (status, reason_of(found)) == (400, reason)


def test_a_patient_whom_nobody_knows_or_may_see_is_refused_and_looks_like_no_all_clear():
    world = a_world(person=NURSE_OF_A)
    world.show("bed-1", ward="a")
    world.show("bed-2", ward="b")
    alarmed(world, patient="bed-2")
    for path in (
        "Flag?patient=bed-2",
        "Flag?patient=nobody",
        "Flag?patient=bed-1,bed-2",
        "Flag/e1",
        "Flag/none",
    ):
        status, found, _ = asked(world, f"/fhir/{path}")
        assert (status, reason_of(found)) == (404, "not-found")
    status, found, _ = asked(world, "/fhir/Flag?patient:identifier=urn:vigil:stream|bed-1")
    assert (status, resources(found)) == (200, [])
    seen = [(said[1], said[2], said[4]) for said in world.audited]
    assert ("view", "bed-2", "refused") in seen
    assert ("view", "bed-1", "granted") in seen


def test_a_list_holds_the_own_wards_and_who_may_view_nothing_gets_none():
    world = a_world(person=NURSE_OF_A)
    world.show("bed-1", ward="a", values=values(hr=0))
    world.show("bed-2", ward="b", values=values(hr=0))
    alarmed(world, patient="bed-2")
    alarmed(world, patient="~partition/0", id="e3-0", episode="e3", type="technical")
    _, found, _ = asked(world, "/fhir/Observation")
    assert {one["subject"]["identifier"]["value"] for one in resources(found)} == {"bed-1"}
    _, flags, _ = asked(world, "/fhir/Flag")
    assert [one["id"] for one in resources(flags)] == ["e3"]  # of the alarm system itself: shown to everybody
    world.person = ADMINISTRATOR
    status, refused, _ = asked(world, "/fhir/Flag")
    assert (status, reason_of(refused)) == (403, "forbidden")


def test_pages_name_each_resource_once_whatever_their_size():
    world = a_world()
    for number in range(4):
        world.show(f"bed-{number}", values=values(hr=0, spo2=0, temp=0))
    alarmed(world, patient="bed-2")

    async def run(count):
        async with world.running(), aiohttp.ClientSession() as session:
            url, found, pages = f"{world.url}/fhir/Observation?_count={count}", [], 0
            while url:
                async with session.get(url) as answer:
                    page = await answer.json(content_type=None)
                assert len(page["entry"]) <= count
                found += [entry["resource"]["id"] for entry in page["entry"]]
                links, pages = {link["relation"]: link["url"] for link in page["link"]}, pages + 1
                url = links.get("next")
        return found, pages

    whole, pages = asyncio.run(asyncio.wait_for(run(200), 30))
    assert (len(whole), len(set(whole)), pages) == (13, 13, 1)
    for count in (1, 3, 5, 13):
        assert asyncio.run(asyncio.wait_for(run(count), 30)) == (whole, -(-13 // count))


def test_what_is_not_judged_now_is_said_in_the_answer():
    world = a_world()
    world.show("bed-1", partition=1)
    world.intake.live.state.judged[1] = NOW_MS - 15_001
    _, found, _ = asked(world, "/fhir/Flag?patient=bed-1")
    assert resources(found) == []
    (outcome,) = resources(found, "outcome")
    assert reason_of(outcome) == "not-judged"
    assert outcome["issue"][0]["severity"] == "warning"
    world.intake.live.state.judged[1] = NOW_MS - 15_000
    assert "entry" not in asked(world, "/fhir/Flag?patient=bed-1")[1]


def test_a_board_that_is_still_reading_says_so():
    status, found, headers = asked(a_world(), "/fhir/Flag", ready=False)
    assert (status, reason_of(found), headers["Retry-After"]) == (503, "busy", "2")


@pytest.mark.parametrize(
    ("accept", "status"),
    [
        ("*/*", 200),
        ("application/json", 200),
        ("application/fhir+xml, application/fhir+json;fhirVersion=5.0;q=0.5", 200),
        ("application/fhir+json; fhirVersion=3.0, application/fhir+json", 200),
        ("application/fhir+xml", 406),
        ("application/fhir+json; fhirVersion=3.0", 406),
        ("application/fhir+json;q=0", 406),
        ("application/fhir+json;q=0.000", 406),
        ('Application/FHIR+json; FhirVersion="4.0.1"', 200),
        ("application/fhir+json; fhirVersion*0=4;fhirversion*=", 200),
    ],
)
def test_a_version_or_form_that_is_not_written_here_is_refused(accept, status):
    found = asked(a_world(), "/fhir/Flag", Accept=accept)
    assert found[0] == status
    assert status == 200 or reason_of(found[1]) == "fhir-version"


@pytest.mark.parametrize(
    ("date", "is_found"),
    [
        ("2026-03-01T10:59:59Z", True),
        ("eq2026-03-01T10:59:59Z", True),
        ("2026-03-01T10:59:59.750Z", True),
        ("2026-03-01T10:59:59.000Z", False),
        ("2026-03-01T10:59:58Z", False),
        ("2026-03-01T11:00:00Z", False),
        ("le2026-03-01T10:59:59Z", True),
        ("le2026-03-01T10:59:59.749Z", False),
        ("lt2026-03-01T10:59:59Z", False),
        ("gt2026-03-01T10:59:59Z", True),
        ("ge2026-03-01T11:59:59%2B01:00", True),
    ],
)
def test_a_time_without_a_fraction_stands_for_its_whole_second(date, is_found):
    world = a_world()
    world.show("bed-1", values=values(hr=250))
    _, found, _ = asked(world, f"/fhir/Observation?patient=bed-1&date={date}")
    assert bool(resources(found)) is is_found


def test_a_program_reads_with_its_token_and_nobody_without(tmp_path):
    path = tmp_path / "accounts.toml"
    key, kept = new_token("emr")
    save_accounts(
        path, Accounts(accounts={"emr": Account(role="viewer", wards=("a",), tokens={"fhir": kept})})
    )
    world = a_world(doors=doors_of(Settings(accounts=path, board_port=0), CollectorRegistry()))
    world.show("bed-1", ward="a", values=values(hr=0))
    world.show("bed-2", ward="b", values=values(hr=0))
    assert asked(world, "/fhir/Observation")[0] == 401
    _, found, _ = asked(world, "/fhir/Observation", Authorization=f"Bearer {key}")
    assert {one["subject"]["identifier"]["value"] for one in resources(found)} == {"bed-1"}
