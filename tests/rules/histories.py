"""Random histories of a small world (``world``): what providers and administrators do to it.

Hypothesis draws a number for each event and what happens follows from it: its own strategies
repeat themselves too much for people to meet in ten events. A history shrinks by its length.
"""

from collections.abc import Mapping, Sequence
from itertools import chain
from random import Random
from types import MappingProxyType
from typing import Any

from hypothesis import strategies as st
from world import (
    SOURCES,
    Adopt,
    Approve,
    Delete,
    DeleteDue,
    DeleteGroup,
    Event,
    Leave,
    Patch,
    PatchGroup,
    Post,
    PostGroup,
    Protect,
    Put,
    Restart,
    Restore,
    Rules,
    Say,
    person,
)

NAMES = (
    "ann", "Ann", "ann.", "an\u0146", "a\u200bnn", "\u0430nn", "ann@a.test", "ben", "BEN",
    "ben@a.test", "cy", "vera", "Vera", "boss", "chief", "root", "svc-1", "svc-acme", "olga",
    "pia", "rita", "ivan", "quin", "sten", "jan",
)  # fmt: skip
"""Names with their twins, of providers' people and of local accounts; ``loner`` is nobody's."""
MAILS = ("", "ann@a.test", "ANN@a.test", "vera@a.test", "boss@a.test", "ben@a.test", "cy@b.test")
GROUPS = ("Pilot", "Sales", "sales", "Staff", "Admins", "p")
EXTERNAL_IDS = ("", "1", "2", "3", "olga", "quin")
SWITCH = (True, False)
RULE_VALUES: Mapping[str, Sequence[Any]] = MappingProxyType(
    {
        "import_users": SWITCH,
        "scope_filter": ("", 'department eq "Sales"', "active eq true", 'userName sw "a"'),
        "scope_groups": ("", "", "Pilot", "Sal*, Pilot"),
        "exclude_people": ("", "ann", "b*, olga", "*@a.test"),
        "out_of_scope_action": ("keep", "disable"),
        "user_name_attribute": ("userName", "externalId", "emails | userName", "displayName"),
        "username_regex": ("", "(.*)@.*", "^(a)", "(n+)$"),
        "username_replacement": ("", "$1", "x"),
        "rename_accounts": SWITCH,
        "update_users": SWITCH,
        "clear_attributes": SWITCH,
        "attribute_mapping": ("", 'title = "Staff"', "email = emails > upper", "desk = title"),
        "match_policy": ("link_only", "external_id", "user_name", "email_verified"),
        "protected_names": ("svc-*", "svc-*, ann*", "svc-*, olga", "svc-*, jan"),
        "minimum_admins": (0, 1, 2, 3, 4, 5),
        "enable_users": SWITCH,
        "inactive_action": ("disable", "delete"),
        "delete_after_days": (0, 1, 7),
        "removal_limit_count": (0, 1, 2, 1000),
        "removal_limit_percent": (0, 10, 50),
        "removal_window_minutes": (1, 60),
        "active_for": ("", "", "ann", "Pilot", "user:olga, group:Sales"),
        "default_groups": ("", "Staff", "Wiki, Admin-Team"),
        "assign_default_groups_to": ("none", "new", "all"),
        "create_groups": SWITCH,
        "group_mode": ("off", "manual", "on_the_fly", "on_the_fly"),
        "group_include": ("", "", "Pilot, Staff", "S.*"),
        "group_exclude": ("", "", "Sal*"),
        "group_regex": ("", "", "^(.)[a-z]*$", "^Pilot$|^Sales$"),
        "group_replacement": ("", "", "$1", "Staff"),
        "keep_existing_users": SWITCH,
        "keep_existing_groups": SWITCH,
        "nested_groups": ("direct", "flatten", "keep"),
        "group_rename": ("rename", "new"),
        "group_delete": ("delete_empty", "keep"),
        "protected_groups": ("", "admin, admins, administrators", "Sales, *admins"),
    }
)
DECISIVE = (
    "match_policy",
    "inactive_action",
    "out_of_scope_action",
    "minimum_admins",
    "removal_limit_count",
    "removal_limit_percent",
    "group_mode",
)
"""Rules by which every source begins with something else than the default."""
EXPRESSIONS = MappingProxyType(
    {"username_regex": "username_replacement", "group_regex": "group_replacement"}
)


def some_settings(random: Random, *keys: str) -> dict[str, Any]:
    """Return new settings of a source: some rules, seldom its state."""
    chosen = {*keys, *random.sample(sorted(RULE_VALUES), random.randint(1, 4))}
    for pair in EXPRESSIONS.items():
        chosen |= set(pair) if chosen & set(pair) else set()
    values = {key: random.choice(RULE_VALUES[key]) for key in sorted(chosen)}
    for regex, replacement in EXPRESSIONS.items():
        if values.get(replacement) == "$1" and "(" not in values[regex]:
            values[replacement] = ""
    if random.random() < 0.15:
        values["state"] = random.choice(("active", "active", "observe", "off"))
    return values


def some_person(random: Random) -> dict[str, Any]:
    return person(
        random.choice(NAMES),
        active=random.choice((None, True, False)),
        mail=random.choice(MAILS),
        external_id=random.choice(EXTERNAL_IDS),
        full_name=random.choice(("", "Ann Aas", "Ben Bo")),
        department=random.choice(("", "Sales", "IT")),
    )


def some_patch(random: Random) -> tuple[str, object]:
    """Return a path and its new value."""
    return random.choice(
        (
            ("active", random.choice(SWITCH)),
            ("active", random.choice(SWITCH)),
            ("userName", random.choice(NAMES)),
            ('emails[type eq "work"].value', random.choice(MAILS[1:])),
            ("displayName", random.choice(("Ann Aas", "Ann B.", ""))),
            ("externalId", random.choice(EXTERNAL_IDS[1:])),
        )
    )


def event_of(number: int) -> Event:
    """Return what happens by a number."""
    random = Random(number)  # noqa: S311
    source, who, few = random.choice(SOURCES), random.randrange(12), random.randrange(3)
    members = tuple(random.choices(range(12), k=random.randrange(5)))
    makers = {
        lambda: Post(source, some_person(random)): 10,
        lambda: Put(source, who, some_person(random)): 4,
        lambda: Patch(source, who, *some_patch(random)): 9,
        lambda: Delete(source, who): 4,
        lambda: PostGroup(source, random.choice(GROUPS), members): 3,
        lambda: PatchGroup(source, few, random.choice(("add", "remove", "replace")), members): 2,
        lambda: DeleteGroup(source, few): 1,
        lambda: Rules(source, some_settings(random)): 6,
        lambda: Adopt(source, few, random.random() < 0.7): 4,
        lambda: Approve(source, random.choice(SWITCH)): 2,
        lambda: Restore(source, few): 2,
        lambda: DeleteDue(source, random.choice((0, 1, 8))): 2,
        lambda: Protect(source, random.choice(("ann", "ben", "cy", "olga", "jan"))): 1,
        lambda: Restart(source): 1,
    }
    [make] = random.choices(list(makers), list(makers.values()))
    return make()


def beginning_of(source: str, number: int) -> Event:
    """Return the rules with which a source begins."""
    return Rules(source, some_settings(Random(number), *DECISIVE))  # noqa: S311


def rule_change_of(number: int) -> tuple[str, dict[str, Any]]:
    """Return a source and new settings for it."""
    random = Random(number)  # noqa: S311
    return random.choice(SOURCES), some_settings(random)


def large_change_of(number: int) -> tuple[str, dict[str, Any]]:
    """Return a source and new settings that concern most of its people."""
    random = Random(number)  # noqa: S311
    keys = random.sample(("username_regex", "attribute_mapping", "exclude_people", "active_for"), 2)
    return random.choice(SOURCES), some_settings(random, *keys, "inactive_action")


NUMBERS = st.integers(0, 2**24 - 1)


# -- the same people by many ways ------------------------------------------------------------------

UNTIL_THE_END = {
    "import_users": True,
    "scope_filter": "",
    "scope_groups": "",
    "exclude_people": "",
    "rename_accounts": True,
    "update_users": True,
    "clear_attributes": True,
    "enable_users": True,
    "active_for": "",
    "removal_limit_count": 1000,
    "state": "active",
}
"""What has to hold at last for accounts to follow from what was said last.

Otherwise it matters when something was said: whom a source does not import, rename, update or
enable any more keeps what it was given before.
"""
NOT_FOR_THESE = frozenset({"match_policy", "protected_names", "removal_limit_percent"})
"""Rules by which a provider is refused or kept waiting, so that what it says last is lost."""
NOBODY_ACTS = ("scope_filter", "scope_groups", "exclude_people", "active_for", "state")
"""Rules by which a source leaves people alone: who comes back meanwhile is a stranger later."""
LAST_RULES = ("user_name_attribute", "attribute_mapping", "inactive_action")


def said(source: str, slot: int, number: int, *, comes_back: bool) -> tuple[Event, ...]:
    """Return something that a provider says of a person, before or after it deletes them."""
    random = Random(number)  # noqa: S311
    word = Say(source, slot, some_twin(random, source[0] + str(slot)))
    returns = comes_back and random.random() < 0.4
    return (Leave(source, slot), word) if returns else (word,)


def said_at_last(source: str, slot: int, number: int) -> Event:
    random = Random(number)  # noqa: S311
    if random.random() < 0.2:
        return Leave(source, slot)
    return Say(source, slot, some_twin(random, source[0] + str(slot), whole=True))


def some_twin(random: Random, name: str, *, whole: bool = False) -> dict[str, Any]:
    """Return one of the ways in which a person may be stated, the externalId always being one."""
    empty, unsaid = ((), ()) if whole else (("",), (None,))
    return person(
        random.choice((name, name.upper(), f"{name}@a.test", f"{name}.x")),
        active=random.choice((True, False, *unsaid)),
        mail=random.choice((f"{name}@a.test", f"{name.upper()}@b.test", *empty)),
        external_id=f"id-{name}",
        full_name=random.choice((f"Dr {name}", f"{name} Bo", *empty)),
        department=random.choice(("", "Sales", "IT")),
    )


def rules_for_now(source: str, number: int, *, comes_back: bool) -> Event:
    left_out = NOT_FOR_THESE | (set(NOBODY_ACTS) if comes_back else set())
    random = Random(number)  # noqa: S311
    values = {**some_settings(random), **some_replacement(random)}
    return Rules(source, {k: v for k, v in values.items() if k not in left_out and v != "off"})


def rules_at_last(source: str, number: int) -> Event:
    random = Random(number)  # noqa: S311
    last = {key: random.choice(RULE_VALUES[key]) for key in LAST_RULES}
    return Rules(source, {**last, **some_replacement(random), **UNTIL_THE_END})


def some_replacement(random: Random) -> dict[str, str]:
    """Return a username rule that gives no two people one name."""
    regex = random.choice(RULE_VALUES["username_regex"])
    replacement = random.choice(("$1", "x$1") if regex else ("",))
    return {"username_regex": regex, "username_replacement": replacement}


@st.composite
def ways(draw: st.DrawFn) -> tuple[list[Event], list[Event]]:
    """Draw what is said of five people and the rules, in a random order, and the last of it.

    What is said of one person, and of the rules of one source, keeps its own order.
    """
    comes_back, some = draw(st.booleans()), st.lists(NUMBERS, max_size=4)
    lists: list[tuple[Event, ...]] = []
    for source in SOURCES:
        now = [rules_for_now(source, n, comes_back=comes_back) for n in draw(some)]
        lists.append((*now, rules_at_last(source, draw(NUMBERS))))
    for source, slot in (("acme", 0), ("acme", 1), ("acme", 2), ("beta", 0), ("beta", 1)):
        words = [said(source, slot, n, comes_back=comes_back) for n in draw(some)]
        lists.append((*chain(*words), said_at_last(source, slot, draw(NUMBERS))))
    turns = draw(st.permutations([n for n, events in enumerate(lists) for _ in events]))
    waiting = [iter(events) for events in lists]
    return [next(waiting[turn]) for turn in turns], [events[-1] for events in lists]


# -- histories -------------------------------------------------------------------------------------


def histories(most: int = 12) -> st.SearchStrategy[list[Event]]:
    """Return lists of events of every kind; each source begins with rules of its own."""
    beginnings = st.tuples(NUMBERS, NUMBERS).map(lambda n: [*map(beginning_of, SOURCES, n)])
    rest = st.lists(NUMBERS, min_size=4, max_size=most, unique=True).map(
        lambda numbers: [*map(event_of, numbers)]
    )
    return st.tuples(beginnings, rest).map(lambda parts: parts[0] + parts[1])
