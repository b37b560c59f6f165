"""The journal of a rule change is the plan that was shown before, for hundreds of random ones."""

import json
from random import Random

from acting import (
    ADMIN,
    ENTERPRISE,
    accounts,
    disable,
    engine_of,
    entries,
    local_account,
    mail,
    push,
    push_group,
    source_of,
)
from histories import RULE_VALUES

from usersync_ext.core.records import RunState
from usersync_ext.store import runs as store_runs
from usersync_ext.store.journal import account_as_json
from usersync_ext.sync import runs

CHANGES = 200
STEADY = {
    "removal_limit_count": (1000,),
    "removal_limit_percent": (100,),
    "minimum_admins": (0,),
    "inactive_action": ("disable",),
}
"""Where nothing is held and nobody is deleted for good, every change stays reversible."""


def staff(app, provider):
    """Push people of several departments, some inactive, beside local accounts."""
    for name in ("vera", "svc-1"):
        local_account(app, name, email=f"{name}@a.test", verified=True)
    ids = [
        push(
            provider,
            name,
            externalId=f"E{number}",
            displayName=name.title(),
            title=("Editor", "")[number % 2],
            emails=mail(f"{name.partition('@')[0]}@b.test"),
            **{ENTERPRISE: {"department": ("Sales", "IT")[number % 2]}},
        )
        for number, name in enumerate(("ann@a.test", "ben@a.test", "cyd", "dora", "emil", "vera"))
    ]
    push_group(provider, "Pilot", *ids[:2])
    disable(provider, ids[3])


def some_rules(random):
    """Return values for one to four rules."""
    values = {**RULE_VALUES, **STEADY}
    values.pop("delete_after_days")
    often = ["out_of_scope_action", "exclude_people", "scope_filter", "active_for"]
    keys = random.sample(sorted(values), random.randint(1, 4)) + random.sample(often, 1)
    if {"username_regex", "username_replacement"} & set(keys):
        return {"username_regex": "(.*)@.*", "username_replacement": random.choice(["$1", "x$1"])}
    if {"group_regex", "group_replacement"} & set(keys):
        return {"group_regex": "^(.)[a-z]*$", "group_replacement": random.choice(["$1", "x"])}
    return {key: random.choice(values[key]) for key in keys}


def difference(change):
    return change["kind"], change["before"], change["after"]


def last_values(planned):
    """Return what each account is after the last of its changes, as text."""
    accounts_only = [each for each in planned if "_member" not in each[0]]
    values = [after for _, _, after in accounts_only if after is not None]
    passed = [before for kind, before, _ in accounts_only if kind != "adopt"]
    return {json.dumps(value) for value in values if value not in passed}


def values_of(found):
    return {json.dumps(account_as_json(account)) for account in found.values()}


def test_the_journal_equals_the_plan_for_200_random_rule_changes(app, provider_of):
    provider = provider_of(
        app,
        removal_limit_count=1000,
        minimum_admins=0,
        out_of_scope_action="disable",
        import_users=False,
    )
    staff(app, provider)
    engine, random = engine_of(app), Random(1)  # noqa: S311 - the same changes each time
    kinds = set()

    for _ in range(CHANGES):
        before, lines = accounts(app), len(entries(app))
        settings = some_rules(random)
        run = runs.start(engine, ADMIN, source_of(app, provider), settings, applies=False)
        run = runs.work_on(engine, run)
        with engine.store.reading() as session:
            planned = [
                difference(change)
                for person in store_runs.list_planned(session, run.id)
                for change in person.changes
                if person.state != "observed"
            ]
        assert (accounts(app), len(entries(app))) == (before, lines), settings

        done = runs.work_on(engine, runs.begin(engine, run))

        assert done.state is RunState.FINISHED, (settings, done.why)
        new = [e for e in entries(app)[lines:] if not e.kind.startswith("group_")]
        written = [(e.kind, e.before, e.after) for e in new]
        assert written == planned, settings
        assert last_values(planned) <= values_of(accounts(app)), settings
        kinds |= {kind for kind, _, _ in planned}

    assert kinds >= {"create", "rename", "update", "activate", "deactivate", "adopt"}
