"""The rows of the bot: who people are to us, their photos, models, orders, and what we owe them.

Knows columns and constraints; knows neither how rows change (the modules beside it) nor where the
database lies (`connection`). All of a person hangs on their row in `people` and goes with it.
"""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    MetaData,
    String,
    TypeDecorator,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

Json = dict[str, Any]


class Moment(TypeDecorator[datetime]):
    """A UTC time that comes back aware, also from SQLite, which forgets zones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        return None if value is None else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Row(DeclarativeBase):
    type_annotation_map = {  # noqa: RUF012
        datetime: Moment,
        float: Float(53),
        Json: JSON(none_as_null=True),
    }
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "fk": "fk_%(table_name)s_%(column_0_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


def _key() -> Mapped[str]:
    return mapped_column(String(64), primary_key=True)


def _of_person() -> Mapped[str]:
    return mapped_column(ForeignKey("people.id", ondelete="CASCADE"), index=True)


class Person(Row):
    """One human. The id is random: nothing outside this database leads from it to a name."""

    __tablename__ = "people"

    id: Mapped[str] = _key()
    locale: Mapped[str] = mapped_column(String(16))
    banned: Mapped[bool] = mapped_column(default=False)
    told_engine_away: Mapped[bool] = mapped_column(default=False)
    trainings_per_day: Mapped[int | None]
    headshots_per_day: Mapped[int | None]
    created_at: Mapped[datetime]


class Account(Row):
    """Where a person talks to us. `address` is the frontend's own: how to write to them."""

    __tablename__ = "accounts"
    __table_args__ = (UniqueConstraint("platform", "platform_user_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = _of_person()
    platform: Mapped[str] = mapped_column(String(16))
    platform_user_id: Mapped[str] = mapped_column(String(64))
    address: Mapped[Json]
    seen_at: Mapped[datetime]


class SessionRow(Row):
    """Where the conversation with a person stands."""

    __tablename__ = "sessions"

    person_id: Mapped[str] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), primary_key=True
    )
    state: Mapped[Json]


class Collection(Row):
    """Photos gathered for one model. At most one of a person is open; trained ones are closed."""

    __tablename__ = "collections"
    # The migration says the same for PostgreSQL; said here, it would load all of its drivers.
    __table_args__ = (
        Index(
            "uq_collections_open",
            "person_id",
            unique=True,
            sqlite_where=text("closed_at IS NULL"),
        ),
    )

    id: Mapped[str] = _key()
    person_id: Mapped[str] = _of_person()
    refreshes: Mapped[str | None] = mapped_column(String(64))
    next_number: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime]
    closed_at: Mapped[datetime | None]


class Photo(Row):
    """One photo as it was sent. Pending until a report or a failure is there.

    Its id names the job that checks it, so it is never given twice.
    """

    __tablename__ = "photos"
    __table_args__ = (
        UniqueConstraint("collection_id", "number"),
        UniqueConstraint("collection_id", "sha256"),
        Index(None, "person_id", "sha256"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    collection_id: Mapped[str] = mapped_column(ForeignKey("collections.id", ondelete="CASCADE"))
    number: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    report: Mapped[Json | None]
    failure: Mapped[str | None] = mapped_column(String(32))
    origin: Mapped[Json | None]
    created_at: Mapped[datetime]


class Model(Row):
    """A person's LoRA, under the id of the order that trains it."""

    __tablename__ = "models"

    id: Mapped[str] = _key()
    person_id: Mapped[str] = _of_person()
    collection_id: Mapped[str | None] = mapped_column(
        ForeignKey("collections.id", ondelete="SET NULL")
    )
    name: Mapped[str] = mapped_column(String(64))
    lora_prefix: Mapped[str]
    status: Mapped[str] = mapped_column(String(16))
    base: Mapped[str] = mapped_column(default="")
    num_photos: Mapped[int]
    likeness: Mapped[float | None]
    chosen: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]


class Order(Row):
    """A job as the bot sees it. The row is the truth; the queue only carries it.

    Orders whose artifacts were deleted stay, emptied, for the day's quota.
    """

    __tablename__ = "orders"
    __table_args__ = (Index(None, "person_id", "kind", "created_at"),)

    id: Mapped[str] = _key()
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("accounts.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(24))
    job: Mapped[Json]
    attempt: Mapped[int] = mapped_column(default=1)
    status: Mapped[str] = mapped_column(String(16), index=True)
    last_sequence: Mapped[int] = mapped_column(default=-1)
    photo_id: Mapped[int | None] = mapped_column(ForeignKey("photos.id", ondelete="CASCADE"))
    collection_id: Mapped[str] = mapped_column(String(64), default="")
    model_id: Mapped[str] = mapped_column(String(64), default="")
    count: Mapped[int] = mapped_column(default=0)
    progress: Mapped[Json | None]
    seconds: Mapped[float | None]
    created_at: Mapped[datetime]
    enqueued_at: Mapped[datetime | None]
    cancel_asked_at: Mapped[datetime | None]
    cancel_sent_at: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class HeadshotRow(Row):
    __tablename__ = "headshots"
    __table_args__ = (UniqueConstraint("order_id", "number"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = _of_person()
    order_id: Mapped[str] = mapped_column(ForeignKey("orders.id", ondelete="CASCADE"))
    number: Mapped[int]
    key: Mapped[str]
    seed: Mapped[str] = mapped_column(String(20))
    likeness: Mapped[float | None]
    created_at: Mapped[datetime]


class Letter(Row):
    """A message that we owe a chat; gone once it is sent. Of a card only the newest waits.

    `person_id` is null for the last words to somebody who had everything erased.
    """

    __tablename__ = "outbox"
    __table_args__ = (Index(None, "status", "chat"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True
    )
    platform: Mapped[str] = mapped_column(String(16))
    chat: Mapped[str] = mapped_column(String(64))
    address: Mapped[Json]
    message: Mapped[Json]
    card: Mapped[str | None] = mapped_column(String(96))
    status: Mapped[str] = mapped_column(String(16), default="waiting")
    problem: Mapped[str | None] = mapped_column(String(64))
    urgent: Mapped[bool] = mapped_column(default=False)
    version: Mapped[int] = mapped_column(default=1)
    num_tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime]
    created_at: Mapped[datetime]


class Card(Row):
    """The platform's message that shows a card, so that a restart still edits it."""

    __tablename__ = "cards"
    __table_args__ = (UniqueConstraint("person_id", "chat", "card"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str] = mapped_column(ForeignKey("people.id", ondelete="CASCADE"))
    chat: Mapped[str] = mapped_column(String(64))
    card: Mapped[str] = mapped_column(String(96))
    ref: Mapped[Json]
    shown: Mapped[str] = mapped_column(String(64))
    sent_at: Mapped[datetime]


class Arrival(Row):
    """What a platform handed over, saved before it is acknowledged; emptied once dealt with.

    The digest outlives the payload for a while: what is handed over twice counts once.
    """

    __tablename__ = "arrivals"
    __table_args__ = (UniqueConstraint("source", "digest"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    source: Mapped[str] = mapped_column(String(64))
    digest: Mapped[str] = mapped_column(String(32))
    payload: Mapped[Json | None]
    came_at: Mapped[datetime] = mapped_column(index=True)


class Errand(Row):
    """Something to do outside the database, until it is done: delete blobs, pack an export.

    `person_id` is null for erasing a person, who is gone from all other tables by then.
    """

    __tablename__ = "errands"

    id: Mapped[int] = mapped_column(primary_key=True)
    person_id: Mapped[str | None] = mapped_column(
        ForeignKey("people.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(16))
    payload: Mapped[Json]
    num_tries: Mapped[int] = mapped_column(default=0)
    next_try_at: Mapped[datetime] = mapped_column(index=True)
    created_at: Mapped[datetime]


class Meta(Row):
    """Facts of the whole installation, such as whether it is paused."""

    __tablename__ = "meta"

    name: Mapped[str] = _key()
    value: Mapped[Json]
