"""YAML with line numbers: values as they are written, and what is wrong, gathered by line.

Knows nothing of reports.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from yaml import MappingNode, Node, SafeLoader, ScalarNode, SequenceNode
from yaml.error import MarkedYAMLError, YAMLError
from yaml.reader import ReaderError

from resources.reporting.errors import ReportError
from resources.reporting.request import split


@dataclass(frozen=True, order=True)
class Problem:
    """Something wrong with a declaration, and in which line of it (the first is 1)."""

    line: int
    text: str


@dataclass
class Reader:
    """A declaration that is being read: what is wrong is gathered, not raised."""

    problems: list[Problem] = field(default_factory=list)

    def root(self, text: str) -> Node | None:
        """The document's only node, or None when there is none to be read."""
        try:
            found: Node | None = SafeLoader(text).get_single_node()
        except (YAMLError, RecursionError) as error:
            self.problems.append(_unreadable(text, error))
            return None
        if found is None:
            self.problems.append(Problem(1, "the file is empty"))
        return found

    def wrong(self, node: Node, text: str) -> None:
        """Notes what is wrong with the node."""
        self.problems.append(Problem(node.start_mark.line + 1, text))

    def text(self, node: Node, what: str) -> str | None:
        """A single value, as it is written: `NO` is Norway and `0044` a prefix."""
        if not isinstance(node, ScalarNode):
            self.wrong(node, f"{what} takes one value")
            return None
        return "" if node.tag.endswith(":null") else str(node.value).strip()

    def each(self, node: Node, what: str) -> list[tuple[Node, str]]:
        """One value or a list of them."""
        nodes = node.value if isinstance(node, SequenceNode) else [node]
        found = [(each, self.text(each, what)) for each in nodes]
        return [(each, text) for each, text in found if text is not None]

    def names(self, node: Node, what: str) -> list[tuple[Node, str]]:
        """Names as a list, or with commas as on the command line."""
        found: list[tuple[Node, str]] = []
        for each, text in self.each(node, what):
            try:
                found += [(each, name) for name in split(text)]
            except ReportError as error:
                self.wrong(each, str(error))
        return found

    def keys(self, node: Node, what: str) -> dict[str, tuple[Node, Node]]:
        """The keys of a mapping with their values; a key that is there twice is wrong."""
        if not isinstance(node, MappingNode):
            self.wrong(node, f"{what} must be lines of the form `name: value`")
            return {}
        found: dict[str, tuple[Node, Node]] = {}
        for key, value in node.value:
            name = self.text(key, what)
            if name is None:
                continue
            if name in found:
                self.wrong(key, f"{name!r} is there twice")
            found[name] = (key, value)
        return found

    def attempt(self, node: Node, what: Callable[[], object]) -> None:
        """Runs what may refuse the value of the node."""
        try:
            what()
        except ReportError as error:
            self.wrong(node, str(error))


def _unreadable(text: str, error: Exception) -> Problem:
    if isinstance(error, MarkedYAMLError) and error.problem_mark is not None:
        words = f"this is no YAML: {error.problem or error.context}"
        if error.context_mark is not None and error.context_mark.line < error.problem_mark.line:
            words += f", in what begins in line {error.context_mark.line + 1}"
        return Problem(error.problem_mark.line + 1, words)
    if isinstance(error, ReaderError):
        line = text.count("\n", 0, error.position) + 1
        code = error.character if isinstance(error.character, int) else ord(error.character)
        return Problem(line, f"character U+{code:04X} may not stand in YAML")
    return Problem(1, "this is no YAML: it is nested too deeply")
