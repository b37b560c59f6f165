"""What the guide of each built-in provider must say, checked label by label."""

import re
from pathlib import Path
from types import SimpleNamespace
from xml.etree import ElementTree as XML

import pytest

from usersync_ext.errors import ConfigError, NotFound
from usersync_ext.providers import BUILT_IN
from usersync_ext.providers.base import Ability, ConnectionValue, Provider, provider_of, registry

MARKS = Path(__file__).parents[2] / "static" / "marks"
URL, TOKEN = ConnectionValue.SCIM_BASE_URL, ConnectionValue.BEARER_TOKEN

KINDS = ("entra", "okta", "onelogin", "oracle", "keycloak", "miniorange", "custom-scim")

NAMES = (
    ("entra", "Microsoft Entra ID (Previously known as Azure AD)"),
    ("okta", "Okta"),
    ("onelogin", "OneLogin"),
    ("oracle", "Oracle"),
    ("oracle", "Oracle IDCS"),
    ("keycloak", "Keycloak"),
    ("miniorange", "miniOrange"),
    ("custom-scim", "custom SCIM App"),
)

FIELDS = (
    ("entra", (("Tenant URL", URL), ("Secret Token", TOKEN))),
    ("okta", (("SCIM Base URL", URL), ("OAuth Bearer Token", TOKEN))),
    ("onelogin", (("SCIM Base URL", URL), ("SCIM Bearer Token", TOKEN))),
    ("oracle", (("Base URI", URL), ("Access Token", TOKEN))),
    ("keycloak", (("SCIM Base URL", URL), ("Bearer Token", TOKEN))),
    ("miniorange", (("SCIM Base URL", URL), ("SCIM Bearer Token", TOKEN))),
    ("custom-scim", (("SCIM Base URL", URL), ("Bearer Token", TOKEN))),
)

STEPS = (
    (
        "entra",
        (
            "Enterprise applications",
            "Create your own application",
            "SCIM Provisioner with SAML ( SCIM V2 Core )",
            "Configurations",
            "Automatic",
            "Tenant URL",
            "Secret Token",
            "Test Connection",
        ),
    ),
    (
        "okta",
        (
            "Applications",
            "Add Application",
            "SCIM 2.0 Test App( OAuth Bearer Token )",
            "Add",
            "Provisioning",
            "Configure API Integration",
            "SCIM Base URL",
            "OAuth Bearer Token",
            "Test API Credentials",
            "Create Users",
            "Update User Attributes",
            "Deactivate Users",
            "Push Groups",
        ),
    ),
    (
        "onelogin",
        (
            "Applications",
            "Add app",
            "Provisioning",
            "Get Started",
            "SCIM Base URL",
            "SCIM Bearer Token",
        ),
    ),
    (
        "oracle",
        (
            "Applications",
            "Add",
            "App Catalog",
            "Provision",
            "Type of Integration",
            "GenericScim - Bearer Token",
            "Next",
            "Base URI",
            "Access Token",
        ),
    ),
    (
        "keycloak",
        (
            "Event Listeners",
            "User Federation",
            "SCIM 2.0 endpoint",
            "BEARER",
            "Auth password/token",
            "Enable user propagation",
            "Enable group propagation",
            "Remote SCIM Provider",
        ),
    ),
    (
        "miniorange",
        (
            "Apps",
            "Add Application",
            "Provisioning",
            "SCIM Server (Destination)",
            "Custom Application Name",
            "SCIM Base URL",
            "SCIM Bearer Token",
            "Test Connection",
        ),
    ),
    (
        "custom-scim",
        (
            "SCIM Base URL",
            "Bearer Token",
            "GET /ServiceProviderConfig",
            "GET /Users",
            "POST /Users",
        ),
    ),
)

HINTS = (
    ("entra", "about every 40 minutes"),
    ("entra", "does not send memberships again"),
    ("entra", "quarantine"),
    ("entra", "no User-Agent"),
    ("okta", "never deletes a user"),
    ("okta", "active false"),
    ("okta", "429"),
    ("onelogin", "removes them from each group"),
    ("keycloak", "e-mail address is verified"),
    ("keycloak", "DELETE_REMOTE"),
    ("custom-scim", "Google Workspace"),
)

UNVERIFIED = (
    ("entra", "Retry-After"),
    ("okta", "503"),
    ("onelogin", "memberships"),
    ("oracle", "groups"),
    ("oracle", "deactivates"),
    ("oracle", "PATCH"),
    ("oracle", "429"),
    ("keycloak", "scim-for-keycloak"),
    ("miniorange", "bodies"),
    ("miniorange", "filters"),
    ("miniorange", "429"),
    ("custom-scim", "Rippling"),
)

every_provider = pytest.mark.parametrize("provider", BUILT_IN, ids=lambda p: p.kind)


def named(kind: str) -> Provider:
    return provider_of(kind, registry())


def bold(steps: tuple[str, ...]) -> list[str]:
    return [label for step in steps for label in re.findall(r"\*\*(.+?)\*\*", step)]


def texts(provider: Provider) -> tuple[str, ...]:
    helps = tuple(field.help for field in provider.fields)
    notes = provider.hints + provider.verified + provider.unverified
    return (provider.title, provider.summary, *helps, *notes)


def an_entry(kind: str) -> SimpleNamespace:
    third_party = Provider(
        kind=kind,
        title="Acme",
        mark="acme.svg",
        summary="",
        abilities=frozenset({Ability.PUSH}),
        fields=(),
        steps=(),
    )
    return SimpleNamespace(load=lambda: third_party)


def install(monkeypatch: pytest.MonkeyPatch, *entries: SimpleNamespace) -> None:
    monkeypatch.setattr("usersync_ext.providers.base.entry_points", lambda group: entries)


def test_the_built_in_providers_are_these_seven_in_this_order():
    """Checklist 3 and 4, as far as they push."""
    assert tuple(provider.kind for provider in BUILT_IN) == KINDS


@pytest.mark.parametrize("table", [NAMES, FIELDS, STEPS, HINTS, UNVERIFIED])
def test_no_table_of_this_file_names_an_unknown_kind(table):
    assert {kind for kind, _ in table} <= set(KINDS)


@pytest.mark.parametrize("table", [NAMES, FIELDS, STEPS, UNVERIFIED])
def test_every_provider_is_in_the_tables_that_hold_for_all(table):
    assert {kind for kind, _ in table} == set(KINDS)


@every_provider
def test_a_kind_is_fit_for_an_address(provider):
    assert re.fullmatch(r"[a-z0-9-]+", provider.kind)


@pytest.mark.parametrize(("kind", "name"), NAMES)
def test_a_provider_is_found_by_the_name_people_know(kind, name):
    """Checklist 3 and 4."""
    assert name in f"{named(kind).title}\n{named(kind).summary}"


@pytest.mark.parametrize(("kind", "fields"), FIELDS)
def test_each_field_has_the_consoles_label_and_our_value(kind, fields):
    """Checklist 90, 94, 96, 98, 100, 105, 108."""
    assert tuple((field.label, field.value) for field in named(kind).fields) == fields


def test_the_table_of_terms_names_azure_ad():
    """Checklist 90: the heading is Azure AD Term | User Sync Plugin Term."""
    assert named("entra").terms_title == "Azure AD Term"


def test_entra_explains_what_a_tenant_is():
    """Checklist 91."""
    assert "tenant is your organisation's own instance" in named("entra").fields[0].help


def test_oracle_says_that_its_access_token_is_the_bearer_token():
    """Checklist 100."""
    assert "also referred as Bearer Token" in named("oracle").fields[1].help


def test_okta_is_told_that_its_base_url_may_not_contain_an_underscore():
    assert "underscore" in named("okta").fields[0].help


def test_keycloak_is_told_that_it_needs_an_extension():
    """Checklist 3: Keycloak has no SCIM client of its own."""
    assert "has no SCIM client" in named("keycloak").summary


@pytest.mark.parametrize(("kind", "labels"), STEPS)
def test_the_steps_name_every_label_of_the_console_in_order(kind, labels):
    """Checklist 89, 93, 95, 97, 99, 104, 106, 108, 189, 191."""
    remaining = iter(bold(named(kind).steps))

    assert [label for label in labels if label not in remaining] == []


def test_entra_has_exactly_four_steps():
    """Checklist 95."""
    assert len(named("entra").steps) == 4


def test_okta_says_that_group_mapping_needs_push_groups():
    """Checklist 191."""
    assert "Group mapping needs **Push Groups**" in named("okta").steps[-1]


@pytest.mark.parametrize(("kind", "fact"), HINTS)
def test_the_hints_say_what_an_administrator_must_know(kind, fact):
    assert any(fact in hint for hint in named(kind).hints)


@pytest.mark.parametrize(("kind", "subject"), UNVERIFIED)
def test_what_nobody_has_confirmed_is_said_to_be_unverified(kind, subject):
    assert any(subject in line for line in named(kind).unverified)


@every_provider
def test_every_guide_says_what_is_known_and_that_no_tenant_of_ours_was_tried(provider):
    assert provider.verified
    assert provider.unverified[0].startswith("We have not run")


def test_only_oracle_makes_no_claim_about_groups():
    """Oracle publishes no group request of its template."""
    without = [p.kind for p in BUILT_IN if Ability.GROUPS not in p.abilities]

    assert without == ["oracle"]
    assert all(Ability.PUSH in provider.abilities for provider in BUILT_IN)


@every_provider
def test_every_bold_marker_is_closed_in_its_step(provider):
    rest = [re.sub(r"\*\*[^*]+\*\*", "", step) for step in provider.steps]

    assert not [step for step in rest if "*" in step]
    assert len(bold(provider.steps)) >= 5


@every_provider
def test_markers_stand_in_steps_only(provider):
    assert not [text for text in texts(provider) if "**" in text or "`" in text]


@every_provider
def test_every_sentence_of_a_guide_is_finished(provider):
    sentences = (provider.summary, *provider.steps, *texts(provider)[2:])

    assert not [text for text in sentences if text and not text.endswith(".")]


@every_provider
def test_the_mark_is_a_small_picture_without_script_or_style(provider):
    path = MARKS / provider.mark
    names = {element.tag.rpartition("}")[2] for element in XML.parse(path).iter()}  # noqa: S314

    assert path.stat().st_size < 1024
    assert names <= {"svg", "path", "rect", "circle", "ellipse"}


@every_provider
def test_the_mark_is_drawn_on_a_grid_of_24(provider):
    root = XML.parse(MARKS / provider.mark).getroot()  # noqa: S314

    assert root.attrib["viewBox"] == "0 0 24 24"


def test_the_registry_holds_the_built_in_providers_first(monkeypatch):
    install(monkeypatch, an_entry("acme"))

    assert tuple(registry()) == (*KINDS, "acme")


def test_the_registry_refuses_a_second_provider_of_a_kind(monkeypatch):
    install(monkeypatch, an_entry("okta"))

    with pytest.raises(ConfigError, match="two providers are registered as 'okta'"):
        registry()


def test_an_unknown_kind_is_answered_with_the_known_kinds():
    with pytest.raises(NotFound, match="'ping'") as caught:
        provider_of("ping", registry())

    assert all(kind in str(caught.value) for kind in KINDS)
