"""Random filters over the people and groups of a test mirror."""

from typing import Any

from hypothesis import strategies as st
from scim2_models.path import (
    AttrPath,
    CompareOperator,
    Comparison,
    FilterNode,
    LogicalExpr,
    LogicalOperator,
    Not,
    Present,
    ValuePath,
)

from usersync_ext.scim.models import ENTERPRISE_URN, USER_URN

ENTERPRISE = ENTERPRISE_URN
WORDS = [
    "", "a", "Ada", "ada", "ÄDA", "äda", "STRASSE", "straße", "İ", "i̇", "ΣΊΣΥΦΟΣ", "σίσυφος", "ς",
    "\u00e9", "e\u0301", "%", "_", "\\", "50% off", "work", "Work", "home", "ada@work.example",
    "ADA@WORK.EXAMPLE", "user", "Group", "id-1", "ID-1", "id-2", "g1", "g2", "\U0001f600", "\uffff",
    "\U0010ffff", "'", '"', "u2", "engineering", USER_URN, USER_URN.upper(), "User", "Direct",
]  # fmt: skip
TIMES = [
    "2026-01-02T03:04:05.000006Z", "2026-01-02T05:04:05.000006+02:00", "2026-01-02T06:04:05Z",
    "2026-01-02T06:04:05", "0001-01-01T00:00:00+10:00", "9999-12-31T23:59:59-10:00", 0, "20",
]  # fmt: skip

TEXTS = [
    "userName", "displayName", "title", "externalId", "id", "name.givenName", "name.familyName",
    f"{USER_URN}:userName", f"{ENTERPRISE}:department", f"{ENTERPRISE}:employeeNumber",
    f"{ENTERPRISE}:manager.value", "emails", "emails.value", "emails.type", "emails.display",
    "phoneNumbers.value", "roles.value", "addresses.locality", "addresses.country", "schemas",
    "x509Certificates.value", "meta.resourceType", "profileUrl", "groups", "groups.value",
    "groups.display", "groups.type", "preferredLanguage", "unknown", "name.unknown", "urn:x:y:z",
]  # fmt: skip
BOOLEANS = ["active", "emails.primary", "roles.primary", "addresses.primary"]
INSTANTS = ["meta.created", "meta.lastModified"]
WHOLES = ["name", "addresses", f"{ENTERPRISE}:manager", "meta"]
LISTS: dict[str, list[str]] = {
    "emails": ["value", "type", "display", "primary", "unknown"],
    "addresses": ["locality", "country", "type", "primary", "formatted"],
    "roles": ["value", "type", "primary"],
    "groups": ["value", "display", "type"],
    "schemas": ["value", "type"],
    "unknown": ["value"],
}
MEMBERS = ["members", "members.value", "members.type", "displayName", "id", "externalId", "emails"]
OPERATORS = st.sampled_from(list(CompareOperator))


def a_path(name: str) -> AttrPath:
    """Return an attribute path from its text."""
    uri, _, rest = name.rpartition(":")
    attr, _, sub = rest.partition(".")
    return AttrPath(attr, sub or None, uri or None)


def comparisons(names: list[str], values: st.SearchStrategy[Any]) -> st.SearchStrategy[FilterNode]:
    """Return comparisons of some attributes with some values, null among them."""
    paths = st.sampled_from(names).map(a_path)
    return st.builds(Comparison, paths, OPERATORS, values | st.none())


def words() -> st.SearchStrategy[str]:
    """Return values that occur, values that nearly occur, and any other text."""
    any_text = st.text(
        st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=4
    )
    return st.sampled_from(WORDS) | any_text


def inner_filters(names: list[str]) -> st.SearchStrategy[FilterNode]:
    """Return filters for between the brackets of a value path."""
    texts = comparisons([n for n in names if n != "primary"], words())
    flags = comparisons(["primary"], st.booleans()) if "primary" in names else texts
    present = st.builds(Present, st.sampled_from(names).map(a_path))
    return joined(texts | flags | present)


def joined(leaves: st.SearchStrategy[FilterNode]) -> st.SearchStrategy[FilterNode]:
    """Return filters joined by and, or, not."""
    return st.recursive(
        leaves,
        lambda inner: (
            st.builds(Not, inner)
            | st.builds(
                LogicalExpr,
                st.sampled_from(list(LogicalOperator)),
                st.lists(inner, min_size=2, max_size=3).map(tuple),
            )
        ),
        max_leaves=4,
    )


def value_paths(names: list[str]) -> st.SearchStrategy[FilterNode]:
    """Return selections in some of the lists."""
    return st.sampled_from(names).flatmap(
        lambda name: st.builds(ValuePath, st.just(AttrPath(name)), inner_filters(LISTS[name]))
    )


def user_filters() -> st.SearchStrategy[FilterNode]:
    """Return filters on people."""
    names = [*TEXTS, *BOOLEANS, *INSTANTS, *WHOLES, *LISTS]
    return joined(
        comparisons(TEXTS, words())
        | comparisons(BOOLEANS, st.booleans())
        | comparisons(INSTANTS, st.sampled_from(TIMES))
        | comparisons(WHOLES, words())
        | st.builds(Present, st.sampled_from(names).map(a_path))
        | value_paths(list(LISTS))
    )


def group_filters() -> st.SearchStrategy[FilterNode]:
    """Return filters on groups."""
    inner = joined(comparisons(["value", "type"], words()))
    return joined(
        comparisons(MEMBERS, words())
        | st.builds(Present, st.sampled_from(MEMBERS).map(a_path))
        | st.builds(ValuePath, st.just(AttrPath("members")), inner)
    )
