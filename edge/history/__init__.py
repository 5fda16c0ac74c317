"""The history: what was read, told, ordered and seen, kept for longer than Kafka keeps it.

Readings lie in Parquet files (`shelf`, `rows`, `levels`), read by DuckDB (`query`); alerts, commands, deliveries,
limits and the audit lie in a chained ledger (`chain`, `sqlite_ledger`, `postgres_ledger`). `process` writes both.
"""
