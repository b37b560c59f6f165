"""miniOrange: set-up guide, and how little is known about its requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

MINIORANGE = Provider(
    kind="miniorange",
    title="miniOrange",
    mark="miniorange.svg",
    summary=(
        "miniOrange sends people and groups from its app SCIM Server (Destination). It publishes "
        "the settings, but not the requests."
    ),
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    fields=(
        ConnectionField(
            label="SCIM Base URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help="It must be reachable from miniOrange's cloud, also behind a VPN or proxy.",
        ),
        ConnectionField(
            label="SCIM Bearer Token",
            value=ConnectionValue.BEARER_TOKEN,
            help="Some forms call it Bearer Token.",
        ),
    ),
    steps=(
        "Sign in to the miniOrange admin console, open **Apps** and select **Add Application**.",
        "Select **Provisioning** and then the app **SCIM Server (Destination)**.",
        "Enter a **Custom Application Name** (**Display Application Name** in newer consoles).",
        "Enter the **SCIM Base URL** and the **SCIM Bearer Token** from this page, select "
        "**Test Connection** and save.",
        "Map the required attributes: userName, name.givenName, name.familyName, "
        'emails[type eq "work"].value, displayName and active.',
        "Switch on what may be sent: create, update and delete for users and for groups, and "
        "group membership.",
    ),
    pushing_groups=(
        "Switch on create, update and delete for groups, and group membership, in the app SCIM "
        "Server (Destination)."
    ),
    test_button="Test Connection",
    verified=(
        "miniOrange publishes the fields of the app, its Test Connection, its six required "
        "attributes and its switches for users, groups and memberships.",
    ),
    unverified=(
        "We have not run this against a miniOrange account of our own, and found no recording "
        "of one.",
        "The bodies of its requests are not published. Its attribute names look like Entra's, so "
        "this service is prepared for requests like those.",
        "What Test Connection asks for, and which filters it uses, is not published.",
        "Whether it deactivates somebody or deletes them when you deprovision is not published.",
        "How it retries after an error or a 429 is not published.",
    ),
    hints=(
        "miniOrange deprovisions somebody when you delete them there, or when they leave the "
        "group of the app.",
        "Deprovisioning by group needs its switch Add/Remove Group membership of User.",
        "Test with one person first: create, change, deprovision and restore them, and compare "
        "the journal of this source with what you did.",
    ),
)
