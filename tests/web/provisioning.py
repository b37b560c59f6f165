"""An administrator at the pages of a source and the provider that pushes to it."""

from collections.abc import Sequence
from dataclasses import replace
from urllib.parse import quote

from bs4 import BeautifulSoup

from usersync_ext.core.records import Account, Change, ChangeKind
from usersync_ext.core.username import name_key
from usersync_ext.directories.base import Directory, WithoutGroups

USER = "urn:ietf:params:scim:schemas:core:2.0:User"
GROUP = "urn:ietf:params:scim:schemas:core:2.0:Group"


def mail(address):
    return [{"value": address, "type": "work", "primary": True}]


def replaced(path, value):
    return {"op": "replace", "path": path, "value": value}


def entered(form):
    """Return what a browser would send of a form as it stands, without any button."""
    values = {}
    for control in form.select("input[name], select[name], textarea[name]"):
        name = control["name"]
        if control.name == "textarea":
            values[name] = control.text
        elif control.name == "select":
            chosen = control.select_one("option[selected]") or control.option
            values[name] = chosen["value"]
        elif control.get("type") not in {"checkbox", "radio"} or control.has_attr("checked"):
            values[name] = control.get("value", "")
    return values


def changed(values, changes):
    """Return the values of a form after some were changed; True and False tick and untick."""
    ticked = {name: "y" if value is True else value for name, value in changes.items()}
    return {name: value for name, value in {**values, **ticked}.items() if value is not False}


class Desk:
    """The pages of one source as its administrator uses them, and its provider's client."""

    def __init__(self, site, provider):
        self.site = site
        self.provider = provider
        self.path = f"/sources/{provider.source}/rules"

    # -- the provider --------------------------------------------------------------------------

    def push(self, user_name, **attributes):
        """Create a person; return their address."""
        answer = self.post(user_name, **attributes)
        assert answer.status_code == 201, answer.text
        return f"/Users/{answer.json['id']}"

    def post(self, user_name, **attributes):
        record = {"schemas": [USER], "userName": user_name, **attributes}
        return self.provider.post("/Users", record)

    def patch(self, address, *operations):
        """Change a person; return the answer's body."""
        answer = self.provider.patch(address, *operations)
        assert answer.status_code == 200, answer.text
        return answer.json

    # -- the options ---------------------------------------------------------------------------

    def options(self):
        """Return the page User Provisioning Options."""
        return self.site.get(self.path)

    def send(self, button, changes, page=None):
        """Change fields of the options and press a button; return what was sent, the answer."""
        form = (page or self.options()).select_one("form.rules")
        values = changed(entered(form), changes)
        answer = self.site.client.post(form["action"], data={**values, button: "1"})
        return values, answer

    def save(self, page=None, **changes):
        """Save changed options; return the page that confirms it."""
        _, answer = self.send("save", changes, page)
        assert answer.status_code == 303, answer.text
        return self.site.get(answer.location.removeprefix(self.site.prefix))

    def preview(self, **changes):
        """Preview changed options; return the page."""
        return self.parsed(self.send("preview", changes)[1])

    def refused(self, **changes):
        """Try to save changed options; return what was sent and the page that refuses it."""
        values, answer = self.send("save", changes)
        return values, self.parsed(answer)

    def parsed(self, answer):
        assert answer.status_code == 200, answer.text
        return BeautifulSoup(answer.text, "html5lib")

    def sampled(self, page):
        """Return the account name that a preview shows for the typed sample."""
        row = page.find("caption", string="What becomes of user names").parent.tbody.tr
        return self.site.words(row.select("td")[1])

    def press(self, path, name):
        """Press a button of a page, with its form as it stands; return where that leads."""
        button = self.site.get(path).select_one(f"button[name={name}]")
        form = button.find_parent("form")
        address = form.get("action", self.site.prefix + path)
        values = {**entered(form), name: button["value"]}
        answer = self.site.client.post(address, data=values)
        assert answer.status_code == 303, answer.text
        return self.site.get(answer.location.removeprefix(self.site.prefix))

    # -- people and accounts -------------------------------------------------------------------

    def person(self, user_name, state=""):
        """Return a person's page, found on the list of people."""
        query = f"source={self.provider.source}&search={quote(user_name)}&state={state}"
        return self.linked(self.site.get(f"/people?{query}"), user_name)

    def standing(self, user_name, state=""):
        """Return how a person stands and why, as the top of their page says it."""
        return self.site.words(self.person(user_name, state).select_one(".next p"))

    def linked(self, page, text):
        """Follow a link of a page's table."""
        [link] = [a for a in page.select("tbody th a") if a.text == text]
        return self.site.get(link["href"].removeprefix(self.site.prefix))

    def accounts(self):
        """Return whether each account on the list of accounts is active, by name."""
        rows = self.site.get("/directory").select("tbody tr")
        return {row.th.a.text: "Active" in self.site.words(row.select("td")[1]) for row in rows}

    def address(self, user_name):
        """Return the address of an account's page, which has its key."""
        page = self.site.get("/directory")
        [link] = [a for a in page.select("tbody th a") if a.text == user_name]
        return link["href"].removeprefix(self.site.prefix)

    def account(self, user_name):
        """Return what an account's page shows: the value of each field by its label."""
        page = self.site.get(self.address(user_name))
        facts = {self.site.words(d.dt): self.site.words(d.dd) for d in page.select(".facts > div")}
        labels = page.select("main form label[for]")
        inputs = {self.site.words(label): page.find(id=label["for"]) for label in labels}
        return facts | {label: field.get("value", "") for label, field in inputs.items()}

    def activity(self):
        """Return the lines of the page Activity."""
        return [self.site.words(row) for row in self.site.get("/activity").select("tbody tr")]


class MemoryDirectory(WithoutGroups, Directory):
    """A second directory beside the embedded one; ``log`` has every change that it was asked for.

    It does not undo what a transaction rolls back: enough for pushes that succeed.
    """

    name = "crm"
    title = "CRM"
    joins_store = True

    def __init__(self) -> None:
        self.held: dict[str, Account] = {}
        self.log: list[Change] = []

    def bound(self, session) -> "MemoryDirectory":
        return self

    def check(self) -> None:
        """Return: it is always there."""

    def find(
        self, *, keys: Sequence[str] = (), names: Sequence[str] = (), emails: Sequence[str] = ()
    ) -> list[Account]:
        wanted_names = {name_key(name) for name in names}
        wanted_emails = {name_key(email) for email in emails if email}
        return [
            account
            for key, account in sorted(self.held.items())
            if key in keys
            or name_key(account.user_name) in wanted_names
            or name_key(account.email) in wanted_emails
        ]

    def apply(self, changes: Sequence[Change]) -> list[Account | None]:
        return [self.applied(change) for change in changes]

    def applied(self, change: Change) -> Account | None:
        self.log.append(change)
        if change.after is None:
            del self.held[change.before.key]
            return None
        if change.kind is ChangeKind.CREATE:
            return self.add(change.after)
        self.held[change.after.key] = change.after
        return change.after

    def add(self, account: Account) -> Account:
        """Store an account; without a key it gets one that only this directory understands."""
        key = account.key or f"crm-{len(self.held) + 1}"
        self.held[key] = replace(account, key=key)
        return self.held[key]

    def administrators(self) -> int:
        return 0

    def accounts(self) -> dict[str, bool]:
        """Return whether each account is active, by name."""
        return {account.user_name: account.active for account in self.held.values()}
