"""Spark as the second engine of the night; imported only when the settings ask for it.

`dialect` has the models' SQL, which is DuckDB's, as Spark's, and what of it cannot be carried over;
`cluster` the connection: what Spark must be told for results to be the same, plain errors; `engine`
relations, models and Parquet files over that connection.
"""

from resources.engine import EngineError


def missing(error: ImportError) -> EngineError:
    """What to say when a package of the extra `spark` is not there."""
    return EngineError(
        f"CDR_REPORTS_ENGINE=spark needs PySpark ({error}): `make setup EXTRAS=spark`"
    )
