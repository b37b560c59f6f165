"""``python -m usersync_ext.standalone`` is the console script ``usersync``."""

from . import main

main()
