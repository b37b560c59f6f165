"""Administrators' regular expressions: what they mean, and what is refused."""

import pytest

from usersync_ext.core.pattern import (
    InvalidPattern,
    compile_pattern,
    compile_replacement,
    substitute,
)


def replaced(regex: str, replacement: str, value: str) -> str:
    pattern = compile_pattern(regex)
    return substitute(pattern, compile_replacement(replacement, pattern.groups), value)


@pytest.mark.parametrize(
    ("regex", "replacement", "value", "result"),
    [
        ("(.*)@.*", "$1", "demouser@gmail.com", "demouser"),
        ("(.*)0(.*)", "$1$2", "demo0user", "demouser"),
        (r"(\w+)\.(\w+)@.*", "$2.$1", "ann.bee@x.test", "bee.ann"),
        ("(.*)@.*", "$1", "no-at-sign", "no-at-sign"),
        ("a", "$$", "banana", "b$n$n$"),
        ("a", "\\$", "ba", "b$"),
        ("(a)", "$11", "a", "a1"),
        ("(a)|(b)", "[$1$2]", "ab", "[a][b]"),
        ("x*", "-", "axxb", "a-b"),
        ("é(.)", "[$1]", "xéüy", "x[ü]y"),
        ("^IdP_(.*)$", "$1", "IdP_users", "users"),
        ("(?i)@EXAMPLE\\.COM$", "", "Ann@example.com", "Ann"),
        ("(.*)@.*", "", "ann@x.test", ""),
    ],
)
def test_every_match_that_is_not_empty_is_replaced(regex, replacement, value, result):
    """Checklist 47 to 50, DESIGN "Decisions"."""
    assert replaced(regex, replacement, value) == result


@pytest.mark.parametrize(
    ("regex", "named"),
    [
        ("(", "not a valid regular expression"),
        ("(?=a)b", "lookarounds"),
        ("(?<!a)b", "lookarounds"),
        (r"(a)\1", "back-references"),
        ("(?P<x>a)(?P=x)", "back-references"),
        ("(?>a)", "atomic groups"),
        ("(a)?(?(1)b)", "conditions"),
        ("a++", "possessive quantifiers"),
        ("a" * 201, "201 characters"),
        ("a{1001}", "not a valid regular expression"),
    ],
)
def test_an_expression_that_cannot_be_run_is_refused_by_the_name_of_its_fault(regex, named):
    """Checklist 51."""
    with pytest.raises(InvalidPattern, match=named):
        compile_pattern(regex)


@pytest.mark.parametrize("replacement", ["$9", "$2", "$", "a$b"])
def test_a_replacement_with_a_group_that_does_not_exist_is_refused(replacement):
    """Checklist 49."""
    with pytest.raises(InvalidPattern, match=r"\$"):
        compile_replacement(replacement, 1)


def test_a_runaway_expression_is_linear():
    """Checklist 52: forty a and an exclamation mark take no time on RE2."""
    assert replaced("(a+)+$", "$1", "a" * 40 + "!") == "a" * 40 + "!"
