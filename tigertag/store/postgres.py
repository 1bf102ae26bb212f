"""Connections to PostgreSQL that notice when the other side can no longer be reached.

Where a network drops packets without a word, TCP alone waits for a quarter of an hour: a worker
would hang for so long, and the rows that its transaction has locked would stay locked on the
server. The limits here are far below a chunk's lease together with the time that others need to
take it over.
"""

from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, text
from sqlalchemy.engine import URL

CLIENT = {
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 10_000,
}
"""libpq's parameters, in seconds, and milliseconds; they do nothing for a Unix socket."""

SERVER = {
    # What a worker has locked that cannot be reached is free before its leases have run out.
    "idle_in_transaction_session_timeout": "5s",
    # As long as SQLite waits.
    "lock_timeout": "30s",
    "tcp_keepalives_idle": "5",
    "tcp_keepalives_interval": "2",
    "tcp_keepalives_count": "3",
    "tcp_user_timeout": "10s",
}
_IF_UNSET = """
SELECT set_config(name, %s, false) FROM pg_settings WHERE name = %s AND source = 'default'
"""


def engine(url: URL, pool: dict[str, Any]) -> Engine:
    """What DB_URL or the server's configuration says otherwise is left as it is."""
    limits = {name: value for name, value in CLIENT.items() if name not in url.query}
    made = create_engine(url, pool_pre_ping=True, connect_args=limits, **pool)

    @event.listens_for(made, "connect")
    def _limit(connection: Any, _record: Any) -> None:
        if not connection.info.host.startswith("/"):
            with connection.cursor() as cursor:
                cursor.executemany(_IF_UNSET, [(value, name) for name, value in SERVER.items()])
            connection.commit()

    return made


def without_limits(connection: Connection) -> None:
    """Let this transaction take its time, between statements and for locks, such as a backup.

    On SQLite it may anyhow.
    """
    if connection.dialect.name != "postgresql":
        return
    for name in ("idle_in_transaction_session_timeout", "lock_timeout"):
        connection.execute(text(f"SET LOCAL {name} = 0"))
