"""Microsoft Entra ID: set-up guide and what is known about its SCIM requests."""

from .base import Ability, ConnectionField, ConnectionValue, Provider

ENTRA = Provider(
    kind="entra",
    title="Microsoft Entra ID (previously Azure AD)",
    mark="entra.svg",
    summary=(
        "Microsoft Entra ID (Previously known as Azure AD) sends people and groups of one tenant, "
        "in cycles of about 40 minutes."
    ),
    abilities=frozenset({Ability.PUSH, Ability.GROUPS}),
    terms_title="Azure AD Term",
    fields=(
        ConnectionField(
            label="Tenant URL",
            value=ConnectionValue.SCIM_BASE_URL,
            help=(
                "A tenant is your organisation's own instance of Entra ID, apart from every other "
                "organisation's. Entra calls the address that this tenant sends to the Tenant "
                "URL. It must be reachable from Microsoft's cloud, also behind a VPN or proxy."
            ),
        ),
        ConnectionField(
            label="Secret Token",
            value=ConnectionValue.BEARER_TOKEN,
            help=(
                "Do not leave it empty: Entra then sends a token of its own, which Microsoft "
                "means for tests only."
            ),
        ),
    ),
    steps=(
        "Sign in to the Entra admin center, open **Enterprise applications**, select "
        "**New application** and then **Create your own application**.",
        "Select **SCIM Provisioner with SAML ( SCIM V2 Core )** if your catalogue lists it, and "
        "open its **Configurations** tab. If it does not, stay with the application that you "
        "created and open its **Provisioning** page.",
        "Set the provisioning mode to **Automatic**.",
        "Enter the **Tenant URL** and the **Secret Token** from the table on this page, select "
        "**Test Connection** and save.",
    ),
    test_button="Test Connection",
    first_person=(
        "Under **Users and groups** assign one person, and send them at once by "
        "**Provision on demand**: the normal cycle takes up to 40 minutes."
    ),
    pushing_groups=(
        "Assign the groups to the application: Entra sends only what is in scope. A group arrives "
        "without members first; the members follow after the users."
    ),
    verified=(
        "Microsoft publishes the requests for testing, creating, matching, changing, disabling "
        "and deleting users and groups, and the tests that its validators run.",
        "Others recorded Entra on real tenants: the look-up after a 409, managers sent as plain "
        "text, matching by externalId since January 2026, and no User-Agent header.",
        'Both of its dialects are documented: the older one (Replace, and "False" as text) and '
        "the one that a Tenant URL ending in ?aadOptscim062020 asks for. Provision on demand "
        "ignores that ending, so expect both from one tenant.",
    ),
    unverified=(
        "We have not run this against a tenant of our own.",
        "We know the catalogue entry SCIM Provisioner with SAML ( SCIM V2 Core ) from other "
        "vendors' guides only, not from Microsoft.",
        "How many operations one PATCH may carry is not documented.",
        "We found nothing on whether Entra obeys Retry-After.",
        "Filters that check a reference (id eq … and manager eq …) rest on one weak source.",
    ),
    hints=(
        "Assign people or groups to the application: Entra sends only who is in scope. Somebody "
        "who is already disabled in Entra is never created.",
        "Entra looks for changes about every 40 minutes. Use provision on demand to test one "
        "person at once.",
        "Unassigning, disabling or soft-deleting somebody sends active false. A DELETE follows "
        "only with the hard deletion: after 30 days, or when you purge the person.",
        "Entra does not send memberships again when it re-enables somebody. They are kept while "
        "the person is inactive: do not clear them by hand.",
        "A group arrives without members first; the members follow after the users.",
        "Entra remembers our id of a person or group for ever, also after you restart "
        "provisioning.",
        "An attribute that you clear in Entra is usually not sent, so the old value stays here.",
        "A wrong token puts the job into quarantine at once; many failures do so too (at least "
        "5,000 and over 40 percent, or 40,000). Entra then retries after 6, 12 and 24 hours, "
        "then daily, and switches the job off after 28 days. The first success ends it.",
        "Entra sends no User-Agent header. If the connection test fails with HTML and 403, allow "
        "such requests in your firewall.",
        "Let your proxy pass at least 25 requests a second from one tenant.",
        "Use a non-gallery application: new gallery applications may no longer use a long-lived "
        "token.",
    ),
)
