"""Keycloak with a SCIM client extension: set-up guide and what is known about its requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

KEYCLOAK = Provider(
    kind="keycloak",
    title="Keycloak",
    mark="keycloak.svg",
    summary=(
        "Keycloak itself has no SCIM client: you need an extension that sends people and groups, "
        "mitodl/keycloak-scim or scim-for-keycloak."
    ),
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    fields=(
        ConnectionField(
            label="SCIM Base URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help=(
                "mitodl/keycloak-scim calls it SCIM 2.0 endpoint. It must be reachable from the "
                "Keycloak server."
            ),
        ),
        ConnectionField(
            label="Bearer Token",
            value=ConnectionValue.BEARER_TOKEN,
            help="mitodl/keycloak-scim calls it Auth password/token.",
        ),
    ),
    steps=(
        "Install an extension in Keycloak: mitodl/keycloak-scim or scim-for-keycloak. Keycloak's "
        "own SCIM and Metatavu/keycloak-scim-server only receive; they send nothing.",
        "With mitodl/keycloak-scim: open **Events**, then **Config**, and add **scim** to "
        "**Event Listeners**.",
        "Open **User Federation**, select **Add provider** and then **scim**.",
        "Enter the SCIM Base URL from this page as **SCIM 2.0 endpoint**. Set **Auth mode** to "
        "**BEARER** and enter the Bearer Token as **Auth password/token**.",
        "Keep **Enable user propagation** and **Enable group propagation** on. Leave "
        "**Enable import during sync** off, and save.",
        "With scim-for-keycloak instead: add a **Remote SCIM Provider** with the same address "
        "and token, and assign it to your realm under **Realm Assignment**.",
    ),
    pushing_groups=(
        "Keep **Enable group propagation** on. Each change of a membership sends the whole group "
        "with everybody in it."
    ),
    verified=(
        "The requests of mitodl/keycloak-scim are known from its source code (commit 099fbe8).",
        "It changes users and groups by PUT, or by PATCH with the options Use patchOp for users "
        "and Use patchOp for groups; it deletes by DELETE.",
    ),
    unverified=(
        "We have not run this against a Keycloak of our own.",
        "scim-for-keycloak is known from its issue reports only; the current plugin's source is "
        "not public, and its labels here come from such a report.",
        "One report says that scim-for-keycloak 3.10.2 sends JSON inside a text value. Both "
        "forms are read.",
        "Addresses without a full domain, such as ada@localhost, are expected but not recorded.",
    ),
    hints=(
        "mitodl/keycloak-scim pushes only users whose e-mail address is verified. If somebody is "
        "missing here, look there first, then run a sync with Enable refresh during sync: it "
        "creates those who were missed.",
        "It waits 5 seconds for an answer. It repeats a request up to 10 times when the "
        "connection fails, but never after an error answer, not even after 429: such a change is "
        "lost until the person or group changes again, or until a sync with refresh.",
        "It never looks for somebody before it creates them. A 409 is only logged, and later "
        "updates of that person then fail. Solve the conflict here, then run a sync with refresh.",
        "Each change of a membership sends the whole group. A group without members arrives "
        "without a list of members, and loses all of them here; the removal guard still counts.",
        "Disabling somebody sends active false, as text if Use patchOp for users is on.",
        "It sends a relative $ref for members and no type for mail addresses. Both are accepted.",
        "It does not check the host name in our certificate. Use it on a network that you trust.",
        "One of the import actions of mitodl/keycloak-scim, DELETE_REMOTE, deletes people here. "
        "This is why the import stays off.",
        "In scim-for-keycloak, changing the filter of a provider creates and deletes users, and "
        "groups are always sent.",
    ),
)
