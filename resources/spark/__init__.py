"""Spark as the second engine of the night; imported only when the settings ask for it.

`dialect` has the models' SQL, which is DuckDB's, as Spark's, and what of it cannot be carried over;
`cluster` the connection: what Spark must be told for results to be the same, plain errors; `engine`
relations, models and Parquet files over that connection.
"""
