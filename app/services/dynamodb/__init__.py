"""DynamoDB: tables and their settings; items; queries and scans; batches; transactions.

`expressions` is the expression language, `planning` what is worked out before the handlers run.
"""

from app.services.dynamodb import batches, items, reads, settings, table_updates, tables, tagging, transactions

__all__ = ["batches", "items", "reads", "settings", "table_updates", "tables", "tagging", "transactions"]
