"""Damaged FHIR: no crash, no hang, each refused with a reason or in the door."""

from bench import fhir_mutations
from bench.fhir_mutations import run

EXPECTED = {
    *("body: Unreadable", "resource: taken", "resource: invalid", "resource: transaction"),
    *("resource: unknown-location", "resource: contradiction", "resource: no-place"),
    *("resource: no-time", "resource: status", "resource: unknown-code", "resource: no-device"),
}


def test_damaged_resources_are_refused_with_a_reason_or_stored(caplog):
    found = run(10_000, seed=25)
    assert found.wrong == []
    assert set(found.outcomes) >= EXPECTED
    assert caplog.records == [], "what is logged of a damaged request would quote it"


def test_whole_resources_of_the_corpus_are_taken(monkeypatch):
    monkeypatch.setattr(fhir_mutations, "mutate", lambda chance, body: body)
    monkeypatch.setattr(
        fhir_mutations, "_twisted", lambda chance, tree: fhir_mutations.json.dumps(tree).encode()
    )
    found = run(200, seed=1)
    assert set(found.outcomes) == {"resource: taken"}
    assert found.wrong == []
