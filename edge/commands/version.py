"""`vigil version`."""

import platform

import click

from edge.options import json_option
from edge.printing import print_json, say
from edge.project import installed, pins
from edge.project import version as project_version


@click.command()
@json_option
def version(as_json: bool) -> None:
    """Print the versions of Vigil, Python and the pinned dependencies."""
    found = {"vigil": project_version(), "python": platform.python_version()}
    found |= {name: installed(name) or "not installed" for name in pins()}
    if as_json:
        print_json(found)
        return
    for name, number in found.items():
        say(f"{name:<18} {number}")
