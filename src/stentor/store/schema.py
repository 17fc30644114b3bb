"""Control's tables. How they come to be is in `migrations`; what they mean, in rooms."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
)

METADATA = MetaData()

ROOMS = Table(
    "rooms",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("revision", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("epoch_ms", BigInteger, nullable=False),
    Column("created_ms", BigInteger, nullable=False),
    Column("end_ms", BigInteger),
    Column("listed", Boolean, nullable=False),
    Column("hold", Boolean, nullable=False),
    Column("expected", BigInteger, nullable=False, server_default="0"),
    Column("pinned", JSON, nullable=False),
)

SEATS = Table(
    "seats",
    METADATA,
    Column("id", String(64), primary_key=True),
    Column("room", String(64), ForeignKey("rooms.id", ondelete="CASCADE"), nullable=False),
    Column("place", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("name", String, nullable=False),
    Column("expires_ms", BigInteger, nullable=False),
    Column("muted", Boolean, nullable=False),
    Column("removed", Boolean, nullable=False),
    Column("revoked", Boolean, nullable=False),
    Index("seats_by_room", "room", "place", unique=True),
)

# Who did what to which room, and when. Only ever added to.
ACTS = Table(
    "acts",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("at_ms", BigInteger, nullable=False),
    Column("room", String(64), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("role", String(16), nullable=False),
    Column("seat", String(64)),
    Column("act", JSON, nullable=False),
    Index("acts_by_room", "room", "revision"),
)
