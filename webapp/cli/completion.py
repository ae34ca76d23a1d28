"""`./winux completion bash|zsh`: prints the shell code that completes commands."""

import argparse

from argcomplete.shell_integration import shellcode

from webapp.cli.actor import Commands
from webapp.cli.output import say


def add_to(commands: Commands) -> None:
    """Adds the command, which both forms have."""
    completion = commands.add_parser(
        "completion", help='for a shell: eval "$(./winux completion bash)"'
    )
    completion.add_argument("shell", choices=("bash", "zsh"))
    completion.set_defaults(run=print_completion)


def print_completion(_portal: object, options: argparse.Namespace) -> None:
    """Needs neither settings nor a key."""
    say(shellcode(["winux", "./winux"], shell=options.shell))
