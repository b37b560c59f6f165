"""What is written down is true."""

import runpy
from pathlib import Path

from usersync_ext.core.options import RULES

DOCS = Path(__file__).parents[2] / "docs"


def test_every_rule_is_documented_as_it_is_defined():
    made = runpy.run_path(str(DOCS / "settings.py"))["page"]()

    written = (DOCS / "rules.md").read_text(encoding="utf-8")

    assert written == made, "run: python docs/settings.py"
    assert all(f"`{option.key}`" in written for option in RULES)
