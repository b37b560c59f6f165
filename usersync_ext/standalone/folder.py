"""The data folder of the standalone app: database, secret key and log."""

import contextlib
import logging
import os
import secrets
import tempfile
from collections.abc import Mapping
from logging.handlers import RotatingFileHandler
from pathlib import Path

from ..errors import ConfigError

DEFAULT_FOLDER = "usersync-data"
KEY_FILE = "secret-key"
LOG_FILE = "usersync.log"
LOG_BYTES = 5_000_000
LOG_FILES = 3
SHORTEST_KEY = 32


def data_folder(variables: Mapping[str, str]) -> Path:
    """Return the data folder, made for its owner alone if it is missing."""
    folder = Path(variables.get("USERSYNC_DATA") or DEFAULT_FOLDER).expanduser().absolute()
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigError(f"USERSYNC_DATA: {folder} cannot be made: {error.strerror}") from error
    return folder


def secret_key(folder: Path) -> str:
    """Return the installation's secret key, made at the first call.

    The file appears with its whole content at once, so that two processes that start together
    read the same key.
    """
    path = folder / KEY_FILE
    try:
        if not path.exists():
            make_key(folder, path)
        key = path.read_text(encoding="ascii").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the secret key {path} cannot be read or made: {error}") from error
    if len(key) < SHORTEST_KEY:
        raise ConfigError(f"the secret key {path} is too short: restore it from a backup")
    return key


def make_key(folder: Path, path: Path) -> None:
    """Put a new key at a path unless another process was faster."""
    handle, name = tempfile.mkstemp(dir=folder, prefix=f".{KEY_FILE}-")  # with mode 0600
    try:
        with os.fdopen(handle, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32) + "\n")
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        os.unlink(name)


def log_to(folder: str) -> None:
    """Write the program's log to the data folder, and warnings to the console too."""
    logger = logging.getLogger("usersync")
    logger.setLevel(logging.INFO)
    file = RotatingFileHandler(
        Path(folder) / LOG_FILE, maxBytes=LOG_BYTES, backupCount=LOG_FILES, encoding="utf-8"
    )
    console = logging.StreamHandler()
    console.setLevel(logging.WARNING)
    form = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
    for name in ("usersync", "waitress", "usersync_ext.standalone"):
        for handler in (file, console):
            handler.setFormatter(form)
            logging.getLogger(name).addHandler(handler)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a short queue is no trouble
