"""The mirror as a storage: for our handler in JSON, for the library in models.

``Mirror`` reads and writes stored resources; ``SqlStorage`` gives the same to scim2-server's
``ScimStorage`` contract, whose test suite it passes with nothing skipped. Both read through
``store`` and write through ``sync.push``.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from scim2_models import (
    Meta,
    NotFoundException,
    PreconditionFailedException,
    Resource,
    ResourceType,
    ResponseParameters,
    SearchRequest,
    UniquenessException,
)
from scim2_server.storage import ScimStorage, SearchPage
from sqlalchemy import select

from ..errors import NameTaken
from ..store import groups, mirror
from ..store.groups import GROUP_COLUMNS, group_from_row
from ..store.mirror import USER_COLUMNS, groups_of_column, user_from_row
from ..store.resources import StoredResource
from ..store.schema import GroupRow, IdentityRow
from ..sync.engine import Engine
from ..sync.push import Push
from ..sync.pushing import MemberChange, NewRecord, NotThere
from ..sync.work import Work
from .comparable import comparable_record
from .filters import Target
from .models import POLICY, GroupModel, Model, UserModel
from .search import Found, run_search, search_of, search_statements

USER_PAGE = (*USER_COLUMNS, groups_of_column())
"""The columns of a person on a page; the same objects, so that statements are built once."""
READ_ONLY = frozenset({"id", "meta", "groups"})
TARGETS = {
    "User": Target("User", UserModel, IdentityRow),
    "Group": Target("Group", GroupModel, GroupRow),
}


@dataclass(frozen=True, slots=True)
class Page:
    """A page of stored resources; ``members`` has those of the groups on it, by row id."""

    found: Found
    resources: Sequence[StoredResource]
    members: Mapping[int, Sequence[tuple[str, str]]]


class Mirror:
    """The resources of one source."""

    def __init__(self, engine: Engine, source_id: int, make_work: Callable[[], Work]) -> None:
        self.engine = engine
        self.source_id = source_id
        self._make_work = make_work

    @property
    def push(self) -> Push:
        """The writes; made late, because reads need no directory."""
        return Push(self.engine, self._make_work())

    def find(self, type_name: str, scim_id: str) -> StoredResource:
        """Return a resource. Raises NotThere."""
        with self.engine.store.reading() as session:
            read = mirror.get_user if type_name == "User" else groups.get_group
            stored = read(session, self.source_id, scim_id)
        if stored is None:
            raise NotThere(type_name, scim_id)
        return stored

    def members(self, group: StoredResource) -> list[tuple[str, str]]:
        """Return the members of a group as pairs of type and SCIM id."""
        with self.engine.store.reading() as session:
            return groups.members_of(session, [group.id])[group.id]

    def members_of(
        self, resources: Sequence[StoredResource]
    ) -> Mapping[int, Sequence[tuple[str, str]]]:
        """Return the members of the groups among these resources, by row id."""
        ids = [stored.id for stored in resources if stored.resource_type == "Group"]
        if not ids:
            return {}
        with self.engine.store.reading() as session:
            return groups.members_of(session, ids)

    def create(self, type_name: str, record: Mapping[str, Any]) -> StoredResource:
        """Store a new resource from a strict record, which may have members."""
        plain, members = without_members(type_name, record)
        if type_name == "User":
            plain.setdefault("active", True)
            return self.push.create_user(new_record(plain, UserModel))
        return self.push.create_group(new_record(plain, GroupModel), members)

    def change(
        self,
        type_name: str,
        scim_id: str,
        transform: Callable[[StoredResource], Mapping[str, Any]],
        members: Sequence[MemberChange] = (),
    ) -> StoredResource:
        """Store what the transform makes of a resource; members change on their own."""
        model = UserModel if type_name == "User" else GroupModel

        def renewed(stored: StoredResource) -> NewRecord | None:
            record = transform(stored)
            return None if record == stored.parsed() else new_record(record, model)

        if type_name == "User":
            return self.push.change_user(scim_id, renewed)
        return self.push.change_group(scim_id, renewed, members)

    def delete(self, type_name: str, scim_id: str, check: Callable[[StoredResource], None]) -> None:
        """Remove a resource once the check lets it pass."""
        if type_name == "User":
            self.push.delete_user(scim_id, check)
        else:
            self.push.delete_group(scim_id, check)

    def search(
        self,
        type_names: Sequence[str],
        request: SearchRequest[Any],
        position: Any = None,
        *,
        with_members: bool = True,
    ) -> Page:
        """Return a page of resources of some types as one collection."""
        targets = [TARGETS[name] for name in type_names]
        one = targets[0] if len(targets) == 1 else None
        columns: Sequence[Any] = ()
        if one is not None:
            columns = USER_PAGE if one.name == "User" else GROUP_COLUMNS
        statements = search_statements(
            targets, self.source_id, search_of(request, position), columns
        )
        with self.engine.store.reading() as session:
            found = run_search(session, statements)
            if one is not None:
                read = user_from_row if one.name == "User" else group_from_row
                resources = [read(row) for row in found.rows]
            else:
                resources = load_hits(session, found.rows)
            ids = [r.id for r in resources if r.resource_type == "Group"]
            members = groups.members_of(session, ids) if with_members and ids else {}
        return Page(found, resources, members)


def load_hits(session: Any, rows: Sequence[Any]) -> list[StoredResource]:
    """Return the resources of a page over several types, in the page's order."""
    users = [row.hit_id for row in rows if row.hit_type == "User"]
    others = [row.hit_id for row in rows if row.hit_type == "Group"]
    loaded: dict[tuple[str, int], StoredResource] = {}
    if users:
        query = mirror.USERS.where(IdentityRow.id.in_(users))
        loaded |= {("User", row.id): user_from_row(row) for row in session.execute(query)}
    if others:
        query = select(*GROUP_COLUMNS).where(GroupRow.id.in_(others))
        loaded |= {("Group", row.id): group_from_row(row) for row in session.execute(query)}
    keys = [(row.hit_type, row.hit_id) for row in rows]
    return [loaded[key] for key in keys if key in loaded]


def new_record(record: Mapping[str, Any], model: Model) -> NewRecord:
    """Return a record with its comparable form."""
    return NewRecord(record, comparable_record(record, model))


def without_members(type_name: str, record: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    """Return a record without read-only attributes and members, and the members' ids.

    On a person ``members`` is an attribute like any other that no schema defines.
    """
    plain = {key: value for key, value in record.items() if key not in READ_ONLY}
    if type_name == "User":
        return plain, []
    members = plain.pop("members", None) or ()
    return plain, [member["value"] for member in members if member.get("value")]


class SqlStorage(ScimStorage):
    """The mirror of one source behind the library's storage contract."""

    supports_cursors = True

    def __init__(self, mirror: Mirror) -> None:
        self.mirror = mirror

    def get(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        response_parameters: ResponseParameters[Any] | None = None,
    ) -> Resource[Any]:
        """Return a resource."""
        return self._model(found_or_404(self.mirror.find, resource_type.name, resource_id))

    def search(
        self,
        resource_types: list[ResourceType],
        search_request: SearchRequest[Any],
        *,
        position: Any = None,
    ) -> SearchPage:
        """Return one page of the matching resources."""
        names = [cast(str, resource_type.name) for resource_type in resource_types]
        page = self.mirror.search(names, search_request, position)
        return SearchPage(
            total=page.found.total,
            resources=[model_of(r, page.members.get(r.id, ())) for r in page.resources],
            next=page.found.next,
            previous=page.found.previous,
        )

    def create(self, resource_type: ResourceType, resource: Resource[Any]) -> Resource[Any]:
        """Store a new resource."""
        try:
            stored = self.mirror.create(cast(str, resource_type.name), dumped(resource))
        except NameTaken as error:
            raise UniquenessException(detail=str(error)) from error
        return self._model(stored)

    def update(
        self,
        resource_type: ResourceType,
        resource: Resource[Any],
        *,
        expected_version: str | None = None,
    ) -> Resource[Any]:
        """Replace a stored resource."""
        name = cast(str, resource_type.name)
        record, members = without_members(name, dumped(resource))

        def transform(stored: StoredResource) -> Mapping[str, Any]:
            require_version(stored, expected_version)
            return record

        changes = [MemberChange("replace", tuple(members))]
        try:
            stored = found_or_404(
                self.mirror.change, resource_type.name, resource.id, transform, changes
            )
        except NameTaken as error:
            raise UniquenessException(detail=str(error)) from error
        return self._model(stored)

    def delete(
        self,
        resource_type: ResourceType,
        resource_id: str,
        *,
        expected_version: str | None = None,
    ) -> None:
        """Delete a resource."""
        found_or_404(
            self.mirror.delete,
            resource_type.name,
            resource_id,
            lambda stored: require_version(stored, expected_version),
        )

    def _model(self, stored: StoredResource) -> Resource[Any]:
        is_group = stored.resource_type == "Group"
        return model_of(stored, self.mirror.members(stored) if is_group else ())


def found_or_404(act: Callable[..., Any], *arguments: Any) -> Any:
    """Return what a call returns; what is not there is the library's 404."""
    try:
        return act(*arguments)
    except NotThere as error:
        raise NotFoundException(detail=str(error)) from error


def require_version(stored: StoredResource, expected: str | None) -> None:
    """Raise the library's 412 unless the resource has the expected version."""
    if expected is not None and stored.etag != expected:
        raise PreconditionFailedException


def dumped(resource: Resource[Any]) -> dict[str, Any]:
    """Return a model as a record."""
    return resource.model_dump()


def model_of(stored: StoredResource, members: Sequence[tuple[str, str]]) -> Resource[Any]:
    """Return a stored resource as the library's model; references are relative."""
    record = stored.parsed()
    record["id"] = stored.scim_id
    if members:
        record["members"] = [
            {"value": id_, "type": kind, "$ref": f"{kind}s/{id_}"} for kind, id_ in members
        ]
    if stored.groups:
        record["groups"] = [
            {"value": id_, "display": name, "$ref": f"Groups/{id_}"} for id_, name in stored.groups
        ]
    model = TARGETS[stored.resource_type].model
    resource = model.model_validate(record, scim_policy=POLICY)
    resource.meta = Meta(
        resource_type=stored.resource_type,
        created=stored.created_at,
        last_modified=stored.modified_at,
        version=stored.etag,
    )
    return resource
