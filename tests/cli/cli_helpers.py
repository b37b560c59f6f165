"""What the tests of commands and of the standalone app share."""

import json

from bs4 import BeautifulSoup

from usersync_ext.cli import usersync

PASSWORD = "correct horse battery"
PAGES = "/usersync/"
ADA = {
    "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"],
    "userName": "ada@corp.example",
    "externalId": "00u1",
    "name": {"formatted": "Ada Lind"},
    "emails": [{"value": "ada@corp.example", "primary": True}],
    "active": True,
}


class Terminal:
    """Runs commands of one app."""

    def __init__(self, app):
        self.app = app
        self.runner = app.test_cli_runner()

    def run(self, *arguments, status=0, **options):
        result = self.runner.invoke(usersync, arguments, **options)
        assert result.exit_code == status, result.output
        return result

    def json(self, *arguments):
        """Return the one JSON object that a command prints on stdout."""
        return json.loads(self.run(*arguments, "--json").stdout)

    def error(self, *arguments, status=1):
        """Return the one line that a command fails with, below the line of the database."""
        result = self.run(*arguments, status=status)
        lines = [x for x in result.stderr.splitlines() if not x.startswith("Database: ")]
        assert result.stdout == ""
        assert len(lines) == 1
        assert lines[0].startswith("Error: ")
        return lines[0]


class Browser:
    """Sends forms as a browser does, on the test client of an app."""

    def __init__(self, app):
        self.client = app.test_client()

    def get(self, path, **options):
        return self.client.get(path, **options)

    def send(self, path, **values):
        """Fill in the form of a page and send it to where the form says."""
        page = self.client.get(path)
        form = BeautifulSoup(page.text, "html.parser").select_one("main form")
        hidden = {i["name"]: i.get("value", "") for i in form.select("input[type=hidden]")}
        target = form.get("action", path)
        return self.client.post(target, data={**hidden, **values})

    def sign_in(self, secret=PASSWORD, path="/login"):
        return self.send(path, password=secret)
