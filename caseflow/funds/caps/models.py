"""A beneficiary's ceilings and which case takes how much of each."""

from sqlalchemy import CheckConstraint, ForeignKey, Index
from sqlalchemy.orm import Mapped, mapped_column

from caseflow.database.orm import Big, Fen, Model


class Cap(Model):
    """A ceiling of one beneficiary (上限); NULL is no limit. Its row is the beneficiary's lock.

    What is used is counted by trigger from the uses, by nothing else. `measure_id` is NULL where
    the ceiling is of a whole policy, `root_id` is set where one project's cases own it. Where it is
    `freed_by_recovery`, a receipt of a recovery gives back what the paid case took, by trigger.
    Of an enterprise that went on as another (承继) `passed_fen` and `passed_times` are what the
    same ceiling of its successor, `heir_key`, counts as its own, as far as that had room; by
    trigger too.
    """

    __tablename__ = "cap"

    key: Mapped[str] = mapped_column(primary_key=True)
    scope: Mapped[str]
    organisation_id: Mapped[Big] = mapped_column(ForeignKey("organisation.id"))
    measure_id: Mapped[Big | None] = mapped_column(ForeignKey("measure.id"))
    root_id: Mapped[Big | None] = mapped_column(ForeignKey("case.id"))
    title: Mapped[str]
    words: Mapped[str]
    limit_fen: Mapped[Fen | None]
    limit_times: Mapped[int | None]
    freed_by_recovery: Mapped[bool] = mapped_column(server_default="false")
    used_fen: Mapped[Fen] = mapped_column(server_default="0")
    used_times: Mapped[int] = mapped_column(server_default="0")
    heir_key: Mapped[str | None] = mapped_column(ForeignKey("cap.key"))
    passed_fen: Mapped[Fen] = mapped_column(server_default="0")
    passed_times: Mapped[int] = mapped_column(server_default="0")

    __table_args__ = (
        CheckConstraint(
            "scope IN ('object', 'project_year', 'enterprise_clause_year',"
            " 'enterprise_policy_year', 'project_life', 'enterprise_clause_life', 'promise')",
            name="scope",
        ),
        CheckConstraint("used_fen >= 0 AND used_times >= 0", name="not_negative"),
        CheckConstraint("used_fen <= limit_fen", name="fen_within_limit"),
        CheckConstraint("used_times <= limit_times", name="times_within_limit"),
        CheckConstraint("passed_fen >= 0 AND passed_times >= 0 AND heir_key <> key", name="passed"),
        Index("ix_cap_heir_key", "heir_key", postgresql_where="heir_key IS NOT NULL"),
        Index(
            "ix_cap_beneficiary",
            "organisation_id",
            "measure_id",
            postgresql_where="root_id IS NULL",
        ),
        Index("ix_cap_root", "root_id", postgresql_where="root_id IS NOT NULL"),
    )


class CapUse(Model):
    """What a case takes of a ceiling: reserved by its plan, final once approved, or given back."""

    __tablename__ = "cap_use"

    case_id: Mapped[Big] = mapped_column(
        ForeignKey("case.id"), primary_key=True, autoincrement=False
    )
    cap_key: Mapped[str] = mapped_column(ForeignKey("cap.key"), primary_key=True)
    fen: Mapped[Fen]
    times: Mapped[int]
    state: Mapped[str]

    __table_args__ = (
        CheckConstraint("state IN ('reserved', 'final', 'released')", name="state"),
        CheckConstraint(
            "CASE WHEN state = 'released' THEN fen = 0 AND times = 0"
            " ELSE fen > 0 AND times = 1 END",
            name="taken",
        ),
        Index("ix_cap_use_cap_key", "cap_key", postgresql_where="state <> 'released'"),
    )
