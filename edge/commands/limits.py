"""`vigil limits show`: the limits in force for a patient, whoever set them."""

import click

from clinical.defaults import DEFAULT_RULES
from edge.commands.orders import limits, settings_of, where
from edge.nursing.limits_in_force import limits_of, line, title
from edge.options import rules_option, with_changes
from edge.order_sending import read_board
from edge.printing import say, say_json
from edge.records import Skipped, told
from edge.ward_state import CANARY
from streams.config.rules_file import load_rules
from streams.config.rulesets import path_of
from streams.contracts.patient_state import Limits, Patient
from streams.contracts.topics import LIMITS, PATIENTS
from streams.errors import VigilError

__all__ = ["limits"]


@limits.command()
@click.argument("patient")
@rules_option
@where
def show(
    patient: str, rules: str | None, as_json: bool, brokers: str | None, topic_prefix: str | None
) -> None:
    """Print the limits in force of a patient.

    As the worker says them, where a command has set any or the profile; else the unit's by the age band, from the rules
    file that this command is given (--rules, VIGIL_RULES): it must be the workers'.
    """
    settings, skipped = settings_of(brokers, topic_prefix), Skipped()
    with told(skipped):
        said = {one.patient: one for one in read_board(settings, LIMITS, Limits, skipped)}
        found = said.get(patient)
        if found is None:
            known = {one.patient: one for one in read_board(settings, PATIENTS, Patient, skipped)}
            if patient not in known:
                raise VigilError(f"{patient}: no frame has come and nobody was admitted under this name")
    by_rules = found is None
    if found is None:
        chosen = settings.rules if rules is None else with_changes(settings, rules=rules).rules
        found = limits_of(DEFAULT_RULES if chosen is None else load_rules(path_of(chosen)), known[patient])
    if as_json:
        say_json(found.model_dump_json())
        return
    say(title(found))
    for rule, pair in found.limits.items():
        if rule != CANARY:
            say(line(rule, pair))
    if by_rules:
        say(
            f"no command has changed any: the unit's own, by {rules or settings.rules or 'the built-in rules'}"
        )
