"""R4 or R5: what a client asks for in its Accept header, by the parameter `fhirVersion`. Pure.

Source: HL7 FHIR R4 and R5, "Managing Multiple FHIR Versions" and "Content Types and encodings".
"""

import re
from typing import Final, Literal

FhirVersion = Literal["4.0", "5.0"]

DEFAULT_VERSION: Final[FhirVersion] = "4.0"
NUMBERS: Final[dict[FhirVersion, str]] = {"4.0": "4.0.1", "5.0": "5.0.0"}
FHIR_JSON: Final = "application/fhir+json"
JSON_TYPES: Final = frozenset({FHIR_JSON, "application/json", "text/json", "application/*", "*/*"})
ACCEPT_CHARS_MAX: Final = 1_000
_NOT_WANTED: Final = re.compile(r"0(\.0*)?")


def content_type(version: FhirVersion) -> str:
    """Return the media type of what is written in a version."""
    return f"{FHIR_JSON}; fhirVersion={version}; charset=utf-8"


def version_asked(accept: str) -> FhirVersion | None:
    """Return the version of the first kind of answer in an Accept header that we can give, None if it has none.

    Preferences (`q`) are not weighed, but what is at 0 is not wanted.
    """
    if not accept.strip():
        return DEFAULT_VERSION
    for part in accept[:ACCEPT_CHARS_MAX].split(","):
        kind, *parameters = part.split(";")
        if kind.strip().lower() not in JSON_TYPES:
            continue
        named = (each.partition("=") for each in parameters)
        said = {name.strip().lower(): value.strip().strip('"') for name, _, value in named}
        asked = said.get("fhirversion") or DEFAULT_VERSION
        found = next((version for version in NUMBERS if asked in (version, NUMBERS[version])), None)
        if found is not None and not _NOT_WANTED.fullmatch(said.get("q", "1")):
            return found
    return None
