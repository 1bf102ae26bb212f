"""The database: tables, queries and migrations. SQLAlchemy is used nowhere else."""

from tigertag.store.database import Db, Store

__all__ = ["Db", "Store"]
