"""What holds whatever happens (trust.md T-17 to T-20): histories of random events."""

from collections import Counter

import pytest
from histories import NUMBERS, RULE_VALUES, histories, large_change_of, rule_change_of, ways
from hypothesis import given, settings
from hypothesis import strategies as st
from world import (
    SOURCES,
    Request,
    Worlds,
    accounts_of_people,
    broken_promises,
    lines_of_journal,
    lines_of_outsiders,
    lines_of_plan,
    send,
    without_times,
)

from usersync_ext.core.options import OPTIONS
from usersync_ext.sync import runs


@pytest.fixture(scope="module")
def worlds(sqlite_template, tmp_path_factory):
    """Copies of a small world."""
    made = Worlds(sqlite_template, tmp_path_factory.mktemp("worlds"))
    yield made
    made.close()


def test_histories_change_every_rule():
    assert set(RULE_VALUES) == set(OPTIONS)


# -- idempotence -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=60)
@given(history=histories())
def test_a_second_run_without_new_settings_changes_nothing(worlds, history):
    """T-17"""
    with worlds.new() as world:
        world.play(history)

        for source in SOURCES:
            world.run(source)
            before = world.stored()
            second = world.run(source)

            assert world.stored() == before
            if world.source(source).state == "active" and not world.held(source):
                assert second.counts["unchanged"] == sum(second.counts.values())


@settings(deadline=None, max_examples=40)
@given(history=histories())
def test_a_request_that_is_sent_twice_has_the_effect_of_one(worlds, history):
    """T-17"""
    with worlds.new() as world:
        for event in history:
            request = event.sent(world) if isinstance(event, Request) else None
            if request is None:
                event.play(world)
                continue
            send(world, event.source, *request)
            before = world.stored()

            send(world, event.source, *request)

            assert world.stored() == before


# -- convergence -----------------------------------------------------------------------------------


@settings(deadline=None, max_examples=40)
@given(ways=ways())
def test_in_whatever_order_things_happen_the_last_word_decides(worlds, ways):
    """T-18"""
    with worlds.new("mixed") as mixed, worlds.new("direct") as direct:
        mixed.play(ways[0])
        direct.play(ways[1])

        assert accounts_of_people(mixed) == accounts_of_people(direct)


# -- protection and ownership ----------------------------------------------------------------------


@settings(deadline=None, max_examples=70)
@given(history=histories())
def test_nothing_a_source_does_reaches_what_is_protected_or_not_its_own(worlds, history):
    """T-19, T-20"""
    with worlds.new() as world:
        for event in history:
            before = world.snapshot()

            event.play(world)

            assert list(broken_promises(world, event, before)) == []


# -- preview and interruption ----------------------------------------------------------------------

CHANGES_OF_RULES: Counter[str] = Counter()


@settings(deadline=None, max_examples=75, derandomize=True)
@given(history=histories(8), numbers=st.lists(NUMBERS, min_size=5, max_size=5, unique=True))
def walk_through_rule_changes(worlds, history, numbers):
    with worlds.new() as world:
        world.play(history)
        for source, values in map(rule_change_of, numbers):
            run, planned = world.preview(source, values)
            expected = lines_of_plan(run, planned, world.held(source))
            expected = sorted([*expected, *lines_of_outsiders(world, run)])
            last = world.snapshot().last_entry

            world.carry_out(run)

            lines = lines_of_journal(world.entries(after=last))
            assert lines == expected
            CHANGES_OF_RULES.update(["all", *(line.outcome for line in lines)])


def test_the_journal_of_a_rule_change_equals_the_plan_that_was_previewed(worlds):
    """Purpose of issue 4: 200 random rule changes, with what the guard holds."""
    walk_through_rule_changes(worlds)

    assert CHANGES_OF_RULES["all"] >= 200
    assert CHANGES_OF_RULES["applied"] > 20
    assert CHANGES_OF_RULES["held"] > 0


KILLS: Counter[str] = Counter()


@settings(deadline=None, max_examples=40, derandomize=True)
@given(
    history=histories(6),
    number=NUMBERS,
    after=st.integers(1, 12),
    way=st.sampled_from(["in a transaction", "between two"]),
)
def kill_runs(worlds, history, number, after, way):
    with worlds.new("killed") as killed:
        killed.play(history)
        source, values = large_change_of(number)
        with worlds.new("spared", like=killed) as spared:
            spared.run(source, values)
            KILLS.update(killed.change_and_die(source, values, after, way))

            killed.restart()
            killed.resume()

            assert without_times(killed.stored()) == without_times(spared.stored())
            assert killed.newest_run(source) == spared.newest_run(source)


def test_a_run_that_is_killed_anywhere_ends_like_one_that_is_not(worlds, monkeypatch):
    """T-15, T-17"""
    monkeypatch.setattr(runs, "SLICE", 3)
    monkeypatch.setattr(runs, "APPLIED_AT_ONCE", 2)
    monkeypatch.setattr(runs, "PAUSE_SECONDS", 0)

    kill_runs(worlds)

    assert KILLS["planning"] > 0
    assert KILLS["applying"] > 0
