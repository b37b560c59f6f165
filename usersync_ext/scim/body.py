"""Reading request bodies: bytes to JSON values that are safe to store and to compare.

A body is refused, with a text that says where, when two readers could understand it
differently (duplicate keys, NaN, numbers beyond 64 bits, lone surrogates, NUL) or when it
could exhaust us (size, depth).
"""

import json
import re
from functools import lru_cache
from math import isfinite
from typing import Any, NoReturn

from scim2_models import InvalidSyntaxException, PayloadTooLargeException
from scim2_server.errors import UnsupportedMediaTypeException

MAX_BODY_BYTES = 8 * 1024 * 1024
MAX_DEPTH = 64

_SHOWN = 60
_SUSPECT_TEXT = re.compile("[\x00\ud800-\udfff]")
_MAX_INTEGER = 2**63 - 1
_MIN_INTEGER = -(2**63)


def shown(value: Any, limit: int = _SHOWN) -> str:
    """The value as JSON for a message, cut to ``limit`` characters.

    Control codes are escaped, and what may hold a password is not shown at all.
    """
    text = value if isinstance(value, str) else _json_text(value)
    if "password" in text.lower():
        return "(hidden, it may hold a password)"
    cut = text if len(text) <= limit else f"{text[: limit - 1]}…"
    return json.dumps(cut, ensure_ascii=False) if isinstance(value, str) else cut


def _json_text(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError):
        return f"<{type(value).__name__}>"


def read_json(body: bytes, content_type: str | None) -> Any:
    """The JSON value of a request body.

    ``application/json``, anything ending in ``+json`` and a missing Content-Type are accepted
    (RFC 7644 §3.8); a byte order mark is skipped. Raises UnsupportedMediaTypeException (415),
    PayloadTooLargeException (413) or InvalidSyntaxException (400).
    """
    if content_type and not _is_json(content_type):
        raise UnsupportedMediaTypeException(
            detail=f"Content-Type {shown(content_type)} is not JSON:"
            " send application/scim+json or application/json"
        )
    if len(body) > MAX_BODY_BYTES:
        raise PayloadTooLargeException(
            detail=f"The body has {len(body)} bytes, at most {MAX_BODY_BYTES} are read:"
            " send fewer members or operations per request"
        )
    return read_json_text(_decoded(body))


def read_json_object(body: bytes, content_type: str | None) -> dict[str, Any]:
    """The JSON object of a request body: resources, PATCH, searches and bulk are objects.

    Raises InvalidSyntaxException for any other JSON value, and what :func:`read_json` raises.
    """
    value = read_json(body, content_type)
    if isinstance(value, dict):
        return value
    raise InvalidSyntaxException(
        detail=f"The body must be a JSON object, it is {_kind(value)}: {shown(value)}"
    )


def read_json_text(text: str) -> Any:
    """The JSON value of a text, under the same rules as a body.

    Also used for JSON that some clients put into a string. Raises InvalidSyntaxException.
    """
    try:
        value = _DECODER.decode(text)
    except json.JSONDecodeError as error:
        raise InvalidSyntaxException(
            detail=f"The JSON cannot be read: {error.msg}, line {error.lineno} column {error.colno}"
        ) from error
    except RecursionError as error:
        raise _too_deep() from error
    if text.count("{") + text.count("[") > MAX_DEPTH:
        _check_depth(value)
    if "\\u" in text:
        _check_texts(value)
    return value


@lru_cache(maxsize=64)
def _is_json(content_type: str) -> bool:
    media_type = content_type.partition(";")[0].strip().lower()
    return not media_type or media_type == "application/json" or media_type.endswith("+json")


def _decoded(body: bytes) -> str:
    if body.startswith(b"\xef\xbb\xbf"):
        body = body[3:]
    if not body.strip():
        raise InvalidSyntaxException(detail="The body is empty: send a JSON object")
    try:
        return body.decode()
    except UnicodeDecodeError as error:
        raise InvalidSyntaxException(
            detail=f"The body is not UTF-8: byte {error.start} cannot be read"
        ) from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    record = dict(pairs)
    if len(record) != len(pairs):
        _refuse_duplicate(pairs)
    return record


def _refuse_duplicate(pairs: list[tuple[str, Any]]) -> NoReturn:
    seen: set[str] = set()
    twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
    raise InvalidSyntaxException(
        detail=f"The key {shown(twice)} is there twice in one object: send it once"
    )


def _constant(name: str) -> NoReturn:
    raise InvalidSyntaxException(detail=f"{name} is not a JSON value")


def _integer(digits: str) -> int:
    if len(digits) < 19:
        return int(digits)
    number = int(digits) if len(digits) <= 20 else _MAX_INTEGER + 1
    if not _MIN_INTEGER <= number <= _MAX_INTEGER:
        raise InvalidSyntaxException(
            detail=f"The number {shown(digits, 24)} does not fit into 64 bits: send it as a string"
        )
    return number


def _decimal(digits: str) -> float:
    number = float(digits)
    if not isfinite(number):
        raise InvalidSyntaxException(detail=f"The number {shown(digits, 24)} is out of range")
    return number


_DECODER = json.JSONDecoder(
    object_pairs_hook=_object, parse_constant=_constant, parse_int=_integer, parse_float=_decimal
)


def _check_depth(value: Any) -> None:
    """Refuse a value nested deeper than ``MAX_DEPTH``, level by level and without recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for container in level
            for child in (container.values() if type(container) is dict else container)
            if type(child) is dict or type(child) is list
        ]
        if not level:
            return
    raise _too_deep()


def _too_deep() -> InvalidSyntaxException:
    return InvalidSyntaxException(detail=f"The JSON is nested deeper than {MAX_DEPTH} levels")


def _check_texts(value: Any) -> None:
    """Refuse strings that escapes can smuggle past UTF-8: NUL and half a surrogate pair."""
    pending: list[tuple[str, Any]] = [("", value)]
    while pending:
        name, item = pending.pop()
        if isinstance(item, str):
            if _SUSPECT_TEXT.search(item):
                raise InvalidSyntaxException(
                    detail=f"A string of {shown(name)} holds a NUL character or half a surrogate"
                    " pair, which cannot be stored: send it without"
                )
        elif isinstance(item, dict):
            pending.extend((name, key) for key in item)
            pending.extend(item.items())
        elif isinstance(item, list):
            pending.extend((name, element) for element in item)


def _kind(value: Any) -> str:
    if value is None:
        return "null"
    names = {bool: "a boolean", int: "a number", float: "a number", str: "a string"}
    return names.get(type(value), "an array")
