"""What was taken in, which days are stale, what was built: one small SQL database.

SQLite by default, PostgreSQL in production. Nothing analytic: rows of calls never come here.
"""

from resources.ledger.days import Days, StaleDay
from resources.ledger.files import FileAccount, FileRecord, Files, FileStatus
from resources.ledger.schema import open_ledger

__all__ = ["Days", "FileAccount", "FileRecord", "FileStatus", "Files", "StaleDay", "open_ledger"]
