"""Control's database: SQLite in WAL mode, synced at every commit, brought up to date at start.

One connection, which its owner uses from one thread at a time. Nothing here knows what a room is.
"""

import sqlite3
from pathlib import Path
from typing import Any

import structlog
from alembic import command
from alembic.config import Config
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DatabaseError
from sqlalchemy.pool import StaticPool

from stentor.base.errors import ConfigurationError, StentorError

BUSY_MS = 5_000
_FULL_CODES = {sqlite3.SQLITE_FULL}


class StorageFull(StentorError):
    """There is no room left on the disk; nothing was stored."""


class StorageFailed(StentorError):
    """The disk or the database refused; nothing was stored."""


def storage_error(error: DatabaseError | OSError) -> StentorError:
    """Return what went wrong with the disk, as far as it matters to a caller."""
    if isinstance(error, OSError):
        full = error.errno in (28, 122, 27)  # ENOSPC, EDQUOT, EFBIG
        reason = error.strerror or str(error)
    else:
        original = error.orig
        full = getattr(original, "sqlite_errorcode", None) in _FULL_CODES
        reason = str(original)
    if full:
        return StorageFull(f"There is no room left on the disk ({reason}).")
    return StorageFailed(f"The disk refuses ({reason}).")


def open_database(path: Path) -> Engine:
    """Open or make the database and run what migrations it lacks; raises ConfigurationError."""
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=StaticPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_MS / 1000},
    )
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        _migrate(engine)
    except (DatabaseError, OSError) as error:
        engine.dispose()
        reason = error.orig if isinstance(error, DatabaseError) else error.strerror
        raise ConfigurationError(f"The database {path} cannot be used: {reason}.") from None
    except CommandError as error:
        engine.dispose()
        structlog.get_logger().debug("migration refused", why=str(error))
        raise ConfigurationError(
            f"The database {path} was made by another version of Stentor ({error})."
        ) from None
    return engine


def _set_up(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # we begin ourselves, so that DDL is in the transaction too
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        f"busy_timeout={BUSY_MS}",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _migrate(engine: Engine) -> None:
    config = Config()
    config.set_main_option("script_location", "stentor.store:migrations")
    config.set_main_option("path_separator", "os")
    with engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        connection.commit()
