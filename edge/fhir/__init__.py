"""FHIR that Vigil writes: Observations of readings, alarms as Flags with their evidence, the topic of alarms."""
