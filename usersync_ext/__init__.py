"""User and group sync for Flask: a SCIM 2.0 service, rules, and pages that explain every account.

``UserSync`` mounts it into an app; ``Skip`` is what a ``before_apply`` hook answers to refuse a
change; ``usersync_ext.signals`` has the signals.
"""

from .core.records import Account, Change, ChangeKind
from .errors import UserSyncError
from .extension import UserSync
from .signals import Skip

__version__ = "0.1.0"
__all__ = ["Account", "Change", "ChangeKind", "Skip", "UserSync", "UserSyncError", "__version__"]
