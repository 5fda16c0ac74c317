"""HL7 version 2 over MLLP: observations, alarms, admissions and associations, as hospitals' systems send them."""
