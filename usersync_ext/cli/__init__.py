"""The command line: ``flask usersync …`` in a host, ``usersync …`` on the standalone app.

A thin layer over the functions that the pages call. ``--json`` prints one object; a failure is one
line on stderr and an exit status that is not 0.
"""

from . import accounts, deciding, groups, installation, people, sources, tokens
from .plumbing import usersync

__all__ = [
    "accounts",
    "deciding",
    "groups",
    "installation",
    "people",
    "sources",
    "tokens",
    "usersync",
]
