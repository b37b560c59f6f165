"""The guard's arithmetic."""

import pytest

from usersync_ext.core.guard import budget, split
from usersync_ext.core.options import changed_rules
from usersync_ext.core.records import Account, Change, ChangeKind


def a_change(kind):
    account = Account(key="1", user_name="ann")
    return Change(kind=kind, subject="ann", before=account, after=account, reason="test")


@pytest.mark.parametrize(
    ("count", "percent", "links", "limit"),
    [(10, 10, 50, 10), (10, 10, 1000, 100), (0, 0, 1000, 0), (3, 1, 1000, 10), (0, 100, 7, 7)],
)
def test_the_limit_is_the_larger_of_count_and_percent(count, percent, links, limit):
    """T-09."""
    rules = changed_rules({}, {"removal_limit_count": count, "removal_limit_percent": percent})

    assert budget(rules, links=links, used=0).limit == limit


def test_what_was_used_in_the_window_is_not_there_twice():
    rules = changed_rules({}, {"removal_limit_count": 3, "removal_limit_percent": 0})

    assert budget(rules, links=5, used=2).left == 1
    assert budget(rules, links=5, used=9).left == 0


def test_only_what_takes_something_away_is_held():
    kinds = (ChangeKind.RENAME, ChangeKind.UPDATE, ChangeKind.DEACTIVATE)

    allowed, held = split([a_change(kind) for kind in kinds], 1, frozenset())

    assert [c.kind for c in allowed] == [ChangeKind.RENAME, ChangeKind.UPDATE]
    assert [c.kind for c in held] == [ChangeKind.DEACTIVATE]


def test_what_an_administrator_released_passes():
    allowed, held = split([a_change(ChangeKind.DELETE)], 0, {ChangeKind.DELETE})

    assert len(allowed) == 1
    assert not held
