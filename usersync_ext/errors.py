"""Every error that usersync_ext raises on purpose.

::

    UserSyncError
    ├── ConfigError            the host set something up wrong: raised at start, names the key
    ├── InvalidSetting         (key) a rule or connection setting has a value that cannot be used
    ├── NotFound               a source, person, account or token that does not exist
    ├── SchemaOutdated         the database has another version than the code: run upgrade
    ├── DirectoryError         (account) a change could not be applied; nothing else is affected
    │   └── DirectoryUnavailable  the whole directory is missing or down: worth retrying
    ├── Refused                (reason) a rule of ours says no; the text reaches the provider
    │   ├── NameTaken          a name or account belongs to somebody else
    │   ├── Protected          the account is protected
    │   └── Vetoed             a before_apply hook said no
    └── RunStopped             a safety limit said no; nothing was removed

Messages say what happened, to whom, and what to do next; they never hold a secret.
"""


class UserSyncError(Exception):
    """Base of every error that we raise."""


class ConfigError(UserSyncError):
    """The host set something up wrong; the message names the configuration key."""


class InvalidSetting(UserSyncError):
    """A setting has a value that cannot be used.

    ``key`` is the setting's name, as on forms and the command line.
    """

    def __init__(self, key: str, message: str) -> None:
        super().__init__(f"{key}: {message}")
        self.key = key
        self.message = message


class NotFound(UserSyncError):
    """What was asked for does not exist (any more)."""


class SchemaOutdated(UserSyncError):
    """The database has another schema version than this code expects."""


class DirectoryError(UserSyncError):
    """A change could not be applied to the directory."""


class DirectoryUnavailable(DirectoryError):
    """The directory cannot be reached now; ``retry_after_seconds`` says when to try again."""

    def __init__(self, message: str, retry_after_seconds: int = 60) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class Refused(UserSyncError):
    """A rule of ours refuses a change; nothing was written.

    The message is shown to the identity provider's administrator as it is.
    """


class NameTaken(Refused):
    """A user name, group name or identifier belongs to somebody else."""


class Protected(Refused):
    """The account is protected and is never changed by a source."""


class Vetoed(Refused):
    """The host's ``before_apply`` hook refused the change."""


class RunStopped(UserSyncError):
    """A safety limit stopped a run; nothing was removed."""
