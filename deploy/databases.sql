-- Run by the image of PostgreSQL when its volume is new, in the ledger's database `cdr_reports`,
-- which it has made: the second database, of Dagster's runs, ticks and events. Two databases, for
-- both keep the version of their tables in a table `alembic_version`.
CREATE DATABASE dagster OWNER cdr_reports;
