"""`vigil doctor`."""

from dataclasses import asdict

import click

from edge.checks import run_checks
from edge.options import brokers_option, group_option, json_option
from edge.printing import Coloured, print_json, say
from streams.config.settings import Settings, load_settings

_STYLES = {"ok": "green", "failed": "red", "skipped": "yellow"}


@click.command()
@brokers_option
@group_option
@click.option("--prefix", "topic_prefix", help="Put before every topic name.")
@json_option
def doctor(as_json: bool, **options: object) -> None:
    """Check this machine, the files of rules, routing and reference data, the broker, the topics and the clocks.

    And show the settings in effect.

    Exit code 1 if a check failed. Without --brokers it tries whether the embedded broker starts. The clocks are
    compared through one record in a topic of its own, which is removed again.
    """
    settings = load_settings(**options)
    checks = []
    for check in run_checks(settings):
        checks.append(check)
        if not as_json:
            say(Coloured(f"{check.result:<8}", _STYLES[check.result]), f" {check.name}: {check.detail}")
    failed = any(check.result == "failed" for check in checks)
    if as_json:
        values = settings.model_dump(mode="json")
        print_json({"ok": not failed, "checks": [asdict(check) for check in checks], "settings": values})
    else:
        say("settings in effect (* = not the default):")
        for name, field in Settings.model_fields.items():
            value = getattr(settings, name)
            mark = " " if value == field.default else "*"
            say(f"  {mark} VIGIL_{name.upper()}={'' if value is None else value}")
    if failed:
        raise click.exceptions.Exit(1)
