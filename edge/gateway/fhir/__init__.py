"""FHIR R4 and R5: Observations, alone and in bundles, on the gateway's HTTP port."""
