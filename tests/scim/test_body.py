"""Request bodies: what is read, and what is refused with which words."""

import json
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scim2_models import InvalidSyntaxException, PayloadTooLargeException, SCIMException
from scim2_server.errors import UnsupportedMediaTypeException

from usersync_ext.scim.body import MAX_BODY_BYTES, read_json, read_json_object, shown

JSON = "application/scim+json"


@pytest.mark.parametrize(
    "content_type",
    [
        "application/scim+json",
        "application/scim+json; charset=utf-8",
        "Application/JSON",
        "application/vnd.vendor+json",
        "",
        None,
        ";charset=utf-8",
    ],
)
def test_json_is_read_under_every_usual_content_type(content_type: str | None) -> None:
    assert read_json(b'{"userName": "ada"}', content_type) == {"userName": "ada"}


@pytest.mark.parametrize(
    "content_type", ["text/html", "application/xml", "multipart/form-data", "application/jsonp"]
)
def test_other_content_types_are_415_and_name_what_to_send(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaTypeException, match=r"application/scim\+json") as caught:
        read_json(b"{}", content_type)

    assert caught.value.status == 415
    assert content_type in caught.value.detail


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "The body is empty"),
        (b" \n ", "The body is empty"),
        (b"\xef\xbb\xbf", "The body is empty"),
        (b'{"a": 1, "a": 2}', 'The key "a" is there twice'),
        (b'[{"x": {"b": 1, "c": 2, "b": 1}}]', 'The key "b" is there twice'),
        (b'{"a": NaN}', "NaN is not a JSON value"),
        (b'{"a": Infinity}', "Infinity is not a JSON value"),
        (b'{"a": -Infinity}', "-Infinity is not a JSON value"),
        (b'{"a": 1e999}', "out of range"),
        (b'{"a": 9223372036854775808}', "does not fit into 64 bits"),
        (b'{"a": -9223372036854775809}', "does not fit into 64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "does not fit into 64 bits"),
        (b'{"a": "\\ud800"}', "half a surrogate pair"),
        (b'{"\\udfff": 1}', "half a surrogate pair"),
        (b'{"a": ["x\\u0000y"]}', "NUL character"),
        (b'{"a": "\xff"}', "not UTF-8: byte 7"),
        ('{"a": "é"}'.encode("utf-16"), "not UTF-8"),
        (b'{"a": "\x00"}', "line 1 column 8"),
        (b'{"a": 1,}', "line 1 column"),
        (b'{"a": 1} x', "Extra data"),
        (b"[" * 65 + b"]" * 65, "deeper than 64"),
        (b'{"a":' * 65 + b"1" + b"}" * 65, "deeper than 64"),
        (b"[" * 100_000, "deeper than 64"),
    ],
)
def test_what_two_readers_could_understand_differently_is_400(body: bytes, words: str) -> None:
    with pytest.raises(InvalidSyntaxException) as caught:
        read_json(body, JSON)

    assert words in caught.value.detail
    assert len(caught.value.detail) < 300


@pytest.mark.parametrize(
    ("body", "value"),
    [
        (b"\xef\xbb\xbf{}", {}),
        (b'{"a": 9223372036854775807}', {"a": 2**63 - 1}),
        (b'{"a": -9223372036854775808}', {"a": -(2**63)}),
        (b'{"a": "\\ud83d\\ude00"}', {"a": "😀"}),
        (b'{"a": "\\u00e9 \\\\u0000"}', {"a": "é \\u0000"}),
        (b'{"a": {"b": 1}, "c": {"b": 1}}', {"a": {"b": 1}, "c": {"b": 1}}),
        (b"[" * 64 + b"]" * 64, json.loads("[" * 64 + "]" * 64)),
        (b'{"a": "' + b"[" * 100 + b'"}', {"a": "[" * 100}),
        (b'{"members": [' + b'{"value": "u1"},' * 99 + b"{}]}", None),
    ],
)
def test_good_json_is_read_as_it_is(body: bytes, value: object) -> None:
    assert read_json(body, JSON) == (json.loads(body) if value is None else value)


def test_a_body_over_the_limit_is_413_before_it_is_parsed() -> None:
    with pytest.raises(PayloadTooLargeException, match="at most 8388608") as caught:
        read_json(b" " * (MAX_BODY_BYTES + 1), JSON)

    assert caught.value.status == 413


@pytest.mark.parametrize(
    ("body", "kind"),
    [(b"[]", "an array"), (b"null", "null"), (b'"x"', "a string"), (b"1", "a number")],
)
def test_resources_and_patches_must_be_objects(body: bytes, kind: str) -> None:
    with pytest.raises(InvalidSyntaxException, match=f"must be a JSON object, it is {kind}"):
        read_json_object(body, JSON)


def test_values_in_messages_are_short_and_free_of_control_codes() -> None:
    assert shown("a\x1b[31m\nb") == '"a\\u001b[31m\\nb"'
    assert len(shown("x" * 5000)) < 70
    assert len(shown({"a": ["y" * 5000]})) < 70


TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | TEXT
VALUES = st.recursive(SCALARS, lambda value: st.lists(value) | st.dictionaries(TEXT, value))


def test_messages_never_show_what_may_be_a_password() -> None:
    assert "1mz" not in shown({"password": "1mz"})
    assert "1mz" not in shown('{"Password":"1mz"}')
    with pytest.raises(InvalidSyntaxException) as caught:
        read_json(b'{"password": "1mz\\u0000"}', JSON)
    assert "1mz" not in caught.value.detail


@given(st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes_are_read_or_refused_as_a_scim_error(body: bytes) -> None:
    with suppress(SCIMException):
        read_json(body, JSON)


@given(VALUES)
def test_what_json_can_say_is_read_unchanged(value: object) -> None:
    assert read_json(json.dumps(value).encode(), JSON) == value
    assert read_json(json.dumps(value, ensure_ascii=False).encode(), JSON) == value
