"""Changes of a policy and, for each, the cases that wait for a decision (影响清单)."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, EntityId, Model, PublicId


class PolicyChange(Model):
    """What happened to a policy after it was issued; the id is a stream's.

    `policy_version_id` is the version it happened to, `new_version_id` the amendment's,
    `replaced_by_id` the policy that takes its place; `lifted_at`: a suspension was ended.
    """

    __tablename__ = "policy_change"

    id: Mapped[EntityId]
    public_id: Mapped[PublicId]
    policy_id: Mapped[Big] = mapped_column(ForeignKey("policy.id"))
    kind: Mapped[str]
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    new_version_id: Mapped[Big | None] = mapped_column(ForeignKey("policy_version.id"))
    replaced_by_id: Mapped[Big | None] = mapped_column(ForeignKey("policy.id"))
    reason: Mapped[str]
    document_no: Mapped[str]
    changed_by: Mapped[Big] = mapped_column(ForeignKey("person.id"))
    changed_at: Mapped[datetime]
    lifted_at: Mapped[datetime | None]

    __table_args__ = (
        CheckConstraint(
            "kind IN ('amended', 'suspended', 'resumed', 'repealed', 'replaced')", name="kind"
        ),
        CheckConstraint(
            "(kind = 'amended') = (new_version_id IS NOT NULL)"
            " AND (kind = 'replaced') = (replaced_by_id IS NOT NULL)",
            name="says_what",
        ),
        CheckConstraint("replaced_by_id <> policy_id", name="other_policy"),
        CheckConstraint("kind = 'suspended' OR lifted_at IS NULL", name="lifted"),
        CheckConstraint("btrim(reason) <> '' AND btrim(document_no) <> ''", name="sourced"),
        UniqueConstraint("new_version_id", name="uq_policy_change_new_version"),
        Index("ix_policy_change_policy", "policy_id", "id"),
    )


class Impact(Model):
    """A case that was not approved when its policy changed; somebody decides what becomes of it.

    `policy_version_id` is what it pinned then; `seq` the event of the case that says the decision.
    """

    __tablename__ = "impact"

    change_id: Mapped[Big] = mapped_column(
        ForeignKey("policy_change.id"), primary_key=True, autoincrement=False
    )
    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    policy_version_id: Mapped[Big] = mapped_column(ForeignKey("policy_version.id"))
    state: Mapped[str]
    decision: Mapped[str | None]
    reason: Mapped[str | None]
    decided_by: Mapped[Big | None] = mapped_column(ForeignKey("person.id"))
    decided_at: Mapped[datetime | None]
    seq: Mapped[int | None]

    __table_args__ = (
        CheckConstraint("decision IN ('keep', 're_evaluate', 'terminate')", name="decision"),
        CheckConstraint(
            "num_nulls(decision, reason, decided_by, decided_at, seq) IN (0, 5)", name="in_full"
        ),
        CheckConstraint("btrim(reason) <> ''", name="reasoned"),
        Index("ix_impact_case", "case_id"),
    )
