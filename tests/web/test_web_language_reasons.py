"""Reasons in the reader's language: every text of the rules is known, names stay as they are."""

import ast
import gettext
import itertools
import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask

from usersync_ext.core.facts import Facts
from usersync_ext.core.fields import mapped
from usersync_ext.core.groups import Target
from usersync_ext.core.matching import evidence_of
from usersync_ext.core.memberships import MembershipFacts, with_memberships
from usersync_ext.core.option import Option
from usersync_ext.core.options import RULES, changed_rules
from usersync_ext.core.plan import decide
from usersync_ext.core.records import (
    Account,
    Actor,
    Decision,
    DirectoryGroup,
    GrantKind,
    Identity,
    Source,
)
from usersync_ext.core.scope import SourceGroup
from usersync_ext.core.username import account_name
from usersync_ext.state import state_of
from usersync_ext.store import journal, people, sources
from usersync_ext.sync import admin, by_hand, group_admin, leavers
from usersync_ext.sync.engine import Engine
from usersync_ext.sync.explain import explain_person
from usersync_ext.testing import ScimClient, scim_client
from usersync_ext.web import reasons
from usersync_ext.web.reason_forms import JOINED, LISTED, OF_PEOPLE, REASONS, WORDS

PACKAGE = Path(reasons.__file__).parents[1]
NOW = datetime(2026, 1, 1, tzinfo=UTC)
ADMIN = Actor(kind="admin", name="root")
VALUE = "x1"

# -- every text of the code is known ---------------------------------------------------------------

WHOLE = ("core", "sync", "directories")
RAISED = ("store",)
"""Of these folders only the texts of errors and refusals: the rest is SQL."""
COMMAND_LINE = {"sync/doctor.py"}
"""What only ``usersync doctor`` prints."""
NOT_SHOWN = {"ConfigError", "ValueError", "TypeError", "RuntimeError"}
"""Errors of the host's set-up and of programming, which no page shows."""
PIECES: Mapping[str, str] = {
    "the username rule": "the username rule makes an empty name of 'x1'",
    "the rule for group names": "the rule for group names makes an empty name of 'x1'",
    "is an administrator's": (
        "an account named 'x1' exists and is an administrator's: "
        "it waits for an administrator to adopt it"
    ),
    "is not managed by x1": (
        "an account named 'x1' exists and is not managed by x1: "
        "it waits for an administrator to adopt it"
    ),
    "not taken away": "the group 'x1' is protected: the membership of 'x1' is not taken away",
    "x1: the account stays as it is": (
        "out of scope: 'x1' is excluded: the account stays as it is"
    ),
    "x1, but an administrator restored the account: it stays": (
        "deleted in the provider, but an administrator restored the account: it stays"
    ),
    "x1: the membership of 'x1' is not given": (
        "the group 'x1' is protected: the membership of 'x1' is not given"
    ),
    "x1: the membership of 'x1' is not taken away": (
        "the account 'x1' is protected: the membership of 'x1' is not taken away"
    ),
    ", which is created": "added to 'x1', which is created: default group",
    "it cannot be read": "not a valid regular expression: it cannot be read",
    "; the name mixes x1 letters and may be mistaken for another": (
        "the username rule does not match: the name stays as received; "
        "the name mixes x1 letters and may be mistaken for another"
    ),
    ": x1 is refused": "the account 'x1' is protected: x1 is refused",
    ", which the rules make of 'x1'": "renamed from 'x1' to 'x1', which the rules make of 'x1'",
    "stay as they are": "x1 stay as they are: Update Users is off",
    "stays as it is": "x1 stays as it is: Update Users is off",
    "account x1d: x1": "account deleted: the source was removed",
    "created for the provider's group": "created for the provider's group 'x1'",
    "renamed: the provider renamed its group": "renamed: the provider renamed its group 'x1'",
}
"""Texts that stand only in longer ones, with such a one."""
NEVER_SAID = {
    "displayName | name.formatted | {name.givenName} {name.familyName} | userName",
    "account enabled: inactive in the provider",
}
"""A default, and what only this test puts together."""
MADE_OTHERWISE = {"it makes an empty name of %(received)s"}
"""Forms of texts that the code makes by replacing words of others."""


class Texts(ast.NodeVisitor):
    """The texts that a file of code says, with a neutral value for each that it puts in."""

    def __init__(self, path: Path, *, only_raised: bool) -> None:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        self.scopes = [assigned(tree.body)]
        self.is_asked = not only_raised
        self.found: list[str] = []
        self.visit(tree)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> None:
        self.scopes.append(assigned(ast.walk(node)))
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Expr(self, node: ast.Expr) -> None:
        if not isinstance(node.value, ast.Constant):  # a docstring
            self.generic_visit(node)

    def visit_Raise(self, node: ast.Raise) -> None:
        if not set(named_in(node.exc)) & NOT_SHOWN:
            before, self.is_asked = self.is_asked, True
            self.generic_visit(node)
            self.is_asked = before

    def visit_Call(self, node: ast.Call) -> None:
        if named_in(node.func)[:1] not in (["logger"], ["Option"], ["re"]):
            self.generic_visit(node)

    def visit_Constant(self, node: ast.Constant) -> None:
        if self.is_asked and isinstance(node.value, str):
            self.found.append(node.value)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        if self.is_asked:
            self.found += written(node, {**self.scopes[0], **self.scopes[-1]})


Names = Mapping[str, list[ast.expr]]
"""What is assigned to each name of a function or module."""


def assigned(nodes: object) -> dict[str, list[ast.expr]]:
    found: dict[str, list[ast.expr]] = {}
    for node in nodes:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            found.setdefault(node.targets[0].id, []).append(node.value)
    return found


def named_in(node: ast.AST | None) -> list[str]:
    """Return the names in an expression, the outermost first."""
    return [each.id for each in ast.walk(node) if isinstance(each, ast.Name)] if node else []


def written(node: ast.expr, names: Names) -> list[str]:
    """Return the texts that an expression may be; what is not written there is ``VALUE``."""
    match node:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.JoinedStr(values=parts):
            return list(map("".join, itertools.product(*(written(p, names) for p in parts))))
        case ast.FormattedValue(value=value, conversion=conversion):
            return [repr(VALUE)] if conversion == ord("r") else written(value, names)
        case ast.IfExp(body=one, orelse=other):
            return written(one, names) + written(other, names)
        case ast.BoolOp(op=ast.Or(), values=values):
            return [text for value in values for text in written(value, names)]
        case ast.Name(id=name) if name in names:
            return list(dict.fromkeys(t for v in names[name] for t in written(v, {})))
    return [VALUE]


def is_sentence(text: str) -> bool:
    """Tell whether a text has three words or more."""
    return len([word for word in text.split() if re.search("[a-z]", word)]) > 2


def code() -> Iterator[tuple[str, Texts]]:
    for folder in (*WHOLE, *RAISED):
        for path in sorted((PACKAGE / folder).glob("*.py")):
            name = f"{folder}/{path.name}"
            if name not in COMMAND_LINE:
                yield name, Texts(path, only_raised=folder in RAISED)


def sentences() -> dict[str, str]:
    """Return all sentences of the code, each with a file that says it."""
    known = {*WORDS, *(text for option in RULES for text in texts_of_option(option))}
    return {
        text: name
        for name, texts in code()
        for text in texts.found
        if is_sentence(text) and text not in known
    }


def texts_of_option(option: Option) -> Iterator[str]:
    yield from (option.section, option.label, option.help, option.effect)
    yield from (label for _, label in option.choices)


def is_understood(text: str) -> bool:
    """Tell whether a text is known, and the reasons within it."""
    found = reasons.read(text)
    return bool(found) and all(
        is_understood(value)
        for reading in found
        for name, value in reading.values
        if name.startswith(reasons.NESTED) and value != VALUE
    )


def forms_in(text: str) -> set[str]:
    """Return the forms of a text and of the reasons within it."""
    found = {reading.form for reading in reasons.read(text)}
    nested = [v for r in reasons.read(text) for n, v in r.values if n.startswith(reasons.NESTED)]
    return found.union(*map(forms_in, nested))


def test_every_sentence_of_the_code_is_known():
    found = sentences()

    unknown = {text for text in found if not is_understood(text)}

    assert len(found) > 200
    assert unknown == PIECES.keys() | NEVER_SAID


@pytest.mark.parametrize("piece", PIECES)
def test_a_piece_stands_in_a_text_that_is_known(piece):
    pattern = re.escape(piece).replace(VALUE, ".+")

    assert re.search(pattern, PIECES[piece])
    assert is_understood(PIECES[piece])


def test_every_form_is_one_that_the_code_says():
    texts = [text for _, each in code() for text in each.found]

    said = set[str]().union(*map(forms_in, [*texts, *PIECES.values()]))

    assert set(REASONS) - said == MADE_OTHERWISE


def test_forms_are_there_once():
    assert len(set(REASONS)) == len(REASONS)
    assert len(set(WORDS)) == len(WORDS)


# -- every decision is known -----------------------------------------------------------------------

MAIL = {"emails": [{"value": "ann@x.test", "type": "work", "primary": True}]}
OWN = Account(key="1", user_name="ann", full_name="ann", owner="acme")
LOCAL = Account(key="2", user_name="ann", full_name="Ann B", email="ann@x.test")
THEIRS = Account(key="3", user_name="ann", owner="beta")
STAFF = SourceGroup(id=1, scim_id="g1", name="Staff; all")
STRIPPED = {"username_regex": "(.*)@.*", "username_replacement": "$1"}
LEFT = {"active": False}
LONG_AGO = NOW - timedelta(days=99)
USERS = DirectoryGroup(key="7", name="users")
WANTED = {"users": (Target(name="users", via="Team; X"), Target(name="users", via="o'neil"))}
MAPPED = {"users": frozenset({GrantKind.MAPPED})}


def decided(
    identity: Mapping[str, object] = {},
    rules: Mapping[str, object] = {},
    known: Mapping[str, object] = {},
) -> Decision:
    """Return what the rules decide about a person, of whom little is known."""
    values = {"user_name": "ann", "active": True, "record": {}, **identity}
    name = values["user_name"]
    record = {"userName": name, **values.pop("record")}
    person = Identity(id=1, scim_id="s1", external_id="e1", full_name=name, record=record, **values)
    complete = changed_rules({}, rules)
    facts = Facts(
        source="acme",
        directory="local",
        now=NOW,
        **{
            "name": account_name(name, complete),
            "received_name": name,
            "wanted": mapped(person, complete["attribute_mapping"]),
            **known,
        },
    )
    return decide(person, complete, facts)


def said_by(decision: Decision) -> set[str]:
    """Return all texts of a decision."""
    return {
        decision.why,
        *(step.text for step in decision.steps),
        *(each.reason for each in decision.changes),
        *(each.reason for each in decision.memberships),
        *(each.reason for each in decision.refusals),
    } - {""}


CASES: tuple[tuple[Mapping[str, object], ...], ...] = (
    ({},),
    ({}, {"exclude_people": "ann"}),
    ({}, {"exclude_people": "ann"}, {"linked": OWN}),
    ({}, {"exclude_people": "ann", "out_of_scope_action": "disable"}, {"linked": OWN}),
    ({}, {"exclude_people": "ann"}, {"linked": OWN, "restored": True}),
    ({}, {"scope_filter": 'title eq "a; b"'}),
    ({"record": {"title": "a; b"}}, {"scope_filter": 'title eq "a; b"'}),
    ({}, {"scope_groups": "Staff; all"}),
    ({}, {"scope_groups": "Staff; all"}, {"groups": (STAFF,)}),
    ({}, {"active_for": "ben, group:Staff"}),
    ({}, {"active_for": "ann"}),
    ({"user_name": "ann@x.test"}, STRIPPED),
    ({"user_name": "ann"}, STRIPPED),
    ({"user_name": "@x.test"}, STRIPPED),
    ({"user_name": "a" * 300}, STRIPPED),
    ({"user_name": "a" * 300},),
    ({"user_name": " ann"},),
    ({"user_name": "an\tn"},),
    ({"user_name": "\u0430nn"},),
    ({}, {"user_name_attribute": "emails"}, {"name": account_name("Ann", {"username_regex": ""})}),
    ({"record": MAIL}, {}, {"alike": (LOCAL,)}),
    ({"record": MAIL}, {}, {"alike": (LOCAL,), "login_by_email": True}),
    ({}, {"import_users": False}),
    (LEFT, {"inactive_action": "delete"}),
    ({"deleted": True},),
    ({}, {}, {"former": OWN}),
    ({}, {}, {"accepted": LOCAL}),
    ({}, {}, {"by_name": LOCAL}),
    ({}, {}, {"by_name": THEIRS, "owner_names": {"3": "o'neil"}}),
    ({}, {}, {"by_name": LOCAL, "refused": frozenset("2")}),
    ({}, {}, {"by_name": replace(LOCAL, protected=True)}),
    ({}, {}, {"by_name": replace(LOCAL, privileged=True)}),
    ({}, {}, {"by_name": OWN, "left_behind": frozenset("1")}),
    ({}, {"match_policy": "user_name"}, {"by_name": LOCAL}),
    ({}, {"match_policy": "user_name"}, {"by_name": replace(LOCAL, privileged=True)}),
    (
        {"record": MAIL},
        {"match_policy": "email_verified"},
        {
            "by_email": tuple(
                replace(LOCAL, key=key, user_name=key, email_verified=True) for key in "78"
            )
        },
    ),
    ({}, {}, {"linked": OWN}),
    ({}, {}, {"linked": replace(OWN, user_name="old", title="x; y")}),
    ({"user_name": "ann@x.test"}, STRIPPED, {"linked": replace(OWN, user_name="old; name")}),
    ({}, {"rename_accounts": False}, {"linked": replace(OWN, user_name="old")}),
    ({}, {}, {"linked": replace(OWN, user_name="old"), "by_name": THEIRS}),
    ({}, {"update_users": False}, {"linked": replace(OWN, full_name="Old")}),
    ({}, {"update_users": False}, {"linked": replace(OWN, full_name="Old", title="x")}),
    ({"active": None}, {}, {"linked": OWN}),
    ({}, {}, {"linked": replace(OWN, active=False)}),
    ({}, {"enable_users": False}, {"linked": replace(OWN, active=False)}),
    (LEFT, {}, {"linked": OWN}),
    (LEFT, {}, {"linked": OWN, "restored": True}),
    (LEFT, {"enable_users": False}, {"linked": OWN}),
    (LEFT, {"inactive_action": "delete"}, {"linked": OWN}),
    ({"deleted": True}, {"enable_users": False}, {"linked": OWN}),
    ({"deleted": True}, {}, {"linked": OWN}),
    (
        {"deleted": True},
        {"delete_after_days": 30},
        {"linked": replace(OWN, active=False), "disabled_at": LONG_AGO},
    ),
    ({}, {}, {"linked": replace(OWN, protected=True)}),
    ({}, {}, {"linked": replace(OWN, protected=True, user_name="old", title="x")}),
    (
        {},
        {"exclude_people": "ann", "out_of_scope_action": "disable"},
        {"linked": replace(OWN, protected=True)},
    ),
)


@pytest.mark.parametrize("case", CASES)
def test_every_text_of_a_decision_is_known(case):
    assert {text for text in said_by(decided(*case)) if not is_understood(text)} == set()


def test_the_decisions_say_most_of_what_can_be_said_of_people():
    said = set[str]().union(*(said_by(decided(*case)) for case in CASES))

    forms = set[str]().union(*map(forms_in, said))

    assert len(forms & set(OF_PEOPLE)) > 60


@pytest.mark.parametrize(
    ("facts", "rules"),
    [
        ({"targets": WANTED}, {}),
        ({"targets": WANTED, "known": {"users": replace(USERS, key="")}}, {}),
        (
            {"targets": WANTED, "known": {"users": replace(USERS, key="")}},
            {"create_groups": False},
        ),
        ({"targets": WANTED, "known": {"users": replace(USERS, protected=True)}}, {}),
        ({"targets": WANTED, "members": {"users": "given by hand by admin:root"}}, {}),
        ({"targets": WANTED, "grants": MAPPED, "members": {"users": ""}}, {}),
        ({"grants": MAPPED}, {"default_groups": "users", "assign_default_groups_to": "all"}),
        ({"grants": MAPPED, "members": {"users": ""}}, {}),
        ({"grants": MAPPED, "members": {"users": ""}}, {"group_mode": "off"}),
        (
            {"members": {"users": ""}, "known": {"users": replace(USERS, protected=True)}},
            {"keep_existing_groups": False},
        ),
        ({"members": {"users": "kept from before"}}, {"keep_existing_groups": False}),
        ({"members": {"users": ""}, "foreign": frozenset({"users"})}, {}),
        ({"targets": WANTED, "members": {"users": ""}, "foreign": frozenset({"users"})}, {}),
    ],
)
def test_every_text_about_a_membership_is_known(facts, rules):
    complete = changed_rules({}, {"group_mode": "manual", **rules})
    facts = MembershipFacts(**{"known": {"users": USERS}, **facts})

    decision = with_memberships(decided({}, {}, {"linked": OWN}), OWN, complete, facts)

    texts = said_by(decision) - said_by(decided({}, {}, {"linked": OWN}))
    assert texts
    assert {text for text in texts if not is_understood(text)} == set()


@pytest.mark.parametrize(
    "account", [LOCAL, THEIRS, replace(LOCAL, user_name="b", privileged=True), OWN]
)
def test_every_piece_of_evidence_is_known(account):
    person = decided({"record": MAIL}).identity

    evidence = evidence_of(person, "ann", "ann@x.test", account, rivals=2)

    texts = (*evidence.matches, *evidence.risks)
    assert {text for text in texts if not is_understood(text)} == set()


# -- what is stored is known -----------------------------------------------------------------------


def stored(app: Flask) -> set[str]:
    """Return what people, lines of the journal, steps and memberships say in an app."""
    engine = state_of(app).engine
    with engine.store.reading() as session:
        entries = journal.list_entries(session, journal.Lines(category=None), limit=1000)
        found = [e.reason for e in entries if e.kind not in WRITTEN_BY_PEOPLE]
        everybody = people.list_people(session, limit=1000)
        of_sources = sources.list_sources(session)
    for person in everybody:
        explained = explain_person(engine, person.id)
        found += [person.why, *(why for _, why in explained.groups)]
        found += said_by(explained.decision) if explained.decision else []
    for source in of_sources:
        found += group_admin.problems_of(engine, source)
    return {text for text in found if text}


WRITTEN_BY_PEOPLE = {"token_added", "token_revoked", "source_changed"}
"""Lines that hold a label, or settings as they are written."""


def test_what_pushes_store_is_known(app):
    rules = {
        "group_mode": "on_the_fly",
        "default_groups": "everybody",
        "assign_default_groups_to": "new",
        "removal_limit_count": 1,
        "removal_limit_percent": 0,
        "group_exclude": "Hidden",
        **STRIPPED,
    }
    acme = scim_client(app, "Acme; Inc", **rules)
    engine = state_of(app).engine
    by_hand.add_account(engine, ADMIN, user_name="dan")
    ids = [new_person(acme, f"{name}@x.test") for name in ("ann", "ben", "cat", "dan", "")]
    group = new_group(acme, "Staff; all", *ids[:3])
    new_group(acme, "Admins", ids[0])
    new_group(acme, "Hidden", ids[0])

    for scim_id in ids[:3]:
        acme.patch(f"/Users/{scim_id}", {"op": "replace", "path": "active", "value": False})
    acme.patch(f"/Groups/{group}", {"op": "replace", "path": "displayName", "value": "Crew"})
    acme.delete(f"/Users/{ids[1]}")
    look_after(engine, acme.source, ids[0])

    texts = stored(app)
    assert len(texts) > 20
    assert {text for text in texts if not is_understood(text)} == set()


def test_what_a_source_that_observes_stores_is_known(app):
    acme = scim_client(app, state="observe", group_mode="on_the_fly", import_users=True)
    ann, ben = new_person(acme, "ann"), new_person(acme, "ben")
    new_group(acme, "Staff; all", ann, ben)
    acme.delete(f"/Users/{ben}")

    assert {text for text in stored(app) if not is_understood(text)} == set()


def test_what_is_left_of_a_source_that_was_removed_is_known(app):
    acme = scim_client(app, group_mode="on_the_fly")
    beta = scim_client(app, "Beta", group_mode="on_the_fly", keep_existing_users=False)
    new_group(acme, "Staff", new_person(acme, "ann"))
    new_group(beta, "Staff", new_person(beta, "ben"), new_person(beta, "ann"))

    admin.leave_source(state_of(app).engine, ADMIN, acme.source, accounts="disable", remove=False)

    assert {text for text in stored(app) if not is_understood(text)} == set()


def new_person(client: ScimClient, user_name: str) -> str:
    answer = client.post("/Users", {"userName": user_name, "active": True})
    return answer.get_json().get("id", "")


def new_group(client: ScimClient, name: str, *ids: str) -> str:
    members = [{"value": each} for each in ids if each]
    answer = client.post("/Groups", {"displayName": name, "members": members})
    return answer.get_json().get("id", "")


def look_after(engine: Engine, source: Source, scim_id: str) -> None:
    """Release what is held, and give a leaver their account back."""
    admin.decide_held(engine, ADMIN, source, release=True)
    with engine.store.reading() as session:
        [ann] = [p for p in people.list_people(session, limit=99) if p.scim_id == scim_id]
    leavers.restore(engine, ADMIN, source, ann.id)


# -- names stay as they are ------------------------------------------------------------------------


class Shouting(gettext.NullTranslations):
    """A language that is English in capitals, with a mark around every text of ours."""

    def gettext(self, message: str) -> str:
        parts = re.split(r"(%\(\w+\)s)", message)
        return "<" + "".join(p if p.startswith("%(") else p.upper() for p in parts) + ">"


@pytest.fixture
def shouted(monkeypatch):
    """Return what says a reason in another language."""
    monkeypatch.setattr(reasons, "catalogue", lambda spoken: Shouting())
    yield lambda text: reasons.translated(text, "loud")
    reasons.translated.cache_clear()


@pytest.mark.parametrize(
    "name",
    [
        "ann",
        "default group",
        "create",
        "the account 'x' is protected",
        "a' is protected: the membership of 'b",
        'it\'s "quoted"; so',
        "x; default group",
        "%(name)s 100% %s",
        "a\nb; c: d",
    ],
)
def test_names_are_kept_whatever_they_look_like(shouted, name):
    text = f"the username rule makes {name!r} of {name!r}"
    refused = f"the group {name!r} is protected: the membership of {name!r} is not given"

    assert shouted(text) == f"<THE USERNAME RULE MAKES {name!r} OF {name!r}>"
    assert shouted(refused) == (
        f"<<THE GROUP {name!r} IS PROTECTED>: THE MEMBERSHIP OF {name!r} IS NOT GIVEN>"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            'out of scope: does not match title eq "a; b": the account stays as it is',
            '<<OUT OF SCOPE: DOES NOT MATCH title eq "a; b">: THE ACCOUNT STAYS AS IT IS>',
        ),
        (
            "renamed from 'a; b' to 'c'; full name, nick and e-mail brought in line with the "
            "provider; account enabled: active in the provider",
            "<<RENAMED FROM 'a; b' TO 'c'>; <<<<FULL NAME>, nick AND <E-MAIL>> BROUGHT IN LINE "
            "WITH THE PROVIDER>; <ACCOUNT ENABLED: ACTIVE IN THE PROVIDER>>>",
        ),
        (
            "observed only, would be: added to 'x': because the provider's group 'y' is mapped "
            "to it; default group",
            "<OBSERVED ONLY, WOULD BE: <ADDED TO 'x': <<BECAUSE THE PROVIDER'S GROUP 'y' IS "
            "MAPPED TO IT>; <DEFAULT GROUP>>>>",
        ),
        (
            "the account 'ann' is protected: rename, update is refused",
            "<THE ACCOUNT 'ann' IS PROTECTED: <RENAME>, <UPDATE> IS REFUSED>",
        ),
        (
            "default_groups: 'admins' is a protected group, which sync never gives; "
            "choose another one",
            "<default_groups: <'admins' IS A PROTECTED GROUP, WHICH SYNC NEVER GIVES; "
            "CHOOSE ANOTHER ONE>>",
        ),
        (
            "refused by the host application: default group",
            "<REFUSED BY THE HOST APPLICATION: default group>",
        ),
        (
            "rename was rejected by an administrator: the account stays as it is",
            "<<RENAME> WAS REJECTED BY AN ADMINISTRATOR: THE ACCOUNT STAYS AS IT IS>",
        ),
        (
            "the moon is full: the account stays as it is",
            "the moon is full: the account stays as it is",
        ),
        ("account disabled: of old age", "<ACCOUNT DISABLED: of old age>"),
        ("state=active, mappings: +a→b", "state=active, mappings: +a→b"),
        ("somebody: wrote this; by hand", "somebody: wrote this; by hand"),
        ("", ""),
    ],
)
def test_a_reason_is_said_with_those_within_it(shouted, text, expected):
    assert shouted(text) == expected


def test_words_of_reasons_have_all_their_places_in_english():
    for form in (*REASONS, JOINED, LISTED):
        places = re.findall(r"%\((\w+)\)s", form)
        assert len(set(places)) == len(places)
        assert (form % dict.fromkeys(places, VALUE)).count(VALUE) == len(places)


# -- each text is looked at once -------------------------------------------------------------------


def test_a_reason_is_recognised_once_and_tried_against_few_forms(monkeypatch, shouted):
    tried = []
    values_in = reasons.values_in
    monkeypatch.setattr(
        reasons, "values_in", lambda *args, **how: tried.append(args) or values_in(*args, **how)
    )
    texts = [f"renamed from 'a{n}' to 'b{n}'; the source was removed" for n in range(50)]
    reasons.read.cache_clear()

    for text in texts * 3:
        shouted(text)

    assert 50 <= len(tried) < 50 * 10
    assert reasons.read.cache_info().misses == 50


def test_a_long_text_with_many_quotes_is_given_up_soon(shouted):
    """A pattern that tried every pair of quotes in two ways would never end."""
    text = "removed from 'x: no rule explains the membership (" + "'a' \"b\" " * 2000

    assert shouted(text) == text
