"""The bundles that the driver posts: taken whole by the gateway's reader, and told apart by what it makes of them."""

from bench.gateway.bundles import DEVICES_MAX, bundle_request_of
from bench.gateway.frames import Load
from edge.gateway.fhir.fhir_intake import FhirParts, fhir_intakes
from edge.gateway.fhir.given_resources import BASE
from edge.gateway.fhir.outcomes import FHIR_TYPE
from edge.gateway.http.intakes import Asked
from edge.gateway.identities import ANYBODY
from edge.gateway.metrics import GatewayMetrics
from edge.gateway.numbering import PER_MS
from edge.gateway.pseudonym import Pseudonyms


def test_each_observation_of_a_bundle_is_a_frame_that_names_its_connection_run_and_number():
    load = Load(port=0, connections=2, frames=50, rate_hz=0.0, seconds=1.0, boot=1_760_000_000)
    parts = FhirParts(GatewayMetrics().protocol("fhir"), Pseudonyms(), lambda name: 1_000, telling=None)
    intake = fhir_intakes(parts)[BASE]
    body = bundle_request_of(load, 1, 1_234).partition(b"\r\n\r\n")[2]
    frames = [one.frame for one in intake.read(body, Asked(ANYBODY, FHIR_TYPE, {})).hand_over()]
    assert [one.device for one in frames] == [f"g1-{load.boot * DEVICES_MAX + place}" for place in range(50)]
    assert {one.seq // PER_MS - load.boot * 1000 for one in frames} == {1_234}
    assert {one.spo2 for one in frames} == {97.0}
