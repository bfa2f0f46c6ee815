"""Runs migrations on the connection that `bot.database.connection.migrate` hands over."""

from alembic import context

from bot.database.tables import Row

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=Row.metadata,
    render_as_batch=True,
    transaction_per_migration=False,
)
with context.begin_transaction():
    context.run_migrations()
