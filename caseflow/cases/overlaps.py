"""就高不重复 on the one road: what a case names, what it meets, what is decided and given."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

from caseflow.catalogue.pinned import MeasureInfo
from caseflow.funds.awards.claims import (
    claims_of,
    decisions_of,
    holder_of,
    matter_of,
)
from caseflow.funds.awards.part import AWARDS, AWARDS_MOVED, DECISIONS, MATTERS, MATTERS_DROPPED
from caseflow.identity.commitments import committing
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.overlap.clashes import (
    PENDING,
    Claim,
    Clash,
    allowed_fen,
    clashes,
    refused_treatment,
    unsettled,
)
from caseflow.kernel.overlap.matters import Matter, matters_of
from caseflow.kernel.workflow.effects import OVERLAP_ALLOWED
from caseflow.kernel.workflow.machine import Move

if TYPE_CHECKING:
    from caseflow.cases.acting import Act, Office
    from caseflow.cases.reading import Reading
    from caseflow.cases.statement import Writes

CHECKED: Final = "check_overlap"
ASKED: Final = ("planned_fen", "reviewed_fen", "audited_fen", "verified_fen", "applied_fen")
"""What a case asks for, as far as it was judged: the last of these that is known."""
BOUNDED: Final = frozenset({"top_up", "cut_base"})
"""Treatments that bound what the case may still be given, so that they need its full amount."""
UNSEEN: Final = frozenset({"different", "keep_other"})
"""What may be decided on a support that shares no key with the case (疑似重复)."""


def claim_of(reading: "Reading", measure: MeasureInfo, holder: str) -> Claim:
    """Return what the case claims, as the rules of overlap see it."""
    asked = [reading.facts[name] for name in ASKED if reading.facts.get(name) is not None]
    return Claim(
        id=reading.public_id,
        root=reading.root_id,
        holder=holder,
        policy=measure.policy,
        measure=measure.code,
        family=measure.family,
        level="city",
        place=measure.city,
        title=reading.title,
        total_fen=reading.approved_fen
        if reading.approved_fen is not None
        else next(iter(asked), None),
        status=PENDING,
        matters=frozenset(map(matter_of, reading.matters or [])),
    )


def clashes_of(reading: "Reading", measure: MeasureInfo) -> list[Clash]:
    """Return where the case meets a standing award or another case, by the keys they share."""
    rows = [*(reading.awarded or []), *(reading.asked or [])]
    if not rows:
        return []
    mine = claim_of(reading, measure, _own_holder(reading))
    return clashes(mine, claims_of(rows), measure.overlap_terms)


def overlap_facts(reading: "Reading", measure: MeasureInfo) -> dict[str, Any]:
    """Return how many clashes wait for a decision, and the most that may be planned."""
    found = clashes_of(reading, measure)
    if not found:
        return {"open_clashes": 0, OVERLAP_ALLOWED: None}
    decided = decisions_of(reading.decided or [])
    return {
        "open_clashes": len(unsettled(found, decided)),
        OVERLAP_ALLOWED: allowed_fen(found, decided),
    }


def seen(act: "Act") -> list[dict[str, Any]]:
    """Return what a check found, for the event: facts by id, so that it can be shown later."""
    return [
        {
            "other": clash.other.id,
            "grade": clash.grade,
            "proposal": clash.proposal,
            "total_fen": clash.other.total_fen,
            "matters": [f"{each.kind}:{each.key}" for each in clash.shared],
        }
        for clash in clashes_of(act.reading, act.measure)
    ]


def _own_holder(reading: "Reading") -> str:
    """Return the key of the applicant as its matters have it; the code where it has one."""
    return str(reading.applicant_uscc or (reading.matters or [{}])[0].get("holder"))


def add_overlap_effects(
    act: "Act", writes: "Writes", seq: int, move: Move, office: "Office"
) -> None:
    """Put the rows of the effects of this feature that `move` has, event number `seq`."""
    for effect in move.step.effects:
        writer = _WRITERS.get(effect)
        if writer:
            writer(act, writes, seq, move, office)


def name_matters(act: "Act", writes: "Writes", seq: int, move: Move, office: "Office") -> None:
    """Put what the case is about; a matter that it names already is refused."""
    known = {(each["kind"], each["key"]) for each in act.reading.matters or []}
    wanted = _read(move.payload)
    again = [each.key for each in wanted if (each.kind, each.key) in known]
    if again:
        raise InvalidInput(f"事项已登记：{'、'.join(again)}。", fields={"matters": "已登记"})
    holder = _holder(act, office)
    writes.add(MATTERS, *(_matter_row(act, seq, each, holder) for each in wanted))


def drop_matters(act: "Act", writes: "Writes", seq: int, move: Move, _office: "Office") -> None:
    """Take back matters that were named by mistake; they stay on record."""
    if act.reading.approved_fen is not None:
        reason = "办件已审定，登记的事项不得再更正"
        raise InvalidInput(f"{reason}。", fields={"matters": reason})
    known = {(each["kind"], each["key"]) for each in act.reading.matters or []}
    for each in _read(move.payload):
        if (each.kind, each.key) not in known:
            raise InvalidInput(f"没有登记事项 {each.key}。", fields={"matters": "未登记"})
        row = {"case_id": act.case_id, "seq": seq, "kind": each.kind, "key": each.key}
        writes.add(MATTERS_DROPPED, row)


def decide_overlap(act: "Act", writes: "Writes", seq: int, move: Move, _office: "Office") -> None:
    """Record how the reviewer settles a clash, with what the case may still be given."""
    given = move.payload
    clash = _clash_with(act, given["other"])
    treatment, entitled = given["treatment"], given.get("entitled_fen")
    reason = _why_not(act, clash, treatment)
    if reason:
        raise InvalidInput(f"不能这样处理：{reason}。", fields={"treatment": reason})
    allowed = _allowed(clash, treatment, entitled) if treatment in BOUNDED else None
    row = _decision(act, seq, given["other"], treatment=treatment, reason=given["reason"])
    writes.add(DECISIONS, {**row, "entitled_fen": entitled, "allowed_fen": allowed})


def choose_award(act: "Act", writes: "Writes", seq: int, move: Move, _office: "Office") -> None:
    """Record which of two equal supports the applicant wants."""
    given = move.payload
    clash = _clash_with(act, given["other"])
    if clash is None or clash.proposal != "applicant_chooses":
        reason = "只有两项金额相等且均未审定的，才由申报主体选择"
        raise InvalidInput(f"{reason}。", fields={"other": reason})
    treatment = "keep_this" if given["chosen"] == "this" else "keep_other"
    reason = given.get("note") or "申报主体选择"
    row = _decision(act, seq, given["other"], treatment=treatment, reason=reason)
    writes.add(DECISIONS, {**row, "entitled_fen": None, "allowed_fen": None})


def add_award(act: "Act", writes: "Writes", office: "Office", event_hash: str) -> None:
    """Put the award of a case that this act approves, and give back one that ends without money."""
    approved = act.decision.facts.get("approved_fen")
    if approved is not None and approved != act.reading.approved_fen:
        writes.add(AWARDS, _award_row(act, office, event_hash))
    ended = act.workflow.states[act.decision.state].end is not None
    if ended and act.reading.approved_fen is not None and not _paid(act.decision.facts):
        writes.add(AWARDS_MOVED, {"case_id": act.case_id, "status": "given_back"})


def _paid(facts: Mapping[str, Any]) -> int:
    return int(facts.get("paid_fen", 0)) + int(facts.get("children_paid_fen", 0))


def _read(payload: Mapping[str, Any]) -> list[Matter]:
    """Return the matters of a payload that came in in their normal form."""
    return matters_of(payload["matters"], str)


def _holder(act: "Act", office: "Office") -> str:
    reading = act.reading
    commit = committing(office.signer)
    return holder_of(reading.applicant_uscc, reading.applicant_identity, commit)


def _matter_row(act: "Act", seq: int, matter: Matter, holder: str) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "seq": seq,
        "kind": matter.kind,
        "key": matter.key,
        "stem": matter.stem,
        "holder": holder,
        "cost_from": matter.cost_from,
        "cost_to": matter.cost_to,
        "items": matter.items,
        "by_id": act.actor_id,
        "at": act.at,
    }


def _clash_with(act: "Act", other: str) -> Clash | None:
    found = clashes_of(act.reading, act.measure)
    return next((clash for clash in found if clash.other.id == other), None)


def _why_not(act: "Act", clash: Clash | None, treatment: str) -> str:
    if clash is not None:
        return refused_treatment(clash, treatment, act.measure.overlap_terms.mode)
    if treatment in UNSEEN:
        return ""
    return "双方没有登记相同的事项；确属同一事项的，先登记事项（name_matters）"


def _allowed(clash: Clash | None, treatment: str, entitled: int | None) -> int:
    """Return what may still be given: the difference, or what the reduced base comes to."""
    if entitled is None:
        reason = "补差或只计不重合部分的，须填写本条款应得金额"
        raise InvalidInput(f"{reason}。", fields={"entitled_fen": reason})
    has = clash.other.total_fen or 0 if clash is not None and treatment == "top_up" else 0
    if entitled <= has:
        reason = f"应得 {entitled} 分不高于已享受的 {has} 分，没有差额可补"
        raise InvalidInput(f"{reason}。", fields={"entitled_fen": reason})
    return entitled - has


def _decision(act: "Act", seq: int, other: str, *, treatment: str, reason: str) -> dict[str, Any]:
    return {
        "case_id": act.case_id,
        "seq": seq,
        "other": other,
        "treatment": treatment,
        "reason": reason,
        "seat": act.seat,
        "by_id": act.actor_id,
        "at": act.at,
    }


def _award_row(act: "Act", office: "Office", event_hash: str) -> dict[str, Any]:
    reading, measure = act.reading, act.measure
    return {
        "public_id": f"a{event_hash[:21]}",
        "case_id": act.case_id,
        "root_id": reading.root_id,
        "parent_id": reading.parent_id,
        "organisation_id": reading.applicant_id,
        "holder": _holder(act, office),
        "holder_title": reading.applicant_title,
        "policy": measure.policy,
        "measure": measure.code,
        "clause": measure.title,
        "family": measure.family,
        "place": measure.city,
        "per_holder": measure.overlap_terms.per_holder,
        "amount_fen": act.decision.facts["approved_fen"],
        "supersedes": _topped_up(act),
        "granted_on": local_date(act.at),
        "by_id": act.actor_id,
        "at": act.at,
    }


def _topped_up(act: "Act") -> str | None:
    """Return the award of the same scope to which this one is the difference."""
    decided = decisions_of(act.reading.decided or [])
    for clash in clashes_of(act.reading, act.measure):
        other = clash.other
        here = (other.level, other.place) == ("city", act.measure.city)
        if here and other.id in decided and decided[other.id].treatment == "top_up":
            return other.id
    return None


_WRITERS: Final = {
    "name_matters": name_matters,
    "drop_matters": drop_matters,
    "decide_overlap": decide_overlap,
    "choose_award": choose_award,
}
