"""The targets that hold accounts; exactly one is selected for each source."""

from .local import LocalDirectory

__all__ = ["LocalDirectory"]
