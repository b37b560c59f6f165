"""The administrator's password: set through a one-time link, slow to guess.

Everything is in the store's value table, so that all processes of an installation agree. An
attempt is counted before it is checked: a hundred guesses at once are a hundred failures.
"""

import hashlib
import hmac
import json
import math
import secrets
import time
import unicodedata

from werkzeug.security import check_password_hash, generate_password_hash

from ..store.engine import Session, Store
from ..store.requests import get_value, set_value

PASSWORD = "admin.password"  # noqa: S105 - names of values
LINK = "admin.link"
FAILURES = "admin.failures"
LINK_SECONDS = 24 * 3600
FREE_FAILURES = 5
LONGEST_DELAY = 30


def is_set(store: Store) -> bool:
    """Tell whether there is a password."""
    with store.reading() as session:
        return get_value(session, PASSWORD) is not None


def fingerprint(store: Store) -> str:
    """Return what a session keeps of the password: another one ends the session."""
    with store.reading() as session:
        stored = get_value(session, PASSWORD) or ""
    return hashlib.sha256(stored.encode()).hexdigest()[:32] if stored else ""


def new_link(store: Store) -> str:
    """Return the secret of a new one-time link; only its hash is kept, an older link ends."""
    secret = secrets.token_urlsafe(32)
    link = {"hash": hashed(secret), "until": int(time.time()) + LINK_SECONDS}
    with store.writing() as session:
        set_value(session, LINK, json.dumps(link))
    return secret


def hashed(secret: str) -> str:
    """Return what is kept of a link's secret."""
    return hashlib.sha256(secret.encode()).hexdigest()


def link_is_valid(store: Store, secret: str) -> bool:
    """Tell whether a link still works."""
    with store.reading() as session:
        return fits(session, secret)


def fits(session: Session, secret: str) -> bool:
    """Tell whether a secret is that of the current link."""
    stored = get_value(session, LINK, lock=True)
    if stored is None:
        return False
    link = json.loads(stored)
    return hmac.compare_digest(link["hash"], hashed(secret)) and time.time() < link["until"]


def set_by_link(store: Store, secret: str, password: str) -> bool:
    """Set the password and end the link; return False if the link does not work any more."""
    stored = generate_password_hash(normal(password), method="scrypt")
    with store.writing() as session:
        if not fits(session, secret):
            return False
        set_value(session, LINK, None)
        set_value(session, PASSWORD, stored)
        set_value(session, FAILURES, json.dumps([0, 0]))
    return True


def normal(password: str) -> str:
    """Return a password as it is whatever keyboard composed its letters."""
    return unicodedata.normalize("NFC", password)


def check(store: Store, password: str) -> tuple[bool, int]:
    """Return whether the password is right, and in how many seconds to ask again if it is not.

    While the delay of earlier failures runs, even the right password is not looked at.
    """
    wait = count_attempt(store)
    if wait:
        return False, wait
    with store.reading() as session:
        stored = get_value(session, PASSWORD)
    if stored is None or not check_password_hash(stored, normal(password)):
        return False, 0
    with store.writing() as session:
        set_value(session, FAILURES, json.dumps([0, 0]))
    return True, 0


def count_attempt(store: Store) -> int:
    """Count an attempt as failed until it proves right; return the seconds that it comes early."""
    now = time.time()
    with store.writing() as session:
        count, last = json.loads(get_value(session, FAILURES, lock=True) or "[0, 0]")
        wait = math.ceil(last + delay(count) - now)
        early = 0 < wait <= LONGEST_DELAY  # more: the clock was set back, do not lock anybody out
        if not early:
            set_value(session, FAILURES, json.dumps([count + 1, now]))
    return wait if early else 0


def delay(failures: int) -> int:
    """Return the seconds between attempts after that many failures: 1, 2, 4 … 30."""
    if failures < FREE_FAILURES:
        return 0
    return min(1 << min(failures - FREE_FAILURES, 10), LONGEST_DELAY)
