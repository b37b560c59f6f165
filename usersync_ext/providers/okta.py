"""Okta: set-up guide and what is known about its SCIM requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

OKTA = Provider(
    kind="okta",
    title="Okta",
    mark="okta.svg",
    summary="Okta sends the people assigned to its app, and the groups under Push Groups.",
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    fields=(
        ConnectionField(
            label="SCIM Base URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help=(
                "Some consoles call it SCIM 2.0 Base Url. It must not contain an underscore, and "
                "it must be reachable from Okta's cloud, also behind a VPN or proxy."
            ),
        ),
        ConnectionField(
            label="OAuth Bearer Token",
            value=ConnectionValue.BEARER_TOKEN,
            help=(
                "Paste the token alone. Only the Header Auth variant of the app wants the word "
                "Bearer and a blank in front of it."
            ),
        ),
    ),
    steps=(
        "Sign in to the Okta admin dashboard, open **Applications** and select "
        "**Add Application** (**Browse App Catalog** in newer consoles).",
        "Search for **SCIM 2.0 Test App( OAuth Bearer Token )** and select it. The catalogue "
        "writes it SCIM 2.0 Test App (OAuth Bearer Token).",
        "Select **Add** and complete the installation.",
        "Open the **Provisioning** tab and select **Configure API Integration**.",
        "Enter the **SCIM Base URL** and the **OAuth Bearer Token** from this page, select "
        "**Test API Credentials** and save.",
        "Under **To App** switch on **Create Users**, **Update User Attributes** and "
        "**Deactivate Users**.",
        "Under **Assignments** assign the people who may have an account here.",
        "Under **Push Groups** add the groups that you want to map. Group mapping needs "
        "**Push Groups**: Okta sends no group that is not listed there.",
    ),
    test_button="Test API Credentials",
    first_person="Under **Assignments** assign one person to the app: Okta sends them at once.",
    pushing_groups=(
        "**Push Groups** must be switched on: open the tab **Push Groups** of the app in Okta and "
        "add each group that you want to map. Okta sends no other group, and of a group only the "
        "members who are assigned to the app as well."
    ),
    verified=(
        "Okta publishes the requests of its test app and of wizard apps, and the test suite that "
        "it runs before it lists an app.",
        "The test app changes users by PUT and deactivates by PATCH; apps made with the wizard "
        "do everything by PUT.",
        "Okta publishes how it reacts to 429: it obeys Retry-After in whole seconds, waits 5 "
        "minutes without it, doubles the wait, and stops after 10 attempts.",
    ),
    unverified=(
        "We have not run this against an Okta organisation of our own.",
        "What Okta does after a 503 is not documented.",
    ),
    hints=(
        "Okta never deletes a user. Unassigning or deactivating somebody sends active false; "
        "suspending somebody sends nothing.",
        "Assigning somebody again sends active true, then the whole profile.",
        "A group brings only those members who are assigned to the app as well.",
        "A removed Push Groups entry deletes the group here only if you choose to delete it when "
        "you unlink it.",
        "Push Now sends everybody in the group again and replaces the list of members.",
        "Okta sends a password with every new user, usually a random placeholder. It is dropped.",
        "A 409 stops the task. Find it in Okta's Tasks with our explanation, and retry it there.",
        "After 429 Okta waits and retries by itself, 10 times at most; after that you retry it "
        "under Tasks.",
        "Okta gives up on an answer after 60 seconds.",
        "An import into Okta takes active users only.",
    ),
)
