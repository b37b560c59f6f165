"""Where templates, static files and migrations are: in the wheel, or beside the package."""

from pathlib import Path

from .errors import ConfigError

PACKAGE = Path(__file__).resolve().parent


def asset_dir(name: str) -> Path:
    """Return a folder of assets: inside the package if installed, else in the checkout.

    The folder beside the package counts only if ``pyproject.toml`` is there too, lest a stranger's
    ``templates`` folder in site-packages is taken for ours.
    """
    inside = PACKAGE / name
    if inside.is_dir():
        return inside
    checkout = PACKAGE.parent
    if (checkout / "pyproject.toml").is_file() and (checkout / name).is_dir():
        return checkout / name
    raise ConfigError(f"the folder {name!r} of usersync_ext is missing: install it again")
