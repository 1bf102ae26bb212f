"""Alembic's entry: the program hands over its store, the plain commands read DB_URL."""

from logging.config import fileConfig

from alembic import context

from tigertag.settings import load
from tigertag.store.database import Db, Store
from tigertag.store.schema import metadata


def run(store: Store) -> None:
    with store.migration() as db:
        run_in(db)


def run_in(db: Db) -> None:
    context.configure(
        connection=db,
        target_metadata=metadata,
        render_as_batch=True,
        compare_type=True,
        transaction_per_migration=False,
    )
    with context.begin_transaction():
        context.run_migrations()


def run_offline(url: str) -> None:
    context.configure(url=url, target_metadata=metadata, literal_binds=True, render_as_batch=True)
    with context.begin_transaction():
        context.run_migrations()


store = context.config.attributes.get("store")
transaction = context.config.attributes.get("transaction")
if store is None and context.config.config_file_name:
    fileConfig(context.config.config_file_name, disable_existing_loggers=False)
if context.is_offline_mode():
    run_offline(load().db_url)
elif transaction is not None:
    run_in(transaction)
else:
    run(store or Store(load().db_url))
