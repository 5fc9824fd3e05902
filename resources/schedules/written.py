"""Reads schedules out of YAML: what somebody wrote, or a refusal that says where.

YAML has traps. `17:30` is 1050 in it, as `730` is 12:10 then, `0101` is 65, and of a key that is
there twice one counts. Here numbers and dates are the text that was written, and such a key is
refused.
"""

from __future__ import annotations

from typing import IO, Any

from yaml import MappingNode, SafeLoader, YAMLError
from yaml.constructor import ConstructorError

_KEPT = ("bool", "merge", "null")


class WrittenError(ValueError):
    """A text that holds no schedules; what is wrong with it."""


class _Loader(SafeLoader):
    """Texts, truth values, lists and mappings; nothing else."""

    def construct_mapping(self, node: MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [key.value for key, _ in node.value if isinstance(key.value, str)]
        for key, _ in node.value:
            if keys.count(key.value) > 1 and key.value != "<<":
                raise ConstructorError(
                    "while reading a mapping", node.start_mark,
                    f"{key.value!r} is there twice", key.start_mark,
                )  # fmt: skip
        return super().construct_mapping(node, deep)


_Loader.yaml_implicit_resolvers = {
    first: [(tag, form) for tag, form in found if tag.rpartition(":")[2] in _KEPT]
    for first, found in SafeLoader.yaml_implicit_resolvers.items()
}


def read(file: IO[str]) -> list[dict[str, Any]]:
    """The entries of the list under `schedules:`, judged by nobody yet. Raises WrittenError."""
    try:
        found = _Loader(file).get_single_data()
    except RecursionError:
        raise WrittenError("no YAML: it is nested too deeply") from None
    except (YAMLError, ValueError) as error:  # a ValueError is what is not UTF-8
        raise WrittenError(f"no YAML: {error}") from None
    entries = found.get("schedules") if isinstance(found, dict) else None
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise WrittenError(
            "no list of schedules: one under `schedules:` is wanted, as `schedules export` "
            "writes it"
        )
    return entries
