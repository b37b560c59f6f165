"""Test persons: they meet the whole path and the rules, and leave nothing behind."""

from datetime import UTC, datetime, timedelta

import pytest
from acting import (
    ADMIN,
    accounts,
    adding,
    engine_of,
    entries,
    explained,
    local_account,
    local_group,
    push,
    push_group,
    replaced,
    set_rules,
    source_of,
)
from flask import Flask
from sqlalchemy import select, update

from usersync_ext import UserSync, signals
from usersync_ext.state import state_of
from usersync_ext.store import access, tokens, trials
from usersync_ext.store.record_tables import JournalRow
from usersync_ext.store.schema import Base, GroupRow, SourceRow, TokenRow
from usersync_ext.sync import admin, by_hand, runs
from usersync_ext.sync.guarding import current_budget
from usersync_ext.sync.trials import (
    Reply,
    Step,
    TestPerson,
    activity,
    find_namesake,
    remove_leftovers,
    send_person,
)
from usersync_ext.web.trial import Connection

RENAMING = {"username_regex": "(.*)@.*", "username_replacement": "$1"}
TRIAL = TestPerson(user_name="test@x.test", full_name="Test Person", email="test@x.test")
sqlite_only = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
"""For what has nothing to do with the database."""
SIGNALS = [s for s in vars(signals).values() if hasattr(s, "connected_to")]


@pytest.fixture
def app(database_url, make_app):
    """An app on SQLite and on PostgreSQL."""
    return make_app(USERSYNC_DATABASE_URI=database_url, USERSYNC_AUTOMATIC_UPGRADE="on")


@pytest.fixture
def provider(app, provider_of):
    """A provider of two people, one in a group, that an active source lets in."""
    provider = provider_of(app, group_mode="on_the_fly", **RENAMING)
    ann = push(provider, "ann@x.test", emails=[{"value": "a.n@x.test"}])
    push(provider, "ben@x.test")
    push_group(provider, "Staff", ann)
    return provider


def on(app, source):
    """Return what connects a test person with an app."""

    def connect(secret):
        with app.test_request_context():
            return Connection(source, secret).send

    return connect


def send(app, provider, person=TRIAL, around=None):
    """Send a test person; ``around`` is called after each answer with the request's method."""
    source = source_of(app, provider)
    connect = on(app, source)

    def watched(secret):
        inner = connect(secret)

        def sending(method, path, body):
            reply = inner(method, path, body)
            if around is not None:
                around(method)
            return reply

        return sending

    return send_person(engine_of(app), ADMIN, source, person, watched)


def dump(app):
    """Return every row of every table, in the order of their keys."""
    engine_of(app).recorder.flush()
    with engine_of(app).store.reading() as session:
        return {
            table.name: [
                tuple(row)
                for row in session.execute(select(table).order_by(*table.primary_key.columns))
            ]
            for table in Base.metadata.sorted_tables
        }


def same_but_for_one_line(before, after):
    """Tell whether nothing but one line of the journal was added."""
    name = JournalRow.__tablename__
    lines = after[name][: len(before[name])]
    return {**after, name: lines} == before and len(after[name]) == len(before[name]) + 1


def set_state(app, provider, state):
    admin.change_source(engine_of(app), ADMIN, source_of(app, provider), {"state": state})


def steps_of(trial):
    return [(answer.step, answer.status) for answer in trial.answers]


# -- nothing is touched --------------------------------------------------------------------------


@pytest.mark.parametrize("state", ["observe", "active"])
def test_every_table_is_as_before_but_for_one_line_of_the_journal(app, provider, state):
    set_state(app, provider, state)
    before = dump(app)

    trial = send(app, provider)

    assert len(before) > 15
    assert trial.was_created
    assert same_but_for_one_line(before, dump(app))
    last = entries(app, category="admin")[-1]
    assert (last.kind, last.subject, last.source) == ("test_person_sent", "test@x.test", "acme")


def test_every_table_is_as_before_with_groups_and_an_account_of_the_same_name(app, provider):
    local_account(app, "test", full_name="A real one")
    group = group_id(app, "Staff")
    before = dump(app)

    send(app, provider, TestPerson(user_name="test@x.test", groups=(group,)))

    assert same_but_for_one_line(before, dump(app))


@pytest.mark.parametrize("broken", ["GET", "POST", "PATCH", "DELETE"])
def test_nothing_is_left_when_something_fails_in_the_middle(app, provider, broken):
    before = dump(app)

    def fail(method):
        if method == broken:
            raise RuntimeError("the cable was cut")

    with pytest.raises(RuntimeError):
        send(app, provider, around=fail)

    assert same_but_for_one_line(before, dump(app))


def test_no_signal_is_sent_and_no_hook_is_asked(database_url, make_app, provider_of):
    seen = []
    extension = UserSync(is_admin=lambda: True)
    extension.before_apply(lambda change: seen.append(change) or change)
    extension.on_leaver(lambda *leaver: seen.append(leaver))
    app = Flask("hooked")
    app.config.update(SECRET_KEY="x", TESTING=True, USERSYNC_DATABASE_URI=database_url)
    extension.init_app(app)
    state_of(app).store_ready = True
    provider = provider_of(app)
    for signal in SIGNALS:
        signal.connect(lambda *_, **values: seen.append(values), weak=False, sender=app)

    trial = send(app, provider)

    assert len(SIGNALS) > 5
    assert trial.was_created
    assert seen == []
    engine_of(app).store.dispose()


def test_the_guards_budget_does_not_move(app, provider):
    set_rules(app, provider, removal_limit_count="1", removal_limit_percent="0")

    for _ in range(3):
        send(app, provider, TestPerson(user_name="test@x.test"))

    engine = engine_of(app)
    with engine.store.reading() as session:
        budget = current_budget(session, engine.work_for(source_of(app, provider), ADMIN))
    assert (budget.used, budget.left) == (0, 1)


def test_the_requests_are_not_the_providers(app, provider):
    engine_of(app).recorder.flush()
    last = column(app, SourceRow.last_request_at)

    send(app, provider)
    engine_of(app).recorder.flush()

    assert column(app, SourceRow.last_request_at) == last
    assert column(app, TokenRow.id) == [1]
    assert len(column(app, Base.metadata.tables["usersync_request"].c.id)) == 3


def test_the_versions_of_groups_do_not_move(app, provider):
    person = TestPerson(user_name="test@x.test", groups=(group_id(app, "Staff"),))
    before = column(app, GroupRow.version)
    seen = []

    def look(_method):
        seen.extend(provider.get("/Groups").json["Resources"][0]["members"])

    trial = send(app, provider, person, around=look)

    assert [change.group.name for change in trial.memberships] == ["Staff"]
    assert column(app, GroupRow.version) == before
    assert len({member["value"] for member in seen}) == 1


@pytest.mark.parametrize("match_policy", ["link_only", "user_name"])
def test_no_run_and_no_new_rules_of_the_same_moment_act_on_the_person(app, provider, match_policy):
    set_rules(app, provider, match_policy=match_policy)
    source, engine = source_of(app, provider), engine_of(app)
    by_hand.add_account(engine, ADMIN, user_name="test", full_name="Somebody Else")
    push(provider, "real@x.test")
    before, walked = accounts(app), []
    real = sum(map(len, admin.people_in_slices(engine, source)))

    def overtake(method):
        if method == "POST":
            run = runs.start(engine, ADMIN, source, {"update_users": "off"}, applies=True)
            runs.work_on(engine, run)
            walked.append(sum(map(len, admin.people_in_slices(engine, source))))

    trial = send(app, provider, around=overtake)

    assert trial.was_created
    assert walked == [real]
    assert accounts(app) == before
    assert people_with(app, TRIAL) == []


# -- what it meets -------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["okta", "entra", "onelogin", "keycloak", "custom-scim"])
@sqlite_only
def test_every_kind_of_provider_gets_the_answers_that_let_it_go_on(app, provider_of, kind):
    provider = provider_of(app, kind=kind)

    trial = send(app, provider)

    assert steps_of(trial) == [
        (Step.DISCOVER, 200),
        (Step.FIND, 200),
        (Step.CREATE, 201),
        (Step.READ, 200),
        (Step.DISABLE, 200),
        (Step.ENABLE, 200),
        (Step.DELETE, 204),
    ]
    assert all(answer.is_expected and answer.is_scim for answer in trial.answers)


def test_entra_and_okta_disable_in_their_own_spelling():
    assert activity("entra", active=False)["Operations"] == [
        {"op": "Replace", "path": "active", "value": "False"}
    ]
    assert activity("okta", active=False)["Operations"] == [
        {"op": "replace", "value": {"active": False}}
    ]
    assert activity("keycloak", active=True)["Operations"] == [replaced("active", True)]


@sqlite_only
def test_the_rules_make_the_same_of_a_test_person_as_of_a_real_one(app, provider):
    local_group(app, "everybody")
    set_rules(app, provider, default_groups="everybody", assign_default_groups_to="new")

    trial = send(app, provider, TestPerson(user_name="real@x.test", full_name="Real One"))
    before = [(step.rule, step.output, step.text) for step in trial.decision.steps]
    account, groups = trial.account, [change.group.name for change in trial.memberships]
    push(provider, "real@x.test", displayName="Real One", active=True)

    entry = next(e for e in entries(app, kind="create") if e.subject == "real@x.test")
    real = explained(app, "real@x.test")
    assert ("username_regex", "real", before[0][2]) == before[0]
    assert (account.user_name, account.full_name) == ("real", real.account.full_name)
    assert [name for name, _ in real.groups] == groups == ["everybody"]
    assert trial.decision.why == entry.reason


@sqlite_only
def test_mapped_groups_are_explained(app, provider):
    set_rules(app, provider, group_mode="manual")
    set_rules(app, provider, mappings=[adding(app, provider, "Staff", "wiki")])

    trial = send(app, provider, TestPerson(user_name="t", groups=(group_id(app, "Staff"),)))

    assert [change.group.name for change in trial.memberships] == ["wiki"]


@sqlite_only
def test_a_person_out_of_scope_would_get_no_account(app, provider):
    set_rules(app, provider, scope_filter='userName sw "real"')

    trial = send(app, provider)

    assert trial.account is None
    assert trial.decision.state == "out_of_scope"


@sqlite_only
def test_an_account_of_that_name_is_shown_and_left_alone(app, provider):
    local_account(app, "test", full_name="A real one")

    trial = send(app, provider)

    assert trial.decision.state in {"proposed", "failed"}
    assert accounts(app)["test"].full_name == "A real one"


@sqlite_only
def test_a_source_without_directory_refuses_and_nothing_more_is_sent(app, provider_of):
    provider = provider_of(app)
    admin.change_source(engine_of(app), ADMIN, source_of(app, provider), {"directory": ""})
    before = dump(app)

    trial = send(app, provider)

    assert steps_of(trial)[-1] == (Step.CREATE, 503)
    assert "select one" in trial.answers[-1].detail
    assert trial.decision is None
    assert same_but_for_one_line(before, dump(app))


@sqlite_only
def test_a_source_that_was_switched_off_meanwhile_answers_503(app, provider):
    set_state(app, provider, "off")

    trial = send(app, provider)

    assert steps_of(trial) == [(Step.DISCOVER, 503)]
    assert people_with(app, TRIAL) == []


@sqlite_only
def test_an_application_that_answers_itself_is_asked_no_more(app, provider):
    source = source_of(app, provider)

    def refused(_secret):
        return lambda *_request: Reply(status=302, is_scim=False, duration_ms=1)

    trial = send_person(engine_of(app), ADMIN, source, TRIAL, refused)

    assert steps_of(trial) == [(Step.DISCOVER, 302)]
    assert not trial.answers[0].is_expected


@sqlite_only
def test_names_with_quotes_and_letters_of_any_script_are_found(app, provider):
    for name in ('o"neil\\', "Łucja Ångström&co=1", "名前", "a b+c%41"):
        trial = send(app, provider, TestPerson(user_name=name, full_name=name))

        assert trial.was_created, trial.answers


# -- the token -----------------------------------------------------------------------------------


def test_the_token_lets_an_active_source_only_observe(app, provider):
    assert opened(app, provider).source.state == "observe"
    assert opened(app, provider).trial is True


def test_the_token_does_not_switch_a_source_on(app, provider):
    set_state(app, provider, "off")

    assert opened(app, provider).source.state == "off"


def test_the_token_ends_after_five_minutes(app, provider):
    late = datetime.now(UTC) + timedelta(minutes=5, seconds=1)

    assert isinstance(opened(app, provider, late), access.Denied)


def test_the_token_is_in_no_list(app, provider):
    opened(app, provider)

    with engine_of(app).store.reading() as session:
        found = tokens.list_tokens(session, source_of(app, provider))
    assert [token.label for token in found] == ["test"]


def test_a_token_of_the_provider_is_no_trial(app, provider):
    with engine_of(app).store.reading() as session:
        found = access.check_token(
            session,
            token_hash=tokens.token_hash(provider.token),
            source_key=provider.source,
            now=datetime.now(UTC),
        )

    assert (found.trial, found.source.state) == (False, "active")


# -- what a dead process leaves ------------------------------------------------------------------


def test_the_next_test_removes_what_a_dead_process_left(app, provider, monkeypatch):
    before = dump(app)
    die_in_the_middle(app, provider, monkeypatch)
    expire(app)

    assert remove_leftovers(engine_of(app), source_of(app, provider)) == 1

    assert same_but_for_one_line(before, dump(app))


def test_leftovers_of_all_sources_are_removed_at_once(app, provider, provider_of, monkeypatch):
    die_in_the_middle(app, provider, monkeypatch)
    die_in_the_middle(app, provider_of(app, name="Other"), monkeypatch)
    expire(app)

    assert remove_leftovers(engine_of(app)) == 2
    assert people_with(app, TRIAL) == []


def test_a_test_that_is_under_way_is_left_alone(app, provider, monkeypatch):
    die_in_the_middle(app, provider, monkeypatch)

    assert remove_leftovers(engine_of(app)) == 0

    source = source_of(app, provider)
    assert find_namesake(engine_of(app), source, "TEST@x.test").is_test
    assert len(people_with(app, TRIAL)) == 1


def test_a_person_whose_external_id_only_looks_like_one_is_left_alone(app, provider):
    push(provider, "odd", externalId="usersync-test-0123456789abcdef")

    remove_leftovers(engine_of(app))
    send(app, provider)

    assert "odd" in accounts(app)


# -- real people ---------------------------------------------------------------------------------


@pytest.mark.parametrize("text", ["ann@x.test", "ANN@X.TEST", "a.n@x.test"])
def test_a_name_or_address_of_a_real_person_is_known(app, provider, text):
    namesake = find_namesake(engine_of(app), source_of(app, provider), text)

    assert (namesake.user_name, namesake.is_test) == ("ann@x.test", False)


@pytest.mark.parametrize("text", ["", "ann", "somebody@x.test"])
def test_other_names_are_free(app, provider, text):
    assert find_namesake(engine_of(app), source_of(app, provider), text) is None


def test_people_of_other_sources_are_no_namesakes(app, provider, provider_of):
    other = provider_of(app, name="Other")

    assert find_namesake(engine_of(app), source_of(app, other), "ann@x.test") is None


# -- helpers -------------------------------------------------------------------------------------


def group_id(app, name):
    with engine_of(app).store.reading() as session:
        return session.scalar(select(GroupRow.id).where(GroupRow.display_name == name))


def column(app, column):
    with engine_of(app).store.reading() as session:
        return list(session.scalars(select(column).order_by(column)))


def people_with(app, person):
    with engine_of(app).store.reading() as session:
        return trials.person_ids(session, 1, person.external_id)


def opened(app, provider, now=None):
    """Return what a new trial's token opens."""
    source, actual = source_of(app, provider), datetime.now(UTC)
    with engine_of(app).store.writing() as session:
        secret = tokens.add_trial_token(session, source, "usersync-test-x", ADMIN, actual)
        return access.check_token(
            session,
            token_hash=tokens.token_hash(secret),
            source_key=source.key,
            now=now or actual,
        )


def die_in_the_middle(app, provider, monkeypatch):
    """Send a test person with a process that ends after the person was created."""

    def die(method):
        if method == "POST":
            raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("usersync_ext.sync.trials.remove", lambda *_: None)
        with pytest.raises(SystemExit):
            send(app, provider, around=die)


def expire(app):
    """Let the time of every test be over."""
    ago = datetime.now(UTC) - timedelta(seconds=1)
    with engine_of(app).store.writing() as session:
        session.execute(update(TokenRow).where(TokenRow.trial).values(expires_at=ago))
