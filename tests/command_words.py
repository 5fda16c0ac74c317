"""Whether the command line knows the words that a file tells a container to run."""

import click

from edge.cli import COMMANDS


def problem_of(words):
    """Return why the command line knows no such command or option; None if it does."""
    name, *rest = words
    if name not in COMMANDS:
        return f"no command {name}"
    command = COMMANDS[name][1]()
    if isinstance(command, click.Group) and not (command.invoke_without_command and not rest):
        found = command.commands.get(rest[0] if rest else "")
        if found is None:
            return f"no command {' '.join(words[:2])}"
        command, rest = found, rest[1:]
    known = {text for parameter in command.params for text in parameter.opts + parameter.secondary_opts}
    unknown = [word for word in rest if word.startswith("-") and word.split("=")[0] not in known]
    return f"no option {unknown[0]} of {name}" if unknown else None
