"""Bearer tokens of a source: made here, shown once, revoked at once."""

from datetime import UTC, datetime

from flask import redirect, url_for
from flask.typing import ResponseReturnValue

from ..core.records import Source, Token
from ..store import tokens as store_tokens
from ..sync import admin
from .forms import ActionForm, TokenForm, attempt
from .guard import recent_auth_missing, sign_in_again
from .language import gettext
from .shared import ID, Route, done, engine, load_source, source_page, visitor


def tokens(key: str) -> ResponseReturnValue:
    source = load_source(key)
    form = TokenForm()
    if form.is_submitted() and recent_auth_missing():
        return sign_in_again()
    if form.validate_on_submit():
        made = attempt(form, lambda: new_token(source, form))
        if made is not None:
            secret, token = made
            return source_page("token_created.html", source, "tokens", token=token, secret=secret)
    engine().recorder.flush()
    with engine().store.reading() as db:
        found = store_tokens.list_tokens(db, source)
    return source_page(
        "tokens.html",
        source,
        "tokens",
        form=form,
        tokens=found,
        now=datetime.now(UTC),
        warn_days=store_tokens.EXPIRY_WARNING.days,
        sign_in_first=recent_auth_missing(),
    )


def new_token(source: Source, form: TokenForm) -> tuple[str, Token]:
    return admin.add_token(
        engine(),
        visitor(),
        source,
        label=form.data["label"],
        expires_in_days=form.days,
        read_only=form.data["read_only"],
    )


def revoke_token(key: str, token_id: int) -> ResponseReturnValue:
    source = load_source(key)
    with engine().store.reading() as db:
        token = store_tokens.get_token(db, source, token_id)
    if token.revoked_at is not None:
        return redirect(url_for(".tokens", key=key), code=303)
    form = ActionForm()
    if form.validate_on_submit():
        admin.revoke_token(engine(), visitor(), source, token)
        text = gettext("The token was revoked; it opens nothing any more.")
        return done(text, ".tokens", key=key)
    return source_page("token_revoke.html", source, "tokens", token=token, form=form)


PAGES: tuple[Route, ...] = (
    Route("/sources/<key>/tokens", tokens, posts=True),
    Route(f"/sources/<key>/tokens/<{ID}:token_id>/revoke", revoke_token, posts=True),
)
