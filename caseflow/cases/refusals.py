"""What the database refused, as the asker should hear it, and what is only to be decided anew."""

from collections.abc import Mapping
from typing import Any, Final

from psycopg.errors import IntegrityError, UniqueViolation

from caseflow.funds.awards.queries import already_given
from caseflow.funds.caps.service import refusal_of
from caseflow.kernel.errors import CaseflowError, Conflict, InvalidInput, NotAllowed

MATTERS: Final = "matters"
REQUEST_CONSTRAINT: Final = "uq_event_request"
TAKEN: Final = {"uq_payment_voucher": "该支付凭证号今年已用于另一笔拨付，一号只付一笔"}
"""What a unique key that an act may run into says to people, by its name."""
CLAIM_CONSTRAINT: Final = "uq_award_matter_live"
OTHER_CONSTRAINT: Final = "overlap_decision_other"
RECUSED: Final = frozenset({"duty_recused", "task_recused", "score_recused"})
"""Somebody must keep out of the case (回避) by what only the database looks at: the ties."""
QUOTA_CONSTRAINT: Final = "ck_shortlist_within_quota"
"""The last place went to somebody else meanwhile: decided anew, the case waits (候补)."""
SIBLINGS_CONSTRAINT: Final = "siblings_ordered"
"""Another child of the same commitment was ordered meanwhile: the shares are split anew."""
ANEW: Final = frozenset({REQUEST_CONSTRAINT, QUOTA_CONSTRAINT, SIBLINGS_CONSTRAINT})
ALONE: Final = frozenset({CLAIM_CONSTRAINT, SIBLINGS_CONSTRAINT})
"""Where one case of a set stands in another's way: the set is done one by one."""


def is_decided_anew(error: IntegrityError) -> bool:
    """Return whether somebody was quicker, so that the act is to be decided once more."""
    return error.diag.constraint_name in ANEW


def stand_in_each_others_way(error: IntegrityError) -> bool:
    """Return whether each case of a set may still be done by itself."""
    return error.diag.constraint_name in ALONE


def meaning_of(
    connection: Any, public_id: str, payload: Mapping[str, Any], error: IntegrityError
) -> CaseflowError:
    """Return what the database's refusal of an act with `payload` means to the asker."""
    if error.diag.constraint_name == CLAIM_CONSTRAINT:
        return already_given(connection, public_id, payload.get(MATTERS, ()))
    return refused_by(error)


def refused_by(error: IntegrityError) -> CaseflowError:
    """Return what a refusal of the database means to whoever asked."""
    message, name = error.diag.message_primary, error.diag.constraint_name
    if isinstance(error, UniqueViolation):
        return Conflict(f"数据库拒绝：{TAKEN.get(name or '', message)}")
    if (refusal := refusal_of(error)) is not None:
        return refusal
    if name in RECUSED:
        return NotAllowed(f"{message}。")
    if name == OTHER_CONSTRAINT:
        return InvalidInput(f"{message}。", fields={"other": str(message)})
    return Conflict(f"数据库拒绝：{message}")
