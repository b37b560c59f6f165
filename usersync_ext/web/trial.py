"""A test person: real SCIM requests through the whole application, and nothing left behind."""

import contextvars
import json
import logging
import time
from collections.abc import Mapping
from typing import Any

from flask import current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.test import Client, TestResponse
from wtforms import StringField, TextAreaField, ValidationError
from wtforms.validators import DataRequired, Length

from ..core.records import Source, SourceState
from ..state import current_state
from ..store import group_tree, people, runs, trials
from ..sync.trials import (
    Answer,
    Reply,
    Send,
    Step,
    TestPerson,
    Trial,
    find_namesake,
    remove_leftovers,
    send_person,
)
from .forms import PageForm, plain, stripped
from .language import N_, gettext
from .shared import Route, engine, has_control_characters, load_source, source_page, visitor

logger = logging.getLogger("usersync")
MOST_GROUPS = 5
LONGEST = 255
SCIM_JSON = "application/scim+json"
GONE_WELL: Mapping[Step, str] = {
    Step.DISCOVER: N_("Address and token are right, and the service tells what it can do."),
    Step.FIND: N_("Nobody has this user name yet, so the provider goes on to create the person."),
    Step.CREATE: N_("The source took the person as the provider sent them."),
    Step.READ: N_("The provider reads what was stored."),
    Step.DISABLE: N_("The person was made inactive."),
    Step.ENABLE: N_("The person was made active again."),
    Step.DELETE: N_("The person is gone for the provider."),
}
GONE_WRONG: Mapping[Step, str] = {
    Step.DISCOVER: N_("The service did not tell what it can do. Nothing more was sent."),
    Step.FIND: N_("The search did not say that nobody has this name. Nothing more was sent."),
    Step.CREATE: N_("The source did not take the person. Nothing more was sent."),
    Step.READ: N_("The provider cannot read what was stored."),
    Step.DISABLE: N_("The person was not made inactive."),
    Step.ENABLE: N_("The person was not made active again."),
    Step.DELETE: N_("The provider could not delete the person."),
}


class TrialForm(PageForm):
    """Whom to send."""

    user_name = StringField(
        N_("User name"),
        filters=[stripped],
        validators=[DataRequired(N_("Enter a user name.")), Length(max=LONGEST), plain],
    )
    full_name = StringField(
        N_("Full name"), filters=[stripped], validators=[Length(max=LONGEST), plain]
    )
    email = StringField(N_("E-mail"), filters=[stripped], validators=[Length(max=LONGEST), plain])
    groups = TextAreaField(N_("Groups of the provider"))

    @property
    def group_names(self) -> list[str]:
        """The names that were typed, one a line."""
        lines = (self.groups.data or "").splitlines()
        return list(dict.fromkeys(line.strip() for line in lines if line.strip()))

    def validate_groups(self, _field: Any) -> None:
        if len(self.group_names) > MOST_GROUPS:
            raise ValidationError(gettext("at most %(count)s groups", count=MOST_GROUPS))
        if any(has_control_characters(name) for name in self.group_names):
            raise ValidationError(gettext("must not have control characters"))

    def person(self, source: Source) -> TestPerson | None:
        """Return whom to send; what is wrong becomes an error of its field, and None."""
        ids = self.group_ids(source)
        for field in (self.user_name, self.email):
            namesake = find_namesake(engine(), source, field.data or "")
            if namesake is not None:
                self.fail(field.name, taken_by(namesake))
        if self.errors:
            return None
        return TestPerson(
            user_name=self.user_name.data or "",
            full_name=self.full_name.data or "",
            email=self.email.data or "",
            groups=tuple(ids),
        )

    def group_ids(self, source: Source) -> list[int]:
        """Return the rows of the groups that were named."""
        ids: list[int] = []
        with engine().store.reading() as db:
            for name in self.group_names:
                found = group_tree.find_groups(db, source.id, name)
                ids += [group.id for group in found if group.id not in ids]
                if not found:
                    text = gettext(
                        "%(source)s has no group %(name)s", source=source.name, name=name
                    )
                    self.fail("groups", text)
        return ids


def taken_by(namesake: trials.Namesake) -> str:
    """Return why a name or an e-mail cannot be a test person's."""
    if namesake.is_test:
        return gettext("another test with it is under way: try again in a few minutes")
    return gettext("is that of a real person, %(name)s: nothing was sent", name=namesake.user_name)


def defaults(source: Source) -> dict[str, str]:
    """Return a test person whose names look like those of the provider."""
    with engine().store.reading() as db:
        newest = people.newest_person(db, source)
    _, at, domain = (newest.user_name if newest else "@example.com").rpartition("@")
    return {
        "user_name": f"test.person@{domain}" if at else "test.person",
        "full_name": "Test Person",
        "email": f"test.person@{domain if at else 'example.com'}",
    }


def trial(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = TrialForm(**defaults(source))
    obstacle = obstacle_of(source)
    result = None
    if form.is_submitted() and not obstacle:
        remove_leftovers(engine(), source)
        person = form.person(source) if form.validate() else None
        if person is not None:
            result = send_person(engine(), visitor(), source, person, connected_to(source))
    return source_page(
        "trial.html",
        source,
        "trial",
        form=form,
        obstacle=obstacle,
        result=result,
        answers=spoken(result) if result else [],
    )


def obstacle_of(source: Source) -> str:
    """Return what keeps a test person from being sent: off, run, or nothing."""
    if source.state is SourceState.OFF:
        return "off"
    with engine().store.reading() as db:
        return "run" if runs.at_work(db, source.id) else ""


def spoken(result: Trial) -> list[tuple[Answer, str]]:
    """Return each answer with what it means."""
    return [(answer, meaning(answer)) for answer in result.answers]


def meaning(answer: Answer) -> str:
    """Return what an answer means for the provider."""
    if not answer.is_scim:
        return gettext(
            "The application answered %(status)s before SCIM was reached. Nothing more was sent.",
            status=answer.status,
        )
    words = GONE_WELL if answer.is_expected else GONE_WRONG
    return gettext(words[answer.step])


# -- sending -------------------------------------------------------------------------------------


class Connection:
    """The way of a provider's requests through the application that serves the current one.

    Each request has contexts of its own: nothing of the visitor's reaches the host's guards.
    ``base`` is the host with the mount point, ``path`` the SCIM base URL below it.
    """

    def __init__(self, source: Source, secret: str) -> None:
        self._client = Client(current_app.wsgi_app, use_cookies=False)
        self._headers = {
            "Authorization": f"Bearer {secret}",
            "Accept": SCIM_JSON,
            "User-Agent": "User Sync test person",
        }
        path = f"{current_state().settings.url_prefix}/scim/{source.key}/v2"
        root = request.script_root
        self._ways = [(f"{request.host_url.rstrip('/')}{root}", path)]
        if root:  # a WSGI middleware of the app itself may have cut it off
            self._ways.append((request.host_url.rstrip("/"), f"{root}{path}"))

    def send(self, method: str, path: str, body: Mapping[str, Any] | None) -> Reply:
        """Send one request, the first one by each way until SCIM is reached."""
        replies = []
        for way in self._ways:
            replies.append(self._reply(way, method, path, body))
            if replies[-1].is_scim:
                self._ways = [way]
                return replies[-1]
        self._ways = self._ways[:1]
        return replies[0]

    def _reply(
        self, way: tuple[str, str], method: str, path: str, body: Mapping[str, Any] | None
    ) -> Reply:
        base, below = way
        started = time.perf_counter()
        try:
            response = contextvars.Context().run(
                self._client.open,
                f"{below}{path}",
                base_url=base,
                method=method,
                data=json.dumps(body) if body is not None else None,
                content_type=SCIM_JSON if body is not None else None,
                headers=self._headers,
                environ_base={"REMOTE_ADDR": "127.0.0.1"},
                buffered=True,
            )
        except Exception:
            logger.exception("the application failed before it answered a test person's request")
            return Reply(status=500, is_scim=False, duration_ms=milliseconds(started))
        duration = milliseconds(started)
        is_scim = is_ours(response)
        return Reply(
            status=response.status_code,
            is_scim=is_scim,
            duration_ms=duration,
            body=json.loads(response.data) if is_scim and response.data else {},
        )


def connected_to(source: Source) -> Any:
    """Return what makes the sender for a token."""

    def connect(secret: str) -> Send:
        return Connection(source, secret).send

    return connect


def is_ours(response: TestResponse) -> bool:
    """Tell whether the SCIM service answered: only its empty answers have no type."""
    empty = response.status_code == 204 and "X-Request-Id" in response.headers
    return empty or response.mimetype == SCIM_JSON


def milliseconds(started: float) -> int:
    return round((time.perf_counter() - started) * 1000)


PAGES: tuple[Route, ...] = (Route("/sources/<key>/test", trial, posts=True),)
