"""The models' SQL, which is DuckDB's, as Spark's; and what of it cannot be carried over.

SQLGlot translates. Here is what it does not know, or what the two engines mean differently by the
same word; and the portable subset of SQL that a model of the night has to keep to. Nothing here
needs Spark.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp

from resources.engine import EngineError

PORTABLE = frozenset(
    """
    And AnyValue Case Cast Chr Coalesce Concat ConcatWs Count DenseRank EndsWith If IsNull Lag
    Length Lower MD5 Max Min Nullif Or RegexpExtract RegexpFullMatch RegexpLike RegexpReplace Right
    Round RowNumber Substring Sum TimeToStr Trim TryCast UnixToTime Upper
    """.split()
)
"""Functions, by SQLGlot's names, that both engines mean the same by, given what is done below."""

_ANONYMOUS = frozenset({"EPOCH_US", "HASH", "TIMEZONE"})
"""Functions that SQLGlot does not know, and that are translated below."""

_INSTEAD: dict[type[exp.Expr] | str, str] = {
    exp.Qualify: "ROW_NUMBER() in a common table expression, and WHERE on it",
    exp.Distinct: "GROUP BY the same columns",
    exp.Lambda: "plain columns",
    exp.Struct: "a column for each field",
    exp.Array: "a row for each element",
    exp.ArrayAgg: "a row for each element",
    exp.Bracket: "SUBSTR, or a row for each element",
    exp.Unnest: "a relation of its own, handed in by the program",
    exp.TableSample: "a WHERE on a column",
    exp.Filter: "SUM(CASE WHEN ... THEN ... END)",
    exp.Pivot: "SUM(CASE WHEN ... THEN ... END) for each column",
    exp.Lateral: "a join",
    exp.ArgMax: "ROW_NUMBER() and WHERE on it",
    exp.ArgMin: "ROW_NUMBER() and WHERE on it",
    exp.Avg: "SUM and COUNT: a mean is a quotient of sums, taken by who reads them",
    exp.Div: "// for whole numbers; a quotient of decimals is for who reads the table",
    exp.ILike: "LOWER(...) LIKE",
    exp.RegexpILike: "LOWER(...) and REGEXP_MATCHES",
    exp.Pow: "the number itself",
    exp.ReadCSV: "a relation, handed in by the program",
    exp.ReadParquet: "a relation, handed in by the program",
    exp.CurrentTimestamp: "a parameter",
    exp.CurrentDate: "a parameter",
    "RANGE": "a relation of numbers, handed in by the program",
    "STRPTIME": "TRY_CAST of a text that REGEXP_FULL_MATCH has judged",
}
_TYPES = {
    exp.DataType.Type.FLOAT: "DECIMAL: a float in a sum is a fault",
    exp.DataType.Type.DOUBLE: "DECIMAL: a float in a sum is a fault",
    exp.DataType.Type.INT128: "DECIMAL(38, 0)",
    exp.DataType.Type.UUID: "VARCHAR",
}

_TIME = {"%Y": "yyyy", "%m": "MM", "%d": "dd", "%H": "HH", "%M": "mm", "%S": "ss", "%g": "SSS"}
"""Parts of a time in STRFTIME and in Spark's words; %g are milliseconds."""

_WHOLE = (exp.DataType.Type.INT, exp.DataType.Type.BIGINT)

# DuckDB's white space in a regular expression; Java's has the vertical tab besides.
_SPACE = r"[\t\n\f\r ]"
# What DuckDB's TRIM takes off when it is not told: every space separator of Unicode, not the blank
# alone.
_SEPARATORS = (
    " \u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u202f\u205f\u3000"
)
# What Java has two small letters for, or another one at the end of a word, and what DuckDB has.
_NOT_LOWERED = ("\u0130\u03a3", "i\u03c3")
# What DuckDB takes for a decimal number. Spark takes digits of any script, but no underscores.
_NUMBER = (
    r"(?d)^[\t\n\x0b\f\r ]*[+-]?([0-9](_?[0-9])*([.]([0-9](_?[0-9])*)?)?|[.][0-9](_?[0-9])*)"
    r"([eE][+-]?[0-9](_?[0-9])*)?[\t\n\x0b\f\r ]*\z"
)
# Regular expressions that RE2 and Java read alike.
_PLAIN_PATTERN = re.compile(
    r"""(?: \\[sd.*+?()/-] | \[\^?[^\[\]\\&^]+\] | \(\?: | [()|?*+.^$]
        | \{\d+(?:,\d*)?\} | [\w\ :/,;<>=@%"'!#-] )*""",
    re.VERBOSE | re.ASCII,
)


class NotPortable(EngineError):
    """A model that Spark cannot run as it stands; the text says where and what to write instead."""


@dataclass(frozen=True)
class Problem:
    """A place in a model that is not portable; `line` from 1."""

    line: int
    what: str
    instead: str

    def __str__(self) -> str:
        return f"line {self.line}: {self.what} is not portable; write {self.instead}"


def spark_sql(text: str, params: Mapping[str, Any]) -> str:
    """One SELECT of DuckDB's as Spark's, with the parameters that it names put in as literals.

    Raises NotPortable, with all that is wrong; ValueError for a parameter that is missing.
    """
    tree = _translated(text).copy()
    for placeholder in list(tree.find_all(exp.Placeholder)):
        if placeholder.name not in params:
            raise ValueError(f"the SQL needs parameters: {placeholder.name}")
        placeholder.replace(_literal(params[placeholder.name]))
    return tree.sql("spark")


def problems(text: str) -> list[Problem]:
    """Everything in a SELECT that Spark would refuse, or might mean something else by."""
    try:
        tree = _parsed(text)
    except sqlglot.ParseError as error:
        where = error.errors[0]
        return [Problem(where.get("line") or 1, where.get("highlight") or "", "plain SQL")]
    return sorted(set(_problems(text, tree)), key=lambda p: (p.line, p.what))


@cache
def _translated(text: str) -> exp.Expr:
    found = problems(text)
    if found:
        raise NotPortable("; ".join(map(str, found)))
    tree = _parsed(text)
    for node in reversed(list(tree.bfs())):  # from the leaves up: what is put in holds what was
        new = _rewritten(node)
        if new is not node:
            node.replace(new)
    return tree


def _parsed(text: str) -> exp.Expr:
    return sqlglot.parse_one(text, read="duckdb")


def _problems(text: str, tree: exp.Expr) -> Iterator[Problem]:
    for node in tree.walk():
        line = _line(text, node)
        kind = type(node)
        if kind in _INSTEAD:
            if not (isinstance(node, exp.Distinct) and isinstance(node.parent, exp.Count)):
                yield Problem(line, _word(text, node), _INSTEAD[kind])
        elif isinstance(node, exp.Anonymous):
            name = node.name.upper()
            if name not in _ANONYMOUS:
                yield Problem(line, name, _INSTEAD.get(name, "a function of PORTABLE"))
        elif isinstance(node, exp.Func) and kind.__name__ not in PORTABLE:
            name = _word(text, node)
            yield Problem(line, name, _INSTEAD.get(name.upper(), "a function of PORTABLE"))
        elif isinstance(node, exp.In) and node.args.get("query") and _negated(node):
            # Spark compares each row with each of them, for fear of a NULL among them.
            yield Problem(line, "NOT IN (SELECT ...)", "a LEFT JOIN, and IS NULL on its key")
        elif isinstance(node, exp.Star) and any(node.args.values()):
            yield Problem(line, "* EXCLUDE / REPLACE", "the columns by name")
        elif isinstance(node, exp.DataType) and node.this in _TYPES:
            yield Problem(line, node.sql("duckdb"), _TYPES[node.this])
        elif isinstance(node, exp.Group) and node.args.get("all"):
            yield Problem(line, "GROUP BY ALL", "the columns by name")
        elif isinstance(node, exp.Join) and node.args.get("method") == "ASOF":
            yield Problem(line, "ASOF JOIN", "a join on equal keys")
        elif isinstance(node, exp.Join) and (node.args.get("using") or node.side == "POSITIONAL"):
            yield Problem(line, "USING", "ON a.key = b.key")
        if isinstance(node, exp.TimeToStr):
            shape = node.args["format"].name
            if any(found not in _TIME for found in re.findall("%.", shape)) or not shape:
                yield Problem(line, f"the format '{shape}'", f"one of {', '.join(_TIME)}")
        if isinstance(node, exp.RegexpFullMatch | exp.RegexpLike | exp.RegexpExtract):
            yield from _pattern_problems(node, node.expression, line)
        if isinstance(node, exp.RegexpReplace):
            yield from _pattern_problems(node, node.expression, line)
            if node.args.get("modifiers") is None or node.args["modifiers"].name != "g":
                yield Problem(line, "REGEXP_REPLACE of the first match", "'g' as its last argument")
            if not isinstance(node.args.get("replacement"), exp.Literal) or re.search(
                r"[\\$]", node.args["replacement"].name
            ):
                yield Problem(line, "REGEXP_REPLACE by a group", "a plain text to put in")


def _pattern_problems(node: exp.Expr, pattern: Any, line: int) -> Iterator[Problem]:
    if not isinstance(pattern, exp.Literal) or not pattern.is_string:
        yield Problem(line, f"{node.sql_name()} by a column", "the pattern as a text")  # type: ignore[attr-defined]
    elif not _PLAIN_PATTERN.fullmatch(pattern.name):
        yield Problem(
            line, f"the pattern '{pattern.name}'", r"one of \d, \s, [...], (...), |, ?, *, +, {n}"
        )


def _negated(node: exp.Expr) -> bool:
    above = node.parent
    while isinstance(above, exp.Paren):
        above = above.parent
    return isinstance(above, exp.Not)


def _line(text: str, node: exp.Expr) -> int:
    """The line of a node, or of what is nearest to it and knows where it stands."""
    near: exp.Expr | None = node
    while near is not None:
        starts = [n.meta["start"] for n in near.walk() if "start" in n.meta]
        if starts:
            return text.count("\n", 0, min(starts)) + 1
        near = near.parent
    return 1


def _word(text: str, node: exp.Expr) -> str:
    """What the model itself calls a function, where SQLGlot has noted it."""
    found = re.match(r"\w+", text[node.meta["start"] :]) if "start" in node.meta else None
    if found:
        return found[0]
    return node.sql_name() if isinstance(node, exp.Func) else node.key.upper()


def _rewritten(node: exp.Expr) -> exp.Expr:
    """What SQLGlot leaves as it is, or the engines mean differently by one word."""
    match node:
        case exp.RegexpFullMatch():
            pattern = _pattern(f"^(?:{node.expression.name})$")
            return exp.RegexpLike(this=node.this.copy(), expression=pattern)
        case exp.RegexpLike() | exp.RegexpExtract() | exp.RegexpReplace():
            node.set("expression", _pattern(node.expression.name))
        case exp.Trim() if node.expression is None:
            node.set("expression", exp.Literal.string(_SEPARATORS))
        case exp.Lower():
            plain = [node.this.copy(), *map(exp.Literal.string, _NOT_LOWERED)]
            node.set("this", exp.Anonymous(this="TRANSLATE", expressions=plain))
        case exp.Upper():
            return _upper(node)
        case exp.CTE() if node.args.get("materialized") is not None:
            node.set("materialized", None)
        case exp.TimeToStr():
            shape = re.sub("%.", lambda found: _TIME[found[0]], node.args["format"].name)
            shown = [node.this.copy(), exp.Literal.string(shape)]
            return exp.Anonymous(this="DATE_FORMAT", expressions=shown)
        case exp.UnixToTime():  # a time without zone, as MAKE_TIMESTAMP gives
            return _cast(node.copy(), "TIMESTAMP")
        case exp.TryCast() if node.to.this in (exp.DataType.Type.DECIMAL, *_WHOLE):
            return _number(node)
        case exp.Anonymous():
            return _function(node)
    return node


def _upper(node: exp.Upper) -> exp.Expr:
    """Capitals letter by letter, as in DuckDB: Java makes two of one that has none, `SS` of `ß`.

    A text with such a letter stays as it is: DuckDB leaves that letter, and so makes no plain word
    of it either.
    """
    text = node.this
    same = exp.EQ(this=exp.Length(this=node.copy()), expression=exp.Length(this=text.copy()))
    return exp.case().when(same, node.copy()).else_(text.copy())


def _number(node: exp.TryCast) -> exp.Expr:
    """A number out of a text, as DuckDB reads it."""
    text = node.this
    plain = exp.func("REPLACE", text.copy(), exp.Literal.string("_"), exp.Literal.string(""))
    to = node.to.copy()
    if to.this in _WHOLE:  # DuckDB rounds what has places
        number = exp.TryCast(this=plain, to=exp.DataType.build("DECIMAL(38, 10)"), safe=True)
        found: exp.Expr = exp.TryCast(this=exp.func("ROUND", number, 0), to=to, safe=True)
    else:
        found = exp.TryCast(this=plain, to=to, safe=True)
    is_one = exp.RegexpLike(this=text.copy(), expression=exp.Literal.string(_NUMBER))
    return exp.case().when(is_one, found)


def _function(node: exp.Anonymous) -> exp.Expr:
    arguments = node.expressions
    match node.name.upper():
        case "EPOCH_US":
            return exp.Anonymous(this="UNIX_MICROS", expressions=arguments)
        case "HASH":  # another hash, but none leaves the engine
            return exp.Anonymous(this="XXHASH64", expressions=arguments)
        case "TIMEZONE":
            return _timezone(node)
    return node


def _timezone(node: exp.Anonymous) -> exp.Expr:
    """TIMEZONE(zone, time): of a time without zone the instant; of an instant the local time.

    Which of the two it is, the nesting says: in a model the innermost time is one without zone.
    """
    zone, time = (part.copy() for part in node.expressions)
    if time.meta.get(_INSTANT):
        local = exp.Anonymous(this="FROM_UTC_TIMESTAMP", expressions=[time, zone])
        return _cast(local, "TIMESTAMP")
    # As if it were UTC, which is the session's zone.
    as_utc = _cast(time, "TIMESTAMPTZ")
    found: exp.Expr = exp.Anonymous(this="TO_UTC_TIMESTAMP", expressions=[as_utc, zone])
    if not (isinstance(zone, exp.Literal) and zone.name == "UTC"):
        found = _later(found, as_utc, zone)
    found.meta[_INSTANT] = True
    return found


_INSTANT = "instant"


def _later(instant: exp.Expr, local: exp.Expr, zone: exp.Expr) -> exp.Expr:
    """Of a local time that there is twice the later instant, as in DuckDB; Spark has the earlier.

    Clocks are put back by an hour, in few places by half of one or by two.
    """
    found = exp.case()
    for minutes in (60, 30, 120):
        step = exp.Interval(this=exp.Literal.string(str(minutes)), unit=exp.var("MINUTE"))
        later = exp.Add(this=instant.copy(), expression=step)
        again = exp.Anonymous(this="FROM_UTC_TIMESTAMP", expressions=[later, zone.copy()])
        found = found.when(exp.EQ(this=again, expression=local.copy()), later.copy())
    return found.else_(instant)


def _pattern(pattern: str) -> exp.Expr:
    """A pattern of RE2 in Java's words: only a line feed ends a line, and $ is the text's end."""
    found = re.sub(r"\\s", lambda _: _SPACE, pattern)
    found = re.sub(r"(?<!\\)\$$", r"\\z", found)
    return exp.Literal.string(f"(?d){found}")


def _cast(value: exp.Expr, to: str) -> exp.Expr:
    return exp.cast(value, to, dialect="duckdb")


def _literal(value: Any) -> exp.Expr:
    match value:
        case None:
            return exp.Null()
        case bool():
            return exp.Boolean(this=value)
        case int():
            return exp.Literal.number(value)
        case datetime():
            text = value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            return _cast(exp.Literal.string(f"{text}+00:00"), "TIMESTAMPTZ")
        case date():
            return _cast(exp.Literal.string(str(value)), "DATE")
        case str():
            return exp.Literal.string(value)
    raise ValueError(f"a parameter of type {type(value).__name__} has no literal: {value!r}")
