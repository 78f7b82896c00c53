"""A district or park administration may stand as the applicant of an allocation (拨改转)."""

from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

NAME = "ck_organisation_applicant_identifier"
BEFORE = "'enterprise', 'institution', 'association', 'individual'"
CHECK = (
    "kind NOT IN ({kinds}) OR (kind = 'individual' AND uscc IS NULL AND identity_number IS NOT NULL"
    " AND identity_type IS NOT NULL) OR (kind <> 'individual' AND uscc IS NOT NULL)"
)


def upgrade() -> None:
    _replace(f"{BEFORE}, 'government'")


def downgrade() -> None:
    _replace(BEFORE)


def _replace(kinds: str) -> None:
    op.execute(f"ALTER TABLE organisation DROP CONSTRAINT {NAME}")
    op.execute(f"ALTER TABLE organisation ADD CONSTRAINT {NAME} CHECK ({CHECK.format(kinds=kinds)})")
