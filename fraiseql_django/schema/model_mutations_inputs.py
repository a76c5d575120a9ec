"""Fields → input types: classes as ``@fraiseql.input`` makes them of annotations."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Optional

from ..errors import DeclarationError
from .declare_mutations import input_
from .model_mutations import Fields, Link
from .naming import pascal_case
from .registry import ID, UNSET

Members = Mapping[str, tuple[Any, bool]]
_NONE: Members = {}


def make_input(name: str, members: Members, description: str) -> type:
    """Make an input type; each member has an annotation, and whether clients must give it.

    What they need not give is UNSET where they do not, and may be null, which the mutation judges. An input that
    two mutations have in common is one type.
    """
    return _make(name, tuple(members.items()), description)


@lru_cache(maxsize=4096)
def _make(name: str, members: tuple[tuple[str, tuple[Any, bool]], ...], description: str) -> type:
    required = {key: annotation for key, (annotation, needed) in members if needed}
    # None is told from absent; typing's spelling takes what is no class
    optional = {key: Optional[annotation] for key, (annotation, needed) in members if not needed}  # noqa: UP045
    namespace = {"__annotations__": {**required, **optional}, "__doc__": description, **dict.fromkeys(optional, UNSET)}
    return input_(type(name, (), namespace))


def fields_input(
    name: str, fields: Fields, description: str, *, before: Members = _NONE, required: frozenset[str] = frozenset()
) -> type:
    """Make the input type of an object's fields; ``before`` stand first, ``required`` must be given in any case."""
    stem = name.removesuffix("Input")
    members: dict[str, tuple[Any, bool]] = dict(before)
    for value in fields.values.values():
        members[value.name] = (value.annotation, value.required or value.name in required)
    for link in fields.links.values():
        members[link.name] = (_taken(stem, link), link.required or link.name in required)
    if len(set(fields.keys.values())) < len(fields.keys):
        raise DeclarationError(f"{name} has two fields of one name in GraphQL; leave one out")
    return make_input(name, members, description)


def _taken(stem: str, link: Link) -> Any:
    if link.ways is None:
        return list[ID] if link.many else ID
    name = f"{stem}{pascal_case(link.name)}"
    made: Any = None
    if link.create is not None:
        made = fields_input(f"{name}CreateInput", link.create, f"A new {link.model._meta.verbose_name}.")
    members: dict[str, tuple[Any, bool]] = {}
    if "connect" in link.ways:
        members["connect"] = (list[ID] if link.many else ID, False)
    if made is not None:
        members["create"] = (list[made] if link.many else made, False)
    if "disconnect" in link.ways:
        members["disconnect"] = (list[ID] if link.many else bool, False)
    if "set" in link.ways:
        members["set"] = (list[ID], False)
    said = "What becomes of the list." if link.many else f"Exactly one of: {', '.join(members)}."
    return make_input(f"{name}Input", members, said)


def given(values: Any) -> dict[str, Any]:
    """Return what a client wrote of an input, by Python name."""
    found = {item.name: getattr(values, item.name) for item in dataclasses.fields(values)}
    return {name: value for name, value in found.items() if value is not UNSET}
