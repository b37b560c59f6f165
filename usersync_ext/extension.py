"""``UserSync``: what a host app creates and gives its app to."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from flask import Blueprint, Flask, has_app_context

from . import assets
from .core.records import Account
from .directories.base import Directory
from .directories.local import LocalDirectory
from .errors import ConfigError
from .providers.base import registry
from .scim.routes import add_rules, scim_blueprint
from .settings import ensure_folder, read_settings
from .signals import BeforeApply, OnLeaver
from .state import EXTENSION, State, current_state
from .store.engine import Store
from .sync.engine import Engine
from .sync.ticker import Ticker
from .web import web_blueprint


def nobody() -> bool:
    """Return False: without ``is_admin`` nobody may see a page."""
    return False


class UserSync:
    """User and group sync for one or more Flask apps.

    ``is_admin`` says whether the current visitor may use the pages (default: nobody).
    ``recent_auth`` says whether the visitor proved who they are within the last minutes; where it
    is given, it is asked before a token is made. ``directory`` is the default target of new
    sources (default: the embedded one). ``actor_name`` names the visitor in the journal.
    """

    def __init__(
        self,
        app: Flask | None = None,
        *,
        directory: Directory | None = None,
        is_admin: Callable[[], bool] | None = None,
        recent_auth: Callable[[], bool] | None = None,
        actor_name: Callable[[], str] | None = None,
    ) -> None:
        self._directory = directory
        self._is_admin = is_admin or nobody
        self._recent_auth = recent_auth
        self._actor_name = actor_name
        self._before_apply: list[BeforeApply] = []
        self._on_leaver: list[OnLeaver] = []
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask, *, url_prefix: str | None = None) -> None:
        """Mount usersync into an app. Opens no connection and starts no thread.

        Raises ConfigError for a wrong ``USERSYNC_*`` value and for a second call on one app.
        """
        if EXTENSION in app.extensions:
            raise ConfigError("UserSync.init_app was called twice on this app")
        if url_prefix is not None:
            app.config["USERSYNC_URL_PREFIX"] = url_prefix
        settings = read_settings(app.config, app.instance_path)
        ensure_folder(settings.database_uri)
        engine = Engine(settings, Store(settings.database_uri), self._directories())
        engine.sender = app
        engine.host_context = lambda: context_of(app)
        engine.hooks.before_apply = self._before_apply
        engine.hooks.on_leaver = self._on_leaver
        app.extensions[EXTENSION] = State(
            settings=settings,
            engine=engine,
            ticker=Ticker(engine),
            providers=registry(),
            is_admin=self._is_admin,
            recent_auth=self._recent_auth,
            actor_name=self._actor_name,
        )
        app.register_blueprint(parent_blueprint(settings.url_prefix))
        add_rules(app, settings.url_prefix)

    def _directories(self) -> dict[str, Directory]:
        """Return the directories of an app by name. Raises ConfigError for one we cannot drive."""
        local = LocalDirectory()
        directories: dict[str, Directory] = {local.name: local}
        if self._directory is not None:
            if not self._directory.joins_store:
                raise ConfigError(
                    f"directory {self._directory.name!r} keeps its accounts outside the usersync "
                    "database, which this version cannot write to yet"
                )
            directories[self._directory.name] = self._directory
        return directories

    def before_apply(self, hook: BeforeApply) -> BeforeApply:
        """Register a hook that sees every change before it is applied (a decorator).

        It returns the change, an altered one, or ``Skip("why")``, whose text reaches the
        provider's console. It is called without a database lock, maybe more than once a change.
        A change is a ``Change`` of an account, or a ``MembershipChange``, which it can only skip.
        """
        self._before_apply.append(hook)
        return hook

    def on_leaver(self, hook: OnLeaver) -> OnLeaver:
        """Register a hook that is told when an account was disabled or deleted (a decorator).

        It gets the account and its configured replacement (None where there is none). End the
        person's sessions, tokens and jobs here.
        """
        self._on_leaver.append(hook)
        return hook

    @staticmethod
    def is_managed(account: Account, field: str) -> bool:
        """Tell whether a source would overwrite a field of an account; call within an app context.

        Fields: user_name, active and those that the attribute mapping fills: full_name, email,
        given_name, …; free ones are called ``attributes.`` and their name.
        """
        return current_state().engine.is_managed(account, field)


def context_of(app: Flask) -> AbstractContextManager[object]:
    """Return the context for hooks and receivers: the request's, or a new one in a thread."""
    return nullcontext() if has_app_context() else app.app_context()


def parent_blueprint(url_prefix: str) -> Blueprint:
    """Return the blueprint that carries templates, static files and the two children."""
    parent = Blueprint(
        "usersync",
        __name__,
        url_prefix=url_prefix or None,
        template_folder=str(assets.asset_dir("templates")),
        static_folder=str(assets.asset_dir("static")),
        static_url_path="/assets",
    )
    parent.register_blueprint(scim_blueprint())
    parent.register_blueprint(web_blueprint())
    return parent
