"""Numbers, times, binary values and plain lists, which the RFC's users and groups hardly have."""

from dataclasses import replace
from typing import Any

import pytest
from scim2_models import InvalidPathException, Resource, Schema, ScimFilter, SearchRequest
from scim2_server.utils import parametrize

from tests.scim.searching import a_mirror, a_store
from usersync_ext.scim.comparable import comparable_record
from usersync_ext.scim.filters import Target
from usersync_ext.scim.search import Search, search_statements
from usersync_ext.store.schema import IdentityRow

THING_URN = "urn:example:Thing"


def _attribute(name: str, type_: str = "string", *, several: bool = False, **more: Any) -> Any:
    return {"name": name, "type": type_, "multiValued": several, **more}


def _simple() -> list[Any]:
    return [
        _attribute("size", "integer"),
        _attribute("weight", "decimal"),
        _attribute("at", "dateTime"),
        _attribute("key", "binary"),
        _attribute("flag", "boolean"),
    ]


def thing_model() -> type[Resource[Any]]:
    """Return a resource type with every type of attribute, once and several times."""
    attributes = [
        _attribute("userName", required=True),
        *_simple(),
        _attribute("tags", several=True),
        _attribute("sizes", "integer", several=True),
        _attribute("times", "dateTime", several=True),
        _attribute("flags", "boolean", several=True),
        _attribute("keys", "binary", several=True),
        _attribute("box", "complex", subAttributes=[*_simple(), _attribute("tags", several=True)]),
        _attribute("boxes", "complex", several=True, subAttributes=_simple()),
    ]
    schema = {"id": THING_URN, "name": "Thing", "attributes": attributes}
    return Resource.from_schema(Schema.model_validate(schema))


def things() -> list[dict[str, Any]]:
    """Return resources with values of every type."""
    early, late, local = "2026-01-01T00:00:00Z", "2026-01-01T03:00:00+02:00", "2026-01-01T00:30:00"
    return [
        {"userName": "a", "size": 1, "weight": 1.5, "at": early, "key": "AAE=", "flag": True,
         "tags": ["Ä", "b"], "sizes": [1, 2], "times": [early, local], "flags": [False],
         "keys": ["AAE=", ""], "box": {"size": 2, "tags": ["x"], "at": local},
         "boxes": [{"size": 3, "at": late, "key": "AAE="}, {"flag": True, "weight": 0.0}]},
        {"userName": "b", "size": -3, "weight": 2, "at": late, "key": "", "flag": False,
         "tags": [], "sizes": [], "times": [], "flags": [], "box": {}, "boxes": []},
        {"userName": "c", "size": 2**53, "weight": 1e300, "at": local, "tags": [""],
         "flags": [True, True], "box": {"tags": []}, "boxes": [{}]},
        {"userName": "d", "times": [late], "sizes": [0], "boxes": [{"at": early}, {"at": local}]},
    ]  # fmt: skip


MODEL = thing_model()
THINGS = Target("Thing", MODEL, IdentityRow)


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def store(request, tmp_path_factory):
    with a_store(request, tmp_path_factory.mktemp("kinds")) as store:
        yield store


@pytest.fixture
def mirror(store):
    with store.reading() as connection:
        mirror = a_mirror(connection)
        for thing in things():
            mirror.add_person(thing, model=MODEL)
        yield mirror


@pytest.mark.parametrize(
    "text",
    [
        "size eq 1", "size ne 1", "size gt 0", "size le 1", "size eq null",
        "size ge 9007199254740992", f"size lt {2**70}", f"size gt -{2**70}", "size pr",
        "weight gt 1.5", "weight eq 2", "weight ge 1e300", "weight ne null",
        'at eq "2026-01-01T01:00:00+01:00"', 'at ne "2026-01-01T00:30:00"',
        'at gt "2026-01-01T00:00:00Z"', 'at le "2026-01-01T00:45:00"', 'at co "20"', "at pr",
        'key eq "AAE="', 'key ne "AAE="', "key pr", "flag eq true", "not (flag eq false)",
        'tags eq "ä"', 'tags ne "ä"', 'tags co ""', "tags pr", "tags eq null", "tags ne null",
        'tags[value sw "B" or value eq ""]', 'tags[other eq "b"]', "tags[value pr]",
        "sizes eq 2", "sizes ne 2", "sizes gt 1", "sizes[value lt 1]", "sizes pr",
        'times gt "2026-01-01T00:00:00Z"', 'times lt "2026-01-01T01:00:00"', "flags eq false",
        "flags ne false", 'keys eq "AAE="', 'keys ne "AAE="', "keys pr",
        "box.size eq 2", 'box.tags eq "X"', 'box.tags ne "x"', "box.tags eq null", "box.tags pr",
        "box pr", "box eq null", "box ne null", 'box.at lt "2026-01-01T01:00:00"',
        "boxes.size ge 3", "boxes pr", "boxes ne null", 'boxes eq "x"', 'boxes ne "x"',
        'boxes[size eq 3 and at gt "2026-01-01T00:00:00Z"]', "boxes[flag eq true]", "boxes.at pr",
        'boxes[not (key eq "AAE=")]', "boxes.weight eq 0", "boxes.flag ne true", "boxes[weight pr]",
    ],
)  # fmt: skip
def test_every_kind_of_value_compares_as_in_the_library(mirror, text):
    bound = parametrize(ScimFilter, MODEL)(text)

    assert mirror.matching(text, THINGS) == sorted(t.id for t in mirror.users if bound.match(t))


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "sort_by",
    ["size", "weight", "flag", "tags", "sizes", "times", "flags", "box.size", "box.at", "boxes.at",
     "boxes.size", "boxes.weight", "boxes.flag"],
)  # fmt: skip
def test_every_kind_of_value_sorts_and_pages_as_in_the_library(mirror, sort_by, descending):
    request = parametrize(SearchRequest, MODEL)(sort_by=sort_by)
    search = Search(sort_by=sort_by, descending=descending, count=1, cursor=True)

    pages = [mirror.find([THINGS], search)]
    while pages[-1].next is not None:
        pages.append(mirror.find([THINGS], replace(search, position=pages[-1].next)))

    def key(thing):
        value = request.sort_value(thing)
        return value is None, 0 if value is None else value, thing.id

    expected = sorted(mirror.users, key=key, reverse=descending)
    assert [row.hit_scim_id for page in pages for row in page.rows] == [t.id for t in expected]


def test_binary_values_have_no_order():
    with pytest.raises(InvalidPathException):
        search_statements([THINGS], 1, Search(sort_by="key"))


def test_the_comparable_form_has_times_and_bytes_in_one_spelling():
    thing = {"at": "2026-01-01T03:00:00+02:00", "times": ["2026-01-01T00:30:00"], "key": "AAE=\n"}

    assert comparable_record(thing, MODEL) == {
        "at": "2026-01-01T01:00:00.000000Z",
        "times": ["2026-01-01T00:30:00.000000"],
        "key": "AAE=",
    }
