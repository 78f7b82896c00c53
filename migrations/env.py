"""Alembic's environment: the owner's connection comes from caseflow.database.migration."""

from alembic import context

import caseflow.app  # noqa: F401 - every table
from caseflow.database.orm import Model

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=Model.metadata,
    compare_type=True,
    compare_server_default=False,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
