"""What a partition is called where patients are told of, who its canary is, and how many patients it may have.

Apart from the hash (`streams.contracts.partitions`), whose NumPy a parent of workers and most commands do without.
"""

from typing import Final

PARTITION: Final = "~partition/"
"""Begins the `patient` of an alarm of a whole partition, with its number; no patient may be called so."""

PATIENTS_MAX: Final = 20_000
"""Patients of one partition, unless the settings say otherwise: some 300 MB, and ten times what a hospital of 48
partitions has; our choice."""


def partition_name(partition: int) -> str:
    """Return what a partition's own alarms are told of."""
    return f"{PARTITION}{partition}"


def canary_name(partition: int) -> str:
    """Return the patient of a partition's canary, who belongs there whatever the hash says."""
    return f"vigil-canary-{partition}"


def canary_number(patient: str, otherwise: int) -> int:
    """Return the partition of the readings whose canary that is, of another patient the one given."""
    number = patient.removeprefix(canary_name(0)[:-1])
    return int(number) if number != patient and number.isdecimal() else otherwise
