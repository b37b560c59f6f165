"""Checklist 46-57, 188 and 189: names, attributes and switches, from the page to the accounts."""

import json
import time

import pytest
from provisioning import Desk, replaced

from usersync_ext.cli import usersync

EXAMPLE_ONE = {"username_regex": "(.*)@.*", "username_replacement": "$1"}


@pytest.fixture
def desk(site, provider_of):
    return Desk(site, provider_of(site.app))


def made(desk, received, regex, replacement):
    """Return what a rule makes of a name: by the preview, then by a push after saving."""
    rule = {"username_regex": regex, "username_replacement": replacement}
    previewed = desk.sampled(desk.preview(sample=received, **rule))
    desk.save(**rule)
    desk.push(received)
    [provisioned] = desk.accounts()
    return previewed, provisioned


# -- the rule and its two fields -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("regex", "replacement"),
    [
        (r"  (\w+)\.<b>&\"'@.*", r"  $1\$&<i>"),
        ("^[äöü]+#{2,3}|%s|\\\\", "“$$”  "),
        (" ", "\u00a0"),
    ],
)
def test_regex_and_replacement_are_shown_again_exactly_as_they_were_typed(desk, regex, replacement):
    """Checklist 46"""
    desk.save(username_regex=regex, username_replacement=replacement)

    page = desk.options()
    assert page.select_one("input[name=username_regex]")["value"] == regex
    assert page.select_one("input[name=username_replacement]")["value"] == replacement
    command = desk.site.app.test_cli_runner().invoke(
        usersync, ["sources", "show", "acme", "--json"]
    )
    settings = json.loads(command.stdout)["settings"]
    assert settings["username_regex"] == regex
    assert settings["username_replacement"] == replacement


def test_example_one_takes_the_domain_away(desk):
    """Checklist 47"""
    names = made(desk, "demouser@gmail.com", "(.*)@.*", "$1")

    assert names == ("demouser", "demouser")


def test_example_two_takes_the_zero_away(desk):
    """Checklist 48"""
    names = made(desk, "demo0user", "(.*)0(.*)", "$1$2")

    assert names == ("demouser", "demouser")


@pytest.mark.parametrize(
    ("regex", "replacement", "name"),
    [
        (r"(\w+)\.(\w+)@.*", "$2.$1", "bee.ann"),
        (r"(\w+)\.(\w+)@.*", "$$$2", "$bee"),
        (r"(\w+)\.(\w+)@.*", r"\$$1", "$ann"),
        (r"(\w+)\.(\w+)@.*", "$1$11", "annann1"),
    ],
)
def test_dollar_and_number_is_a_group_and_two_dollars_are_a_sign(desk, regex, replacement, name):
    """Checklist 49"""
    assert made(desk, "ann.bee@x.test", regex, replacement) == (name, name)


def test_a_group_that_the_regex_does_not_have_is_refused_at_saving(desk):
    """Checklist 49"""
    _, page = desk.refused(username_regex=r"(\w+)@.*", username_replacement="$9")

    assert "$$ or \\$ is a dollar sign" in desk.site.words(
        page.find(id="username_replacement-help")
    )
    assert "$9 does not exist" in desk.site.words(page.find(id="username_replacement-error"))
    assert desk.options().select_one("input[name=username_replacement]")["value"] == ""


def test_a_name_that_does_not_match_stays_as_received(desk):
    """Checklist 50"""
    assert made(desk, "ann.bee", "(.*)@.*", "$1") == ("ann.bee", "ann.bee")


def test_an_invalid_regex_is_refused_beside_its_field(desk):
    """Checklist 51: that nothing else of the form is lost is tested with 58."""
    _, page = desk.refused(username_regex="(", import_users=False, scope_filter='title eq "x"')

    field = page.select_one("input[name=username_regex]")
    assert field["aria-invalid"] == "true"
    assert "username_regex-error" in field["aria-describedby"].split()
    error = desk.site.words(page.find(id="username_regex-error"))
    assert error.startswith("Not a valid regular expression: missing )")
    assert field["value"] == "("
    assert page.select_one("input[name=scope_filter]")["value"] == 'title eq "x"'
    assert not page.select_one("input[name=import_users]").has_attr("checked")


def test_a_runaway_regex_answers_within_two_seconds(desk):
    """Checklist 52"""
    name = "a" * 40 + "!"
    desk.push(name)

    began = time.perf_counter()
    page = desk.preview(username_regex="(a+)+$", username_replacement="x", sample=name)
    seconds = time.perf_counter() - began

    assert seconds < 2
    assert desk.sampled(page) == name
    assert desk.standing(name).startswith("✓ In sync")


# -- names that cannot be --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replacement", "reason"),
    [
        ("", "The username rule makes an empty name of 'ann@x.test'."),
        (" $1", "The name ' ann' begins or ends with a blank."),
        ("$1" * 100, "The name is longer than 255 characters."),
    ],
)
def test_a_name_that_cannot_be_fails_for_its_person_only(desk, replacement, reason):
    """Checklist 53"""
    desk.save(username_regex="(.*)@x.test", username_replacement=replacement)

    desk.push("ann@x.test")
    desk.push("ben@y.test")

    assert desk.accounts() == {"ben@y.test": True}
    assert desk.standing("ann@x.test").startswith(f"! Failed {reason}")


@pytest.fixture
def beta(desk, provider_of):
    """The desk of a second source beside the first."""
    return Desk(desk.site, provider_of(desk.site.app, name="Beta"))


@pytest.mark.parametrize("second", ["desk", "beta"], ids=["one source", "two sources"])
def test_of_two_people_who_lead_to_one_name_the_second_is_refused(desk, beta, second):
    """Checklist 54"""
    desk.save(**EXAMPLE_ONE)
    beta.save(**EXAMPLE_ONE)
    other = {"desk": desk, "beta": beta}[second]
    first = desk.push("ann@x.test", displayName="Ann of X")

    answer = other.post("ann@y.test", displayName="Ann of Y")

    assert answer.status_code == 409
    assert answer.json["scimType"] == "uniqueness"
    assert "'ann' is already used by 'ann@x.test' from source 'acme'" in answer.json["detail"]
    assert other.provider.get('/Users?filter=userName eq "ann@y.test"').json["totalResults"] == 0
    assert desk.accounts() == {"ann": True}
    assert desk.account("ann")["Full Name"] == "Ann of X"
    assert desk.provider.get(first).json["displayName"] == "Ann of X"


# -- what arrives ----------------------------------------------------------------------------------


@pytest.fixture
def entra(site, provider_of):
    return Desk(site, provider_of(site.app, kind="entra"))


@pytest.mark.parametrize(("off", "on"), [(False, True), ("False", "True"), ("false", "true")])
def test_a_status_is_followed_however_entra_writes_it(entra, off, on):
    """Checklist 55"""
    ann = entra.push("ann@x.test")

    entra.patch(ann, {"op": "Replace", "path": "active", "value": off})
    inactive = entra.accounts()
    record = entra.patch(ann, {"op": "Replace", "path": "active", "value": on})

    assert inactive == {"ann@x.test": False}
    assert entra.accounts() == {"ann@x.test": True}
    assert record["active"] is True


@pytest.mark.parametrize(
    ("kind", "write"),
    [
        ("okta", lambda desk, ann, name: desk.provider.put(ann, {"userName": name})),
        ("entra", lambda desk, ann, name: desk.provider.patch(ann, replaced("userName", name))),
        ("keycloak", lambda desk, ann, name: desk.post(name, externalId="2")),
    ],
    ids=["put", "patch", "post"],
)
def test_the_rule_is_applied_to_every_name_that_is_pushed(site, provider_of, kind, write):
    """Checklist 56"""
    desk = Desk(site, provider_of(site.app, kind=kind))
    desk.save(**EXAMPLE_ONE)
    ann = desk.push("ann@x.test", externalId="1")

    answer = write(desk, ann, "bee@x.test")

    assert answer.status_code in {200, 201}
    assert "bee" in desk.accounts()
    assert answer.json["userName"] == "bee@x.test"


def test_answers_keep_the_user_name_as_it_was_sent_and_the_filter_finds_it(desk):
    """Checklist 57"""
    desk.save(**EXAMPLE_ONE)

    created = desk.post("demouser@gmail.com")

    assert created.json["userName"] == "demouser@gmail.com"
    query = {"filter": 'userName eq "demouser@gmail.com"'}
    [found] = desk.provider.get("/Users", query_string=query).json["Resources"]
    assert found == created.json
    query = {"filter": 'userName eq "demouser"'}
    assert desk.provider.get("/Users", query_string=query).json["totalResults"] == 0
    assert list(desk.accounts()) == ["demouser"]


# -- attributes and switches -----------------------------------------------------------------------


def test_title_is_mapped_to_another_field_in_the_table_of_the_page(desk):
    """Checklist 188"""
    field = desk.options().select_one("#attribute_mapping input[value=department]")
    desk.save(**{field["name"].replace("-field", "-from"): "title"})

    desk.push("ann", title="Boss")

    shown = desk.account("ann")
    assert (shown["Department"], shown["Title"]) == ("Boss", "Boss")


def test_title_is_mapped_to_an_attribute_of_ones_own_in_a_new_row(desk):
    """Checklist 188"""
    page = desk.parsed(desk.send("add_row", {})[1])
    name, source = (
        page.select(f"#attribute_mapping input[name$='-{part}']")[-1]["name"]
        for part in ("field", "from")
    )
    desk.save(page, **{name: "job", source: "title"})

    desk.push("ann", title="Boss")

    assert desk.account("ann")["job"] == "Boss"


@pytest.mark.parametrize(
    ("switch", "write", "echo"),
    [
        ("import_users", lambda desk, ann: desk.post("ben"), ("userName", "ben")),
        (
            "update_users",
            lambda desk, ann: desk.provider.patch(ann, replaced("displayName", "Bee")),
            ("displayName", "Bee"),
        ),
        (
            "enable_users",
            lambda desk, ann: desk.provider.patch(ann, replaced("active", False)),
            ("active", False),
        ),
    ],
    ids=["create", "update", "deactivate"],
)
def test_each_operation_can_be_refused_while_the_provider_gets_its_answer(
    desk, switch, write, echo
):
    """Checklist 189"""
    ann = desk.push("ann", displayName="Ann")
    desk.save(**{switch: False})
    before = desk.accounts(), desk.account("ann")

    answer = write(desk, ann)

    assert answer.status_code in {200, 201}
    assert answer.json[echo[0]] == echo[1]
    assert desk.provider.get(f"/Users/{answer.json['id']}").json == answer.json
    assert (desk.accounts(), desk.account("ann")) == before
