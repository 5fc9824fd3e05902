"""What was taken in, built and sent, and what is owed: one small SQL database.

SQLite by default, PostgreSQL in production. Nothing analytic: rows of calls never come here.
"""

from resources.ledger.alerts import Alerts
from resources.ledger.days import Days, StaleDay
from resources.ledger.deliveries import Deliveries
from resources.ledger.file import FileAccount, FileRecord, FileStatus
from resources.ledger.files import Files
from resources.ledger.schedules import Schedules
from resources.ledger.schema import NewerLedger, migrate_ledger, open_ledger
from resources.ledger.users import Users

__all__ = [
    "Alerts",
    "Days",
    "Deliveries",
    "FileAccount",
    "FileRecord",
    "FileStatus",
    "Files",
    "NewerLedger",
    "Schedules",
    "StaleDay",
    "Users",
    "migrate_ledger",
    "open_ledger",
]
