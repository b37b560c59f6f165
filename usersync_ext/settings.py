"""The configuration of one app, read once from ``USERSYNC_*`` keys into one frozen value."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from .errors import ConfigError

TRUE_WORDS = frozenset({"1", "true", "on", "yes"})
FALSE_WORDS = frozenset({"0", "false", "off", "no", ""})
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")
"""What the pages can speak: the code has English, the folder ``translations`` the others."""
BROWSERS_LANGUAGE = "browser"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a host configures; ``secret_keys`` has the newest key first."""

    database_uri: str
    automatic_upgrade: bool
    url_prefix: str
    public_url: str | None
    secret_keys: tuple[str, ...]
    login_by_email: bool
    scim_host_guards: bool
    base_template: str
    language: str | None  # of the pages; None leaves it to the host's Flask-Babel

    def __repr__(self) -> str:
        """Return the settings without their secrets."""
        return f"Settings(url_prefix={self.url_prefix!r}, public_url={self.public_url!r})"


def read_settings(config: Mapping[str, Any], instance_path: str) -> Settings:
    """Return the settings of an app. Raises ConfigError naming the key that is wrong."""
    uri, own = database_uri(config, instance_path)
    return Settings(
        database_uri=uri,
        automatic_upgrade=truth(config, "USERSYNC_AUTOMATIC_UPGRADE", default=own),
        url_prefix=url_prefix(config.get("USERSYNC_URL_PREFIX", "/usersync")),
        public_url=public_url(config.get("USERSYNC_PUBLIC_URL")),
        secret_keys=secret_keys(config),
        login_by_email=truth(config, "USERSYNC_LOGIN_BY_EMAIL", default=False),
        scim_host_guards=truth(config, "USERSYNC_SCIM_HOST_GUARDS", default=False),
        base_template=str(config.get("USERSYNC_BASE_TEMPLATE") or "usersync/base.html"),
        language=page_language(config.get("USERSYNC_LANGUAGE")),
    )


def database_uri(config: Mapping[str, Any], instance_path: str) -> tuple[str, bool]:
    """Return the URL of our database, and whether it is a file of our own that we upgrade."""
    if config.get("USERSYNC_DATABASE_URI"):
        return str(config["USERSYNC_DATABASE_URI"]), False
    bind = config.get("USERSYNC_BIND_KEY")
    if bind:
        binds = config.get("SQLALCHEMY_BINDS") or {}
        url = config.get("SQLALCHEMY_DATABASE_URI") if bind == "default" else binds.get(bind)
        url = url.get("url") if isinstance(url, Mapping) else url
        if not url:
            raise ConfigError(
                f"USERSYNC_BIND_KEY is {bind!r}, but SQLALCHEMY_BINDS has no such bind"
            )
        return url_of_bind(url, instance_path), False
    return f"sqlite:///{os.path.join(instance_path, 'usersync.sqlite3')}", True


def url_of_bind(value: Any, instance_path: str) -> str:
    """Return a bind's URL as Flask-SQLAlchemy reads it: SQLite files are in the instance folder."""
    try:
        url = make_url(value)
    except ArgumentError as error:
        raise ConfigError("USERSYNC_BIND_KEY names a bind that is not a database URL") from error
    name = url.database
    if url.get_backend_name() == "sqlite" and name and not name.startswith((":memory:", "file:")):
        url = url.set(database=os.path.join(instance_path, name))
    return url.render_as_string(hide_password=False)


def url_prefix(value: Any) -> str:
    """Return the prefix below which everything is mounted, ``""`` for the root."""
    prefix = str(value).rstrip("/")
    if prefix and not prefix.startswith("/"):
        raise ConfigError("USERSYNC_URL_PREFIX must begin with a slash")
    return prefix


def public_url(value: Any) -> str | None:
    """Return the address under which the outside reaches the app, without a final slash."""
    if not value:
        return None
    parts = urlsplit(str(value))
    if parts.scheme not in {"http", "https"} or not parts.netloc:
        raise ConfigError("USERSYNC_PUBLIC_URL must look like https://example.com")
    return str(value).rstrip("/")


def page_language(value: Any) -> str | None:
    """Return the language of the pages, ``browser`` where each reader's browser chooses."""
    if not value:
        return None
    known = (*LANGUAGES, BROWSERS_LANGUAGE)
    if value not in known:
        raise ConfigError(f"USERSYNC_LANGUAGE must be one of {', '.join(known)}")
    return str(value)


def secret_keys(config: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the keys that seal secrets, newest first. Raises ConfigError if there is none.

    ``SECRET_KEY`` is needed even beside ``USERSYNC_SECRET_KEY``: Flask signs the forms with it.
    """
    if not config.get("SECRET_KEY"):
        raise ConfigError("SECRET_KEY must be set: it signs the pages' forms and seals secrets")
    key = config.get("USERSYNC_SECRET_KEY") or config["SECRET_KEY"]
    older = config.get("SECRET_KEY_FALLBACKS") or ()
    return tuple(k.decode("latin-1") if isinstance(k, bytes) else str(k) for k in (key, *older))


def truth(config: Mapping[str, Any], key: str, *, default: bool) -> bool:
    """Return a switch, given as a bool or as a word of an environment variable."""
    value = config.get(key)
    if value is None:
        return default
    word = str(value).strip().lower()
    if word in TRUE_WORDS:
        return True
    if word in FALSE_WORDS:
        return False
    raise ConfigError(f"{key} must be on or off")


def ensure_folder(uri: str) -> None:
    """Make the folder of a SQLite file if it is missing."""
    prefix = "sqlite:///"
    if uri.startswith(prefix):
        Path(uri.removeprefix(prefix).partition("?")[0]).parent.mkdir(parents=True, exist_ok=True)
