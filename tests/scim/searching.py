"""A mirror with people and groups for tests of filters and searches, and its oracle.

The oracle is scim2-models: the same resources as models, asked with ``ScimFilter.match`` and
``SearchRequest.sort``.
"""

import os
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Union
from uuid import uuid4

from scim2_models import Resource, ScimFilter, SearchRequest
from scim2_models.path import FilterNode
from scim2_server.utils import parametrize
from sqlalchemy import Connection, create_engine, event, insert, make_url, text

from usersync_ext.core.username import fold
from usersync_ext.scim.comparable import comparable_record, email_keys
from usersync_ext.scim.filters import Target, parse_filter
from usersync_ext.scim.models import ENTERPRISE_URN, GROUP_URN, USER_URN, GroupModel, UserModel
from usersync_ext.scim.search import Found, Search, Statements, run_search, search_statements
from usersync_ext.store.engine import Store
from usersync_ext.store.schema import (
    GroupChildRow,
    GroupMemberRow,
    GroupRow,
    IdentityEmailRow,
    IdentityRow,
    SourceRow,
)

START = datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC)
PEOPLE = Target("User", UserModel, IdentityRow)
GROUPS = Target("Group", GroupModel, GroupRow)
NON_ASCII = str.maketrans("aAbBoOsSiIeE", "äÄßẞόΌςΣıİéÉ")


def in_non_ascii(value: Any) -> Any:
    """Return values with letters replaced by others outside ASCII; schemas stay."""
    if isinstance(value, str):
        return value.translate(NON_ASCII)
    if isinstance(value, list):
        return [in_non_ascii(each) for each in value]
    if isinstance(value, dict):
        return {
            name: each if name == "schemas" else in_non_ascii(each) for name, each in value.items()
        }
    return value


@dataclass
class Mirror:
    """One source's people and groups in a database, and the same as models."""

    connection: Connection
    source_id: int
    users: list[Any] = field(default_factory=list)
    groups: list[Any] = field(default_factory=list)
    ids: dict[str, int] = field(default_factory=dict)

    def add_person(
        self,
        record: Mapping[str, Any],
        *,
        groups: Sequence[str] = (),
        deleted: bool = False,
        scim_id: str = "",
        model: Any = UserModel,
    ) -> str:
        """Store a person as the provider sent it; return the SCIM id."""
        record = {"schemas": [model.__schema__], **record}
        comparable = comparable_record(record, model)
        values = self._values(record, comparable, scim_id)
        values |= {"user_name": record["userName"], "user_name_key": comparable["userName"]}
        values |= {"full_name": "", "full_name_key": "", "email": "", "active": True}
        values |= {"state": "in_sync", "why": "", "deleted_at": START if deleted else None}
        scim_id, row_id = self._insert(IdentityRow, values)
        for key in email_keys(comparable):
            email = {"identity_id": row_id, "email_key": key, "source_id": self.source_id}
            self.connection.execute(insert(IdentityEmailRow).values(email))
        for group in groups:
            member = {"group_id": self.ids[group], "identity_id": row_id}
            self.connection.execute(insert(GroupMemberRow).values(member))
        if not deleted:
            named = [group for group in self.groups if group.id in groups]
            entries = [{"value": g.id, "display": g.display_name, "type": "direct"} for g in named]
            more = {"groups": entries} if entries else {}
            self.users.append(_model(model, record, values, **more))
            for group in named:
                group.members = [*(group.members or ()), a_member(scim_id, "User")]
        return scim_id

    def add_group(
        self, record: Mapping[str, Any], *, children: Sequence[str] = (), scim_id: str = ""
    ) -> str:
        """Store a group; return the SCIM id."""
        record = {"schemas": [GROUP_URN], **record}
        name = record["displayName"]
        values = self._values(record, comparable_record(record, GroupModel), scim_id)
        values |= {"display_name": name, "display_name_key": fold(name)}
        scim_id, row_id = self._insert(GroupRow, values)
        for child in children:
            link = {"group_id": row_id, "child_id": self.ids[child]}
            self.connection.execute(insert(GroupChildRow).values(link))
        entries = [{"value": child, "type": "Group"} for child in children]
        self.groups.append(_model(GroupModel, record, values, members=entries or None))
        return scim_id

    def find(self, targets: Sequence[Target], search: Search, columns: Any = ()) -> Found:
        """Return a page of a search."""
        statements = search_statements(targets, self.source_id, search, columns)
        return run_search(self.connection, statements)

    def matching(self, filter_: str, *targets: Target) -> list[str]:
        """Return the SCIM ids that a filter finds in the database."""
        targets = targets or (PEOPLE,)
        return self.found(parse_filter(filter_, [target.model for target in targets]), *targets)

    def found(self, node: FilterNode, *targets: Target) -> list[str]:
        """Return the SCIM ids for which a filter's tree holds in the database."""
        found = self.find(targets, Search(filter=node))
        ids = sorted(row.hit_scim_id for row in found.rows)
        counted = self.find(targets, Search(filter=node, count=0))
        assert found.total == counted.total == len(ids)
        return ids

    def expected(self, filter_: str | FilterNode, *targets: Target) -> list[str]:
        """Return the SCIM ids for which scim2-models says that a filter matches."""
        targets = targets or (PEOPLE,)
        return sorted(
            resource.id
            for target in targets
            for resource in self.resources(target)
            if parametrize(ScimFilter, target.model)(filter_).match(resource)
        )

    def resources(self, *targets: Target) -> list[Any]:
        """Return the stored resources as models, in the order of their rows."""
        return [r for t in targets for r in (self.users if t is PEOPLE else self.groups)]

    def names(self, found: Found) -> list[str]:
        """Return the user names, or display names, of a page."""
        names = {
            r.id: getattr(r, "user_name", None) or r.display_name
            for r in self.resources(PEOPLE, GROUPS)
        }
        return [names[row.hit_scim_id] for row in found.rows]

    def _values(
        self, record: Mapping[str, Any], comparable: dict[str, Any], scim_id: str
    ) -> dict[str, Any]:
        at = START + timedelta(hours=len(self.ids))
        return {
            "source_id": self.source_id,
            "scim_id": scim_id or uuid4().hex,
            "external_id": comparable.get("externalId"),
            "record": "{}",
            "comparable": comparable,
            "version": 1,
            "created_at": at,
            "modified_at": at + timedelta(minutes=len(self.ids) % 3),
        }

    def _insert(self, row: Any, values: Mapping[str, Any]) -> tuple[str, int]:
        row_id = self.connection.execute(insert(row).values(values).returning(row.id)).scalar_one()
        self.ids[values["scim_id"]] = row_id
        return values["scim_id"], row_id


def _model(
    model: type[Resource[Any]], record: Mapping[str, Any], values: Mapping[str, Any], **more: Any
) -> Any:
    meta = {
        "resourceType": "User" if model is UserModel else "Group",
        "created": values["created_at"].isoformat(),
        "lastModified": values["modified_at"].isoformat(),
    }
    return model.model_validate({**record, "id": values["scim_id"], "meta": meta, **more})


@contextmanager
def a_store(request: Any, folder: Path) -> Iterator[Store]:
    """Yield a store on a copy of the migrated database of the kind that a fixture asks for.

    Tests write in ``reading()``, which takes it back, so all tests of a module share the copy.
    """
    template = request.getfixturevalue(f"{request.param}_template")
    if request.param == "sqlite":
        store = Store(f"sqlite:///{shutil.copy(template, folder / 'mirror.sqlite3')}")
        yield store
        store.dispose()
        return
    server = make_url(os.environ["USERSYNC_TEST_DATABASE"])
    admin = create_engine(server, isolation_level="AUTOCOMMIT")
    name = f"usersync_search_{uuid4().hex[:12]}"
    with admin.connect() as connection:
        connection.execute(text(f"CREATE DATABASE {name} TEMPLATE {template}"))
        store = Store(server.set(database=name).render_as_string(hide_password=False))
        yield store
        store.dispose()
        connection.execute(text(f"DROP DATABASE {name}"))
    admin.dispose()


def plan_of(connection: Connection, statements: Statements) -> list[str]:
    """Return the steps in which SQLite finds a page."""
    steps: list[str] = []

    def explain(_connection: Any, cursor: Any, sql: str, parameters: Any, *_: Any) -> Any:
        plan = cursor.execute(f"EXPLAIN QUERY PLAN {sql}", parameters)
        steps.extend(row[3] for row in plan)
        return sql, parameters

    event.listen(connection, "before_cursor_execute", explain, retval=True)
    connection.execute(statements.page, statements.parameters)
    event.remove(connection, "before_cursor_execute", explain)
    return steps


def a_member(scim_id: str, type_name: str) -> Any:
    """Return an entry of ``members`` as the library's models hold it."""
    entries = [{"value": scim_id, "type": type_name}]
    group: Any = GroupModel.model_validate({"displayName": "x", "members": entries})
    return group.members[0]


def a_mirror(connection: Connection, key: str = "") -> Mirror:
    """Return an empty mirror of a source of its own."""
    values = {
        "key": key or uuid4().hex,
        "name": key,
        "kind": "entra",
        "state": "active",
        "directory": "local",
    }
    values |= {"rules": {}, "version": 1, "created_at": START}
    statement = insert(SourceRow).values(values).returning(SourceRow.id)
    return Mirror(connection, connection.execute(statement).scalar_one())


def a_request(sort_by: str, order: str | None, *targets: Target) -> SearchRequest[Any]:
    """Return the library's search request, which sorts."""
    models = tuple(target.model for target in targets) or (UserModel,)
    request = parametrize(SearchRequest, Union[models])  # noqa: UP007
    return request(sort_by=sort_by, sort_order=order)


def in_order(sort_by: str, descending: bool, resources: Sequence[Any]) -> list[str]:
    """Return the ids of resources ordered by the library's sort value, then by id."""
    request = a_request(sort_by, None, PEOPLE, GROUPS)

    def key(resource: Any) -> tuple[bool, Any, str]:
        value = request.sort_value(resource)
        return value is None, "" if value is None else value, resource.id

    return [resource.id for resource in sorted(resources, key=key, reverse=descending)]


def odd_people() -> list[dict[str, Any]]:
    """Return people with every odd form that a stored record can have."""
    ada = {"department": "Engineering", "manager": {"value": "u2"}}
    emails = [
        {"value": "ada@home.example", "type": "home"},
        {"value": "ADA@work.example", "type": "work", "primary": True},
    ]
    return [
        {"userName": "Ada", "title": "", "externalId": "Ext-1", "active": True, "emails": emails,
         ENTERPRISE_URN: ada},
        {"userName": "ÄDA", "displayName": "Straße", "emails": [], "name": {}, "addresses": [{}]},
        {"userName": "İ", "displayName": "ΣΊΣΥΦΟΣ", "name": {"givenName": "e\u0301"}, "roles": [
            {"value": "Admin", "primary": True}, {"value": "admin", "primary": True}]},
        {"userName": "50% off", "title": "\\_%", "active": False, "externalId": "e\u0301",
         "emails": [{"type": "work"}, {"value": ""}, {"display": "x", "primary": False}]},
        {"userName": "\U0001f600", "title": "\uffff", "name": {"givenName": "", "familyName": "a"},
         "addresses": [{"locality": "Köln", "country": "DE", "primary": False}, {"locality": ""}],
         ENTERPRISE_URN: {}},
        {"userName": "a", "emails": None, "name": None, "schemas": [USER_URN, ENTERPRISE_URN],
         "x509Certificates": [{"value": "TUlJ"}], "profileUrl": "https://example/ÄDA",
         "phoneNumbers": [{"value": "+49 30", "type": "Work"}],
         ENTERPRISE_URN: {"employeeNumber": "2", "manager": {"displayName": "x"}}},
        {"userName": "user", "emails": [{"value": "Äda@WORK.example", "type": "Work"}],
         "roles": [{"value": "x", "primary": False}], ENTERPRISE_URN: {"manager": {}}},
    ]  # fmt: skip


def an_odd_mirror(connection: Connection) -> Mirror:
    """Return a mirror with odd people in groups of groups, a tombstone, and another source."""
    mirror = a_mirror(connection)
    mirror.add_group({"displayName": "Ädmins", "externalId": "x"}, scim_id="g1")
    mirror.add_group({"displayName": "Group"}, scim_id="g2", children=["g1"])
    mirror.add_group({"displayName": "a"}, scim_id="g3")
    for number, person in enumerate(odd_people()):
        mirror.add_person(person, scim_id=f"id-{number}", groups=["g1", "g2"][: number % 3])
    mirror.add_person({"userName": "gone", "emails": [{"value": "a"}]}, deleted=True)
    other = a_mirror(connection, "other")
    other.add_person({"userName": "Ada"}, groups=[other.add_group({"displayName": "a"})])
    return mirror
