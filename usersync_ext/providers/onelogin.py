"""OneLogin: set-up guide and what is known about its SCIM requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

ONELOGIN = Provider(
    kind="onelogin",
    title="OneLogin",
    mark="onelogin.svg",
    summary="OneLogin sends people and groups from a SCIM 2.0 app of its catalogue.",
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    fields=(
        ConnectionField(
            label="SCIM Base URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help="It must be reachable from OneLogin's cloud, also behind a VPN or proxy.",
        ),
        ConnectionField(label="SCIM Bearer Token", value=ConnectionValue.BEARER_TOKEN),
    ),
    steps=(
        "Sign in to the OneLogin admin portal, open **Applications** and select **Add app**. "
        "Choose a SCIM 2.0 app, such as **SCIM Provisioner with SAML (SCIM v2 Core)**.",
        "Open the **Provisioning** tab.",
        "Select **Get Started**. If your console has no such button, the two fields are on the "
        "**Configuration** tab.",
        "Enter the **SCIM Base URL** and the **SCIM Bearer Token** from this page, enable the "
        "connection and save.",
    ),
    pushing_groups=(
        "OneLogin creates a group here when somebody needs it, and then adds that person. It "
        "sends no renamed or deleted groups: change those here."
    ),
    verified=(
        "OneLogin publishes the order of its requests for creating, changing, disabling and "
        "deleting users and for memberships.",
        "Others recorded it on real accounts in 2020 and 2024: an empty User-Agent header, stray "
        "? and & at the end of addresses, and draft schema names in the user body.",
    ),
    unverified=(
        "We have not run this against a OneLogin account of our own.",
        "That memberships are sent again when somebody is re-enabled rests on one weak source.",
        "Whether it ever sends active as text is not known; text is accepted.",
        "How it retries, and how fast it sends, is not known.",
    ),
    hints=(
        "Before OneLogin disables somebody it removes them from each group, then it sends active "
        "false.",
        "A deletion in OneLogin removes the memberships first, then sends a DELETE.",
        "OneLogin creates a group when somebody needs it. It sends no renamed or deleted groups: "
        "change those here.",
        "Every change of a user is a PUT of the whole user. The body is a template in OneLogin: "
        "if you edit it, keep userName in it.",
        "Use a SCIM 2.0 app. Requests of the SCIM 1.1 app are refused with 400.",
        "OneLogin sends an empty User-Agent header. Allow such requests in your firewall.",
        "Enabling the connection looks for somebody who does not exist, then lists the groups.",
    ),
)
