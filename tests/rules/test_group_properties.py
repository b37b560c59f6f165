"""What holds of groups whatever happens (trust.md T-08, T-14, T-17 to T-20, S-14)."""

from collections import Counter
from random import Random

import pytest
from group_expected import (
    Expected,
    broken_ledger,
    broken_limits,
    members_in_mirror,
    planned_moves,
    protected_part,
)
from group_world import (
    PEOPLE,
    ChangeMembers,
    EndGroup,
    Map,
    Push,
    StateGroup,
    change_of,
    first_rules,
    happening,
    know_people,
    names_of_members,
    picture,
    set_up_groups,
)
from histories import NUMBERS
from hypothesis import given, settings
from hypothesis import strategies as st
from world import ADMIN, SOURCES, Rules, Worlds, send

from usersync_ext.sync import by_hand, runs

TWO = st.tuples(NUMBERS, NUMBERS)
SEVERAL = st.lists(NUMBERS, min_size=4, max_size=14, unique=True)
FEW = st.lists(NUMBERS, min_size=3, max_size=7, unique=True)


@pytest.fixture(scope="module")
def worlds(sqlite_template, tmp_path_factory):
    """Copies of a small world of groups."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(runs, "PAUSE_SECONDS", 0)
        made = Worlds(sqlite_template, tmp_path_factory.mktemp("worlds"), set_up_groups)
        yield made
        made.close()


def begin(world, numbers, *, keep=True, **values):
    """Let both sources of a world begin with rules of their own."""
    know_people(world)
    pairs = zip(SOURCES, numbers, strict=True)
    world.play(first_rules(source, n, keep=keep, **values) for source, n in pairs)


# -- who is in which group -------------------------------------------------------------------------


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL)
def test_after_every_event_people_are_in_the_groups_that_the_rules_give(worlds, first, numbers):
    """S-14: at once, in the same transaction."""
    with worlds.new() as world:
        start = picture(world)
        begin(world, first)
        expected = Expected.of(world, start)
        for event in (happening(n, "push push push mapping mapping rule hand") for n in numbers):
            before = picture(world)

            event.play(world)

            expected.follow(world, event, before)
            now = picture(world)
            assert now.named(now.members) == now.named(expected.pairs)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=FEW)
def test_where_existing_members_are_not_kept_those_of_a_rule_are_left(worlds, first, numbers):
    with worlds.new() as world:
        begin(world, first, keep=False)
        start = picture(world)  # who was taken out by one source before another came, is out
        expected = Expected.of(world, start)
        for event in (happening(n, "push push mapping rule hand", keep=False) for n in numbers):
            before = picture(world)

            event.play(world)
            for source in SOURCES:
                world.run(source)

            expected.follow(world, event, before)
            now = picture(world)
            assert now.named(now.members) == now.named(expected.pairs)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(order=st.permutations([0, 1, 2]), ways=st.tuples(*[st.integers(0, 4)] * 3), mode=NUMBERS)
def test_who_leaves_the_last_group_that_stands_for_another_leaves_it_at_once(
    worlds, order, ways, mode
):
    """S-14"""
    with worlds.new() as world:
        know_people(world)
        name = {"group_mode": ("manual", "on_the_fly")[mode % 2]}
        regex = {"group_regex": "^Team.$", "group_replacement": "Crew"}
        world.play([Rules("acme", {**name, **regex})])
        for slot in (0, 1, 2):
            world.play([StateGroup("acme", slot, f"Team{slot}", (0,))])
            world.play([Map("acme", slot, f"Crew{slot}" if mode % 3 else "Crew", True, False)])
        for left, slot in enumerate(order):
            target = f"Crew{slot}" if name["group_mode"] == "manual" and mode % 3 else "Crew"
            last = target != "Crew" or left == 2
            assert ("ann", target) in names_of_members(world)

            ends = (
                ChangeMembers("acme", slot, (("remove", (0,)),)),
                ChangeMembers("acme", slot, (("replace", (1,)),)),
                StateGroup("acme", slot, f"Team{slot}", ()),
                EndGroup("acme", slot),
                Rules("acme", {"group_exclude": ", ".join(f"Team{n}" for n in order[: left + 1])}),
            )
            world.play([ends[ways[slot]]])

            assert (("ann", target) not in names_of_members(world)) == last


# -- members in slices -----------------------------------------------------------------------------


def some_slices(number: int) -> tuple[tuple[tuple[str, tuple[int, ...]], ...], set[int]]:
    """Return changes of members slice by slice, some repeated, and the set in which they end.

    Nobody is both added and removed, but for a beginning that replaces all members.
    """
    random = Random(number)  # noqa: S311
    wanted = {slot for slot in range(3) if random.random() < 0.5}
    others = set(range(3)) - wanted
    slices = [("add", (slot,)) for slot in wanted] + [("remove", (slot,)) for slot in others]
    slices += [("add", tuple(wanted)), ("remove", tuple(others))]
    slices += random.choices(slices, k=random.randrange(5))
    random.shuffle(slices)
    if random.random() < 0.5:
        slices.insert(0, ("replace", (random.randrange(3),)))
    return tuple(slices), wanted


@settings(deadline=None, max_examples=15, derandomize=True)
@given(number=NUMBERS, at_once=st.booleans(), mode=st.sampled_from(["manual", "on_the_fly"]))
def test_members_changed_in_slices_repeated_in_any_order_end_in_the_same_set(
    worlds, number, at_once, mode
):
    """T-08"""
    with worlds.new() as world:
        know_people(world)
        world.play([Rules("acme", {"group_mode": mode}), EndGroup("acme", 1)])
        slices, wanted = some_slices(number)

        world.play([ChangeMembers("acme", 0, slices, at_once)])

        people = {PEOPLE["acme"][slot] for slot in wanted}
        assert members_in_mirror(world, "acme", 0) == wanted
        assert {a for a, g in names_of_members(world) if g == "Team"} - {"eve"} == people


# -- what a provider cannot do ---------------------------------------------------------------------


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, mapped=FEW, numbers=SEVERAL, keep=st.booleans())
def test_nothing_a_provider_says_concerns_protected_groups(worlds, first, mapped, numbers, keep):
    """T-14"""
    with worlds.new() as world:
        begin(world, first, keep=keep, inactive_action="disable")
        world.play(happening(n, "mapping", allow=False) for n in mapped)
        before = protected_part(picture(world))

        world.play(happening(n, "push") for n in numbers)

        assert protected_part(picture(world)) == before


# -- idempotence and convergence -------------------------------------------------------------------


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL)
def test_after_any_history_there_is_nothing_left_to_settle(worlds, first, numbers):
    """T-17: what was pushed, mapped and given by hand is settled without another run."""
    with worlds.new() as world:
        begin(world, first)
        world.play(happening(n, "push push push mapping rule hand") for n in numbers)
        before = world.stored()

        for source in SOURCES:
            world.run(source)

        after = world.stored()
        assert {name for name in after if after[name] != before[name]} <= {"usersync_planned_group"}


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL, keep=st.booleans())
def test_a_group_request_that_is_repeated_changes_nothing(worlds, first, numbers, keep):
    """T-17"""
    with worlds.new() as world:
        begin(world, first, keep=keep)
        for event in (happening(n, "push push push mapping", keep=keep) for n in numbers):
            requests = event.requests(world) if isinstance(event, Push) else ()
            for request in list(requests):
                send(world, event.source, *request)
                before = world.stored()

                send(world, event.source, *request)
                send(world, event.source, *request)

                assert world.stored() == before
            event.play(world)


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL)
def test_in_whatever_order_two_sources_push_the_members_are_the_same(worlds, first, numbers):
    """T-18"""
    events = [happening(n, "push") for n in numbers]
    with worlds.new("mixed") as mixed, worlds.new("apart") as apart:
        for world in (mixed, apart):
            begin(world, first)

        mixed.play(events)
        apart.play(sorted(events, key=lambda event: event.source))

        assert names_of_members(mixed) == names_of_members(apart)


# -- safety and ownership --------------------------------------------------------------------------


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL, least=st.tuples(st.integers(0, 4), st.integers(0, 3)))
def test_there_are_never_too_few_members_or_administrators(worlds, first, numbers, least):
    """T-19"""
    with worlds.new() as world:
        names = {"protected_names": ("guard, loner", "guard, ann", "")[first[0] % 3]}
        kinds = "push push push mapping mapping rule guard decision"
        events = [happening(n, kinds, keep=False) for n in numbers]
        for key in picture(world).groups:
            by_hand.set_minimum(world.engine, ADMIN, key, least[1])
        begin(world, first, keep=False, minimum_admins=least[0], **names)
        for event in events:
            before = picture(world)

            event.play(world)

            assert list(broken_limits(world, event, before)) == []


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL)
def test_memberships_given_by_hand_stay_byte_for_byte_the_same(worlds, first, numbers):
    """T-20"""
    with worlds.new() as world:
        before = picture(world).by_hand
        begin(world, first, inactive_action="disable")

        world.play(happening(n, "push push mapping rule guard decision") for n in numbers)

        assert picture(world).by_hand == before


@settings(deadline=None, max_examples=15, derandomize=True)
@given(first=TWO, numbers=SEVERAL, action=st.sampled_from(["disable", "delete"]))
def test_every_membership_is_explained_by_the_ledger(worlds, first, numbers, action):
    with worlds.new() as world:
        begin(world, first, keep=False, inactive_action=action)
        kinds = "push push push push mapping rule hand guard decision"
        for event in (happening(n, kinds, keep=False) for n in numbers):
            event.play(world)

            assert list(broken_ledger(picture(world))) == []


# -- preview ---------------------------------------------------------------------------------------

MOVES: Counter[str] = Counter()


@settings(deadline=None, max_examples=25, derandomize=True)
@given(first=TWO, history=FEW, changes=FEW, keep=st.booleans())
def walk_through_changes(worlds, first, history, changes, keep):
    with worlds.new() as world:
        begin(world, first, keep=keep)
        world.play(happening(n, "push push hand", keep=keep) for n in history)
        for number in changes:
            source, values = change_of(world, number, keep=keep)
            run, planned = world.preview(source, values)
            expected = planned_moves(world, run, planned)
            last = world.snapshot().last_entry

            world.carry_out(run)

            done = [each for each in world.entries(after=last) if each["kind"] in MEMBER_KINDS]
            moves = sorted((e["kind"], e["subject"], group_in(e)) for e in done)
            assert moves == expected
            MOVES.update(kind for kind, _, _ in moves)


MEMBER_KINDS = frozenset({"add_member", "remove_member"})


def group_in(entry):
    return (entry["after"] or entry["before"])["group"]


def test_the_preview_of_a_change_names_exactly_who_gains_and_loses_a_group(worlds):
    walk_through_changes(worlds)

    assert MOVES["add_member"] > 10
    assert MOVES["remove_member"] > 10
