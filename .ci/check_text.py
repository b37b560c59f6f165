"""Small checks of text files: ``python .ci/check_text.py CHECK FILE…``; 1 if one fails."""

import re
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path

SECRETS = (
    ("a private key", re.compile(r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----")),
    ("one of our bearer tokens", re.compile(r"\busx_[0-9A-Za-z]{49}\b")),
    ("a JSON Web Token", re.compile(r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.[\w-]{10,}")),
    ("a cloud access key", re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b")),
    ("a GitHub token", re.compile(r"\bgh[pousr]_[0-9A-Za-z]{36}\b")),
    ("a Slack token", re.compile(r"\bxox[abprs]-[0-9A-Za-z-]{10,}")),
    ("a URL with a password", re.compile(r"://[^\s:/@\"'{}<$]+:[^\s:/@\"'{}<$*]{6,}@")),
)
ALLOWED = "not a secret"
"""A line that says so holds an example."""


def end_of_file(text: str) -> Iterator[str]:
    """Yield what is wrong with the end of a file."""
    if text and (not text.endswith("\n") or text.endswith("\n\n")):
        yield "must end with exactly one line feed"


def trailing_whitespace(text: str) -> Iterator[str]:
    """Yield the lines that end with a blank."""
    for number, line in enumerate(text.splitlines(), 1):
        if line != line.rstrip():
            yield f"line {number} ends with a blank"


def toml(text: str) -> Iterator[str]:
    """Yield why a TOML file does not parse."""
    try:
        tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        yield str(error)


def secrets(text: str) -> Iterator[str]:
    """Yield the lines that hold what looks like a secret, without the secret."""
    for number, line in enumerate(text.splitlines(), 1):
        for name, pattern in SECRETS:
            if pattern.search(line) and ALLOWED not in line:
                yield f"line {number} has {name} (an example? write '{ALLOWED}' on that line)"


CHECKS: dict[str, Callable[[str], Iterator[str]]] = {
    "end-of-file": end_of_file,
    "trailing-whitespace": trailing_whitespace,
    "toml": toml,
    "secrets": secrets,
}


def main(check: str, *names: str) -> int:
    """Check files; say on stdout what is wrong."""
    failed = 0
    for name in names:
        for problem in CHECKS[check](Path(name).read_text(encoding="utf-8")):
            sys.stdout.write(f"{name}: {problem}\n")
            failed = 1
    return failed


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
