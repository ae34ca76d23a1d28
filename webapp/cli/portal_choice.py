"""The options that choose a portal on another machine."""

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

KEY = "WINUX_API_KEY"


def add_to(parser: argparse.ArgumentParser) -> None:
    """Adds the options."""
    parser.add_argument("--url", help="the portal's address; without it: the one on this machine")
    parser.add_argument("--key-file", type=Path, help=f"holds the API key; or set {KEY}")
    parser.add_argument("--ca-file", type=Path, help="the certificate authority to trust")


def is_remote(words: Sequence[str]) -> bool:
    """Whether the words (during shell completion, the typed line) contain `--url`."""
    line = os.environ.get("COMP_LINE", "").split() if "_ARGCOMPLETE" in os.environ else words
    return any(word == "--url" or word.startswith("--url=") for word in line)
