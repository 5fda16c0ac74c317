"""A client of FHIR that is not ours, as a program: HAPI FHIR, fetched by Maven."""

from pathlib import Path

from made_clients import jars_of

from edge.brokers.jars import find_java

HERE = Path(__file__).parent / "fhir_clients" / "hapi"


def hapi_fhir(version, url, *said):
    """Return the command of a hospital system with HAPI's model and client of R4 or R5."""
    jars = jars_of("hapi-fhir", HERE / "pom.xml")
    source = HERE / "SendFhir.java"
    return [find_java("HAPI FHIR"), "-Xmx256m", "-cp", f"{jars}/*", str(source), version, url, *said]
