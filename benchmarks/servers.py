"""The three servers that are compared, each a process of its own under waitress, 4 threads.

``python servers.py bare|memory|usersync PORT [DATABASE]``
"""

import logging
import sys

import waitress
from flask import Flask, jsonify

THREADS = 4


def bare() -> Flask:
    """Return the yardstick: one Flask route that answers a small JSON object."""
    app = Flask("bare")

    @app.get("/json")
    def answer():
        return jsonify(id="1", userName="ann@example.com", active=True)

    return app


def memory():
    """Return scim2-server's own application over its storage in memory."""
    from scim2_server.applications.wsgi import WSGIApplication
    from scim2_server.memory import InMemoryStorage
    from scim2_server.service import ScimService
    from scim2_server.utils import load_default_provider

    provider = load_default_provider()
    service = ScimService(provider, secret="benchmark")
    return WSGIApplication(InMemoryStorage(), provider, service)


def usersync(database: str) -> Flask:
    """Return a host app with usersync on a database that is filled already."""
    from usersync_ext import UserSync

    app = Flask("usersync")
    app.config.update(SECRET_KEY="benchmark", USERSYNC_DATABASE_URI=database)
    UserSync(app)
    return app


def main() -> None:
    """Serve what the command line says."""
    kind, port = sys.argv[1], int(sys.argv[2])
    app = {"bare": bare, "memory": memory}[kind]() if kind != "usersync" else usersync(sys.argv[3])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)
    waitress.serve(app, host="127.0.0.1", port=port, threads=THREADS)


if __name__ == "__main__":
    main()
