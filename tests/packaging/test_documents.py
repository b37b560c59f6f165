"""What the documents must say, and must not."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
KEY = re.compile(r"\bUSERSYNC_[A-Z]+(?:_[A-Z]+)*\b")


def keys_in(*paths: Path) -> set[str]:
    return {key for path in paths for key in KEY.findall(path.read_text(encoding="utf-8"))}


def test_every_configuration_key_is_in_the_readme():
    read = keys_in(*(ROOT / "usersync_ext").rglob("*.py"))

    assert len(read) >= 12
    assert read <= keys_in(ROOT / "README.md")


def test_the_readme_names_no_key_that_does_not_exist():
    read = keys_in(*(ROOT / "usersync_ext").rglob("*.py"))

    assert keys_in(ROOT / "README.md") <= read


def test_every_link_of_the_readme_into_the_checkout_leads_somewhere():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    links = re.findall(r"\]\((?!https?:)([^)#]+)\)", text)

    assert links
    assert all((ROOT / link).exists() for link in links)
