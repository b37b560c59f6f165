"""Oracle IDCS and Identity Domains: set-up guide, and how little is known about its requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

ORACLE = Provider(
    kind="oracle",
    title="Oracle (IDCS / Identity Domains)",
    mark="oracle.svg",
    summary=(
        "Oracle IDCS and OCI Identity Domains send people through the GenericScim app. Oracle "
        "publishes only part of these requests."
    ),
    abilities=frozenset({Ability.PUSH}),
    fields=(
        ConnectionField(
            label="Base URI",
            value=ConnectionValue.SCIM_BASE_URL,
            help=(
                "Same value as the SCIM Base URL. If Oracle asks for a Host Name too, put the "
                "host there and only the path, from the first single slash on, into Base URI. "
                "The address must be reachable from Oracle's cloud, also behind a VPN or proxy."
            ),
        ),
        ConnectionField(
            label="Access Token",
            value=ConnectionValue.BEARER_TOKEN,
            help="The Access Token is also referred as Bearer Token.",
        ),
    ),
    steps=(
        "Sign in to the Oracle identity console, open **Applications** and select **Add**.",
        "Select **App Catalog**.",
        "Select **Provision** under **Type of Integration**.",
        "Search for GenericScim and add **GenericScim - Bearer Token**.",
        "Enter a name and a description, and select **Next**.",
        "Enter the **Base URI** and the **Access Token** from this page and save.",
    ),
    pushing_groups=(
        "Whether the GenericScim template sends groups at all is not published. Should it send "
        "some, they appear here and can be mapped."
    ),
    verified=(
        "Oracle publishes that its GenericScim template creates users by POST, reads all of them "
        "and single ones by GET, changes them by PUT and deletes them by DELETE, in JSON.",
        "The Bearer Token template takes a JWT or any other text as its Access Token.",
    ),
    unverified=(
        "We have not run this against an Oracle tenant of our own, and found no recording of one.",
        "Whether the template sends groups at all is not published.",
        "How it deactivates somebody (a PUT with active false, or a DELETE) is not published.",
        "Its connection test, its filters, any use of PATCH, and how it pages through lists are "
        "not published.",
        "How it retries after an error or a 429 is not published.",
        "Until a tenant has been recorded, this service is prepared for requests like Okta's PUT "
        "and Entra's PATCH.",
    ),
    hints=(
        "Test with one person first: create, change, deactivate and delete them, and compare the "
        "journal of this source with what you did.",
        "Expect the same address twice, as work and as recovery mail.",
        "Oracle adds attributes under schema names of its own. They are shown on the source's "
        "page and change nothing.",
        "Authoritative sync turns the direction around: Oracle then imports people from here.",
    ),
)
