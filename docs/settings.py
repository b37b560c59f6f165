"""Write docs/rules.md: every rule of a source, from the one definition that form and CLI use."""

from pathlib import Path

from usersync_ext.core.option import Option
from usersync_ext.core.options import RULES

TARGET = Path(__file__).parent / "rules.md"
TYPES = {
    "bool": "on or off",
    "text": "text",
    "count": "a whole number",
    "percent": "0 to 100",
    "filter": "a SCIM filter",
    "names": "names, parted by commas; `*` stands for anything",
    "expression": "an expression",
    "mapping": "a mapping",
}
HEAD = """# The rules of a source

On the page "User Provisioning Options" of a source, and by command:

```
usersync sources set acme-okta --preview 'scope_filter=department eq "Sales"'   # counts, no change
usersync sources set acme-okta 'scope_filter=department eq "Sales"'
```

Rules are looked at in this order: who is in, under which name, whose account it is, what becomes of
it. A person's page, and `usersync people explain`, show each step with its input and output.

**Expressions** say where a value comes from: an attribute by its SCIM path (`title`,
`name.givenName`, `emails[type eq "work"].value`; `department` needs no URN), the first that is not
empty (`nickName | displayName`), a template (`{name.givenName} {name.familyName}`) or a constant
(`"Staff"`). Of several values the primary one counts, else the one of type work, else the first.

**Mappings** are rows: on the page a table, by command lines such as
`title = title | "Staff"; email = emails > lower; cost_center = costCenter`, or a JSON list of
objects with `field`, `from`, `case` (lower, upper), `regex` and `replacement`. An empty `from`
leaves a field alone.
"""


def row(option: Option) -> str:
    """Return the table's row of a rule."""
    kind = TYPES.get(option.type) or ", ".join(f"`{value}`" for value, _ in option.choices)
    default = option.default
    if option.type == "bool":
        default = "on" if option.default else "off"
    shown = f"`{default}`" if str(default) else "empty"
    text = f"{option.help} {option.effect}".strip().replace("|", "\\|")
    return f"| `{option.key}` | {option.label} | {kind} | {shown} | {text} |"


def page() -> str:
    """Return the whole page."""
    parts = [HEAD]
    for section in dict.fromkeys(option.section for option in RULES):
        rows = [row(option) for option in RULES if option.section == section]
        head = "| Key | On the page | Value | Default | What it does |\n|--|--|--|--|--|"
        parts.append("\n".join([f"## {section}", "", head, *rows, ""]))
    return "\n".join(parts)


if __name__ == "__main__":
    TARGET.write_text(page(), encoding="utf-8")
