"""Any other SCIM 2.0 client: set-up guide and what our side expects."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

CUSTOM_SCIM = Provider(
    kind="custom-scim",
    title="Custom SCIM app",
    mark="custom-scim.svg",
    summary=(
        "The custom SCIM App connects any other identity provider that sends people and groups "
        "by SCIM 2.0, or your own script."
    ),
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    fields=(
        ConnectionField(
            label="SCIM Base URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help=(
                "The part before /Users and /Groups. It must be reachable from your provider, "
                "also behind a VPN or proxy."
            ),
        ),
        ConnectionField(
            label="Bearer Token",
            value=ConnectionValue.BEARER_TOKEN,
            help="The client sends it as the header Authorization: Bearer, a blank, the token.",
        ),
    ),
    steps=(
        "In your identity provider add an application with SCIM 2.0 provisioning.",
        "Enter the **SCIM Base URL** and, as the token of bearer authentication, the "
        "**Bearer Token** from this page.",
        "Run your provider's connection test, or send **GET /ServiceProviderConfig** with the "
        "token yourself: the answer is 200.",
        'Send **GET /Users** with the filter userName eq "nobody": the answer is 200 with an '
        "empty list.",
        "Create one person, from your provider or with curl by **POST /Users** with schemas, "
        "userName and active: the answer is 201 and the person appears on this source's pages.",
        "Change, deactivate and restore that person before you let everybody in.",
    ),
    pushing_groups=(
        "Switch on in your provider that groups are sent to **/Groups**, with their members. "
        "authentik sends a group first and its members afterwards."
    ),
    verified=(
        "The requests of authentik are known from its source code; those of JumpCloud partly "
        "from recordings.",
        "The documentation of PingFederate, PingOne, SailPoint and CyberArk names their requests.",
    ),
    unverified=(
        "We have not run these clients against this service.",
        "JumpCloud: renamed groups, retries and speed are not documented; one report says that "
        "it also changes users by PUT.",
        "PingOne: bodies and retries are not documented.",
        "SailPoint: whether it really chooses PUT where PATCH is not offered.",
        "Rippling: nothing solid is known; it is said to filter by e-mail only.",
    ),
    hints=(
        "Only SCIM 2.0 is spoken. Requests of SCIM 1.1 are refused with 400.",
        "Unknown attributes are kept and shown on the source's page. An unknown operation or a "
        "bad path is refused with 400 and the reason.",
        "A duplicate is answered with 409 and names the attribute and its value.",
        "Inactive people stay visible to GET and filters, and keep their memberships.",
        "A busy service answers 429 or 503 with Retry-After in whole seconds.",
        "A PUT of a group without members empties the group; the removal guard still counts.",
        "JumpCloud creates a test user and a test group when you activate it, and deletes them "
        "again. Your app sees both.",
        "authentik creates somebody again when a PUT is answered with 404.",
        "Google Workspace cannot be connected this way: it provisions only to the vendors on its "
        "own list.",
    ),
)
