"""The transformations: one SELECT a file, `sql/<layer>/<table>.sql`, read from where the code is.

Nothing but SQL and this reader lives here; what runs the SQL is `resources.engine`.
"""

import re
from functools import cache
from importlib.resources import files


@cache
def text(name: str) -> str:
    """The SQL of model `layer/table`. Raises FileNotFoundError when there is none."""
    return files(__name__).joinpath(f"{name}.sql").read_text(encoding="utf-8")


def names(layer: str) -> list[str]:
    """The models of a layer, in order."""
    found = (path.name for path in files(__name__).joinpath(layer).iterdir())
    return sorted(f"{layer}/{name[:-4]}" for name in found if name.endswith(".sql"))


def columns(name: str) -> dict[str, str]:
    """Column name → its comment (`... AS name, -- what it is`), in the model's last SELECT list."""
    found = {}
    for line in text(name).splitlines():
        match = re.match(r".*?(\w+)\s*,?\s*--\s*(.+)$", line)
        if match and not line.lstrip().startswith("--"):
            found[match[1]] = match[2].strip()
    return found
