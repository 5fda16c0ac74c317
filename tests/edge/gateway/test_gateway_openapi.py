"""The OpenAPI document, and the server held to it by requests that schemathesis makes from it."""

import asyncio
import json
import threading

import pytest
from fhir_world import fhir_pages
from gateway_world import ANYBODY, RecordingDoor, serving
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edge.gateway.fhir.fhir_openapi import fhir_paths
from edge.gateway.http.answers import TITLES
from edge.gateway.http.openapi import openapi
from edge.gateway.http.server import READINGS_PATH

NOT_IN_A_SCHEMA = (
    "Expected `int`, got `float`",  # 5509.0 is a whole number to JSON Schema, and none to the contract
    "boot and seq are missing",  # and no Idempotency-Key stands for them
)

RIGHT = {"Authorization": "Bearer right"}


@pytest.fixture(scope="module")
def url():
    """A server in a thread of its own."""
    started, stopping = threading.Event(), []
    loop = asyncio.new_event_loop()

    async def run():
        stop = asyncio.Event()
        async with serving(
            RecordingDoor(),
            lambda header, peer: ANYBODY if header == RIGHT["Authorization"] else None,
            more=fhir_pages,
        ) as (server, _):
            stopping.extend([stop, server.port])
            started.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(run(),), daemon=True)
    thread.start()
    assert started.wait(10)
    yield f"http://127.0.0.1:{stopping[1]}"
    loop.call_soon_threadsafe(stopping[0].set)
    thread.join(20)
    loop.close()


def test_the_document_is_complete():
    document = openapi(fhir_paths())
    answers = document["paths"][READINGS_PATH]["post"]["responses"]
    statuses = {str(status) for status, _ in TITLES.values()} - {"404"}
    assert answers.keys() == statuses | {"202"}
    for path in document["paths"].values():
        for operation in path.values():
            assert operation["summary"]
    reading = document["components"]["schemas"]["Reading"]
    assert set(reading["required"]) == {"device", "event_ts_ms"}
    assert "$defs" not in json.dumps(document)


def every_operation(url):
    import schemathesis  # takes a second: not every process that collects the tests needs it

    return [found.ok() for found in schemathesis.openapi.from_url(f"{url}/openapi.json").get_all_operations()]


@pytest.mark.parametrize("mode", ["positive", "negative"])
def test_every_answer_is_one_that_the_document_knows(url, mode):
    from schemathesis import GenerationMode
    from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

    # Of NDJSON a schema only says that it is a text; and see NOT_IN_A_SCHEMA.
    beyond_a_schema = [negative_data_rejection, positive_data_acceptance]
    assert {one.value for one in GenerationMode} == {"positive", "negative"}
    mode = GenerationMode(mode)
    operations = every_operation(url)
    assert len(operations) == 13
    tried = set()

    @settings(max_examples=300, suppress_health_check=list(HealthCheck), derandomize=True)
    @given(st.sampled_from(operations).flatmap(lambda one: one.as_strategy(generation_mode=mode)))
    def hold(case):
        answer = case.call_and_validate(timeout=10, headers=RIGHT, excluded_checks=beyond_a_schema)
        if mode is GenerationMode.POSITIVE and answer.status_code == 422 and case.path == READINGS_PATH:
            refused = {one.get("detail") for one in answer.json()["results"]} - {None}
            assert case.media_type != "application/json" or all(
                said.startswith(tuple(NOT_IN_A_SCHEMA)) for said in refused
            ), refused
        assert answer.status_code < 500
        tried.add((case.path, answer.status_code))

    hold()
    assert (READINGS_PATH, 202) in tried or mode is GenerationMode.NEGATIVE
    assert any(path.startswith("/fhir") for path, _ in tried)
    assert len(tried) >= 3
