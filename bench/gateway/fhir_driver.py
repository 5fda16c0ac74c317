"""The driver of FHIR bundles: `python -m bench.gateway.fhir_driver JSON`, as `bench.gateway.driver`."""

from bench.gateway.bundles import bundle_request_of
from bench.gateway.driver import HttpConnection, main
from bench.gateway.frames import Load

CREATED = b'"status":"201 Created"'


class FhirConnection(HttpConnection):
    """A connection of FHIR: acknowledged is a bundle of which every entry was created."""

    def request(self, load: Load, place: int, number: int) -> bytes:
        """Return the connection's `number`-th request."""
        return bundle_request_of(load, place, number)

    def has_all(self, status: bytes, body: bytes) -> bool:
        """Tell whether an answer acknowledges every Observation."""
        return status == b"200" and body.count(CREATED) == self._load.frames


if __name__ == "__main__":
    main(FhirConnection)
