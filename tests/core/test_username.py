"""Which name an account gets, and when two names are one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from usersync_ext.core.options import changed_rules
from usersync_ext.core.username import account_name, fold, mixed_scripts, name_key


def rules(**changes):
    return changed_rules({}, changes)


def test_without_a_rule_the_name_is_taken_as_received():
    assert account_name("Ann@Example.com", rules()).name == "Ann@Example.com"


def test_an_empty_result_is_an_error_and_no_name():
    """Checklist 53."""
    result = account_name("ann@x.test", rules(username_regex="(.*)@.*"))

    assert result.name == ""
    assert "empty name" in result.error


@pytest.mark.parametrize("name", [" ann", "ann ", "a\nb", "a" * 256, ". ."])
def test_a_name_that_no_directory_takes_is_an_error(name):
    assert account_name(name, rules()).error


def test_a_name_too_long_for_an_expression_is_an_error():
    assert account_name("a" * 300, rules(username_regex="b", username_replacement="c")).error


@pytest.mark.parametrize(
    "twin",
    ["ANN", "ann.", "ann ", "ａｎｎ", "a\u200bnn", "Ann . ", "ann\u00a0", "\u202eann"],
)
def test_names_that_look_alike_are_one(twin):
    """S-13: NFKC, case, dot and blank at the end, zero width."""
    assert name_key(twin) == name_key("ann")


@pytest.mark.parametrize("other", ["anne", "a.nn", "an", "änn"])
def test_names_that_differ_visibly_are_two(other):
    assert name_key(other) != name_key("ann")


def test_a_name_of_two_scripts_is_reported():
    assert mixed_scripts("аnn") == ("CYRILLIC", "LATIN")
    assert mixed_scripts("ann.lind42@example.com") == ()


@given(st.text(max_size=40))
def test_keys_are_stable(text):
    assert name_key(name_key(text)) == name_key(text)
    assert fold(fold(text)) == fold(text)
