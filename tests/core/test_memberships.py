"""Which groups an account gets, keeps and loses: every combination of reasons."""

import pytest

from usersync_ext.core.groups import Target
from usersync_ext.core.memberships import MembershipFacts, with_memberships
from usersync_ext.core.options import changed_rules
from usersync_ext.core.records import (
    Account,
    Change,
    ChangeKind,
    Decision,
    DirectoryGroup,
    GrantKind,
    Identity,
    PersonState,
)

MAPPED = frozenset({GrantKind.MAPPED})
DEFAULT = frozenset({GrantKind.DEFAULT})
ANN = Account(key="1", user_name="ann")
USERS = DirectoryGroup(key="7", name="users")
WANTED = {"users": (Target(name="users", via="Team X"),)}


def a_decision(*, account=ANN, state=PersonState.IN_SYNC, changes=(), deleted=False):
    identity = Identity(
        id=1,
        scim_id="id-1",
        external_id=None,
        user_name="ann",
        active=True,
        full_name="Ann",
        deleted=deleted,
    )
    return Decision(identity=identity, state=state, why="", account=account, changes=tuple(changes))


def decided(facts, *, account=ANN, decision=None, **values):
    rules = changed_rules({}, {"group_mode": "manual", **values})
    known = {"users": USERS, **facts.pop("known", {})}
    return with_memberships(
        decision or a_decision(), account, rules, MembershipFacts(known=known, **facts)
    )


def kinds(decision):
    return [(change.kind, change.group.name) for change in decision.memberships]


@pytest.mark.parametrize(
    ("facts", "values", "expected"),
    [
        ({"targets": WANTED}, {}, ["add_member"]),
        ({"targets": WANTED, "members": {"users": ""}, "grants": {"users": MAPPED}}, {}, []),
        ({"members": {"users": ""}, "grants": {"users": MAPPED}}, {}, ["remove_member"]),
        ({"targets": WANTED, "grants": {"users": MAPPED}}, {}, ["add_member"]),
        ({"grants": {"users": MAPPED}}, {}, ["keep_member"]),
        ({"targets": WANTED, "members": {"users": "by hand"}}, {}, []),
        ({"members": {"users": "by hand"}}, {}, []),
        ({"members": {"users": "by hand"}}, {"keep_existing_groups": "off"}, ["remove_member"]),
        ({"targets": WANTED, "members": {"users": "x"}}, {"keep_existing_groups": "off"}, []),
        (
            {"members": {"users": "x"}, "authoritative": frozenset({"users"})},
            {"keep_existing_users": "off"},
            ["remove_member"],
        ),
        (
            {"members": {"users": "x"}, "foreign": frozenset({"users"})},
            {"keep_existing_groups": "off"},
            [],
        ),
        (
            {"members": {"users": "x"}},
            {"keep_existing_groups": "off", "default_groups": "users"},
            [],
        ),
        ({"members": {"users": "x"}}, {"keep_existing_groups": "off", "group_mode": "off"}, []),
        ({"members": {"users": ""}, "grants": {"users": MAPPED}}, {"group_mode": "off"}, []),
        ({"members": {"users": ""}, "grants": {"users": DEFAULT}}, {}, []),
        (
            {"members": {"users": ""}, "grants": {"users": MAPPED | DEFAULT}},
            {},
            ["keep_member"],
        ),
    ],
)
def test_a_membership_changes_only_for_a_reason(facts, values, expected):
    decision = decided(dict(facts), **values)

    assert [change.kind for change in decision.memberships] == expected
    assert not decision.refusals


@pytest.mark.parametrize(
    ("to", "is_new", "expected"),
    [
        ("none", True, []),
        ("new", True, ["users"]),
        ("new", False, []),
        ("all", True, ["users"]),
        ("all", False, ["users"]),
    ],
)
def test_default_groups_are_given_to_whom_the_rule_names(to, is_new, expected):
    new = replace_key(ANN) if is_new else ANN
    creation = Change(kind=ChangeKind.CREATE, subject="ann", before=None, after=new, reason="")
    decision = a_decision(account=None if is_new else ANN, changes=[creation] if is_new else [])

    result = decided(
        {},
        account=new,
        decision=decision,
        group_mode="off",
        default_groups="users",
        assign_default_groups_to=to,
    )

    assert [change.group.name for change in result.memberships] == expected
    assert all(change.grants == DEFAULT for change in result.memberships)


def replace_key(account):
    return Account(key="", user_name=account.user_name)


def test_a_deleted_person_gets_no_default_group():
    result = decided(
        {},
        decision=a_decision(deleted=True),
        default_groups="users",
        assign_default_groups_to="all",
    )

    assert result.memberships == ()


@pytest.mark.parametrize(
    ("group", "account"),
    [
        (DirectoryGroup(key="7", name="users", protected=True), ANN),
        (USERS, Account(key="1", user_name="ann", protected=True)),
    ],
)
@pytest.mark.parametrize(
    "facts",
    [{"targets": WANTED}, {"members": {"users": ""}, "grants": {"users": MAPPED}}],
)
def test_protected_groups_and_accounts_are_left_alone_and_it_is_said(group, account, facts):
    result = decided({**facts, "known": {"users": group}}, account=account)

    assert result.memberships == ()
    [refusal] = result.refusals
    assert "protected" in refusal.reason
    assert result.steps[-1].rule == "protected_groups"


def test_a_group_is_protected_by_the_name_in_the_rule():
    result = decided({"targets": WANTED}, protected_groups="us*")

    assert [refusal.group for refusal in result.refusals] == ["users"]


def test_a_row_that_is_allowed_gives_and_takes_a_protected_group():
    protected = {"users": DirectoryGroup(key="7", name="users", protected=True)}
    allowed = frozenset({"users"})

    given = decided({"targets": WANTED, "known": protected, "allowed": allowed})
    taken = decided(
        {
            "members": {"users": ""},
            "grants": {"users": MAPPED},
            "known": protected,
            "taken_back": allowed,
        }
    )

    assert kinds(given) == [("add_member", "users")]
    assert kinds(taken) == [("remove_member", "users")]


def test_what_may_be_taken_back_may_not_be_given_for_that():
    """T-14"""
    protected = {"users": DirectoryGroup(key="7", name="users", protected=True)}

    result = decided({"targets": WANTED, "known": protected, "taken_back": frozenset({"users"})})

    assert result.memberships == ()
    assert [refusal.group for refusal in result.refusals] == ["users"]


@pytest.mark.parametrize(("create", "expected"), [("on", ["add_member"]), ("off", [])])
def test_a_missing_group_is_created_only_where_that_is_allowed(create, expected):
    missing = {"users": DirectoryGroup(key="", name="users")}

    result = decided({"targets": WANTED, "known": missing}, create_groups=create)

    assert [change.kind for change in result.memberships] == expected
    assert "created" in result.steps[-1].text


@pytest.mark.parametrize("state", [PersonState.OUT_OF_SCOPE, PersonState.PROPOSED])
def test_who_is_out_of_scope_or_waits_keeps_what_they_have(state):
    result = decided(
        {"members": {"users": ""}, "grants": {"users": MAPPED}}, decision=a_decision(state=state)
    )

    assert result.memberships == ()


def test_only_the_groups_that_are_asked_for_are_looked_at():
    other = DirectoryGroup(key="8", name="wiki")

    result = decided(
        {
            "targets": {**WANTED, "wiki": (Target(name="wiki", via="Y"),)},
            "known": {"wiki": other},
            "only": frozenset({"wiki"}),
        }
    )

    assert kinds(result) == [("add_member", "wiki")]


def test_the_reasons_name_the_groups_of_the_provider():
    two = {"users": (Target(name="users", via="B"), Target(name="users", via="A"))}

    result = decided({"targets": two})

    reason = "added to 'users': because the provider's group 'A', 'B' is mapped to it"
    assert [change.reason for change in result.memberships] == [reason]
