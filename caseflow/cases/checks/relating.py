"""关联方核查: the applicant against whom it bought from, by the register of ties (手册§5.5).

Counterparties are the codes that the contracts of the case and of its parents name (事项
`合同号@统一社会信用代码`). Two days count: that of the matter and today. Where the register does
not know enough there is no answer, so that nothing has passed: somebody looks it up and records it
by hand.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final

import orjson
from sqlalchemy import select
from sqlalchemy.orm import Session

from caseflow.cases.reading import Reading
from caseflow.cases.service import Cases
from caseflow.funds.awards.claims import holder_of
from caseflow.funds.awards.models import CaseMatter
from caseflow.identity.commitments import committing
from caseflow.identity.models import Organisation
from caseflow.identity.ties.queries import Register, path_words, proof_data, register_on
from caseflow.kernel.calendar import local_date
from caseflow.kernel.checks import FLAG, PASS, VETO
from caseflow.kernel.errors import Unavailable
from caseflow.kernel.ties import GRADES, Relation, percent_words
from caseflow.reviews.checks.sources import Answer

REGISTER: Final = "本平台关联关系登记"
RELATED_PARTY: Final = "related_party"
MATTER_ON: Final = "matter_on"
RESULTS: Final = {"related": VETO, "small": FLAG, "unrelated": PASS}
ORDER: Final = tuple(RESULTS)
"""The gravest grade first."""
MOST_TOLD: Final = 500
JSON: Final = "application/json"


@dataclass(frozen=True)
class _Found:
    """How the applicant stood to one counterparty on one day, by which register."""

    party: str
    on: date
    relation: Relation
    register: Register

    @property
    def words(self) -> str:
        """Return what was found as a person reads it."""
        path = path_words(self.register.proof(self.relation))
        return f"与 {self.party}（{self.on}）：{self.relation.words}。{path}".strip("。")

    def data(self) -> dict[str, Any]:
        """Return what was found as evidence has it, every tie with its source."""
        share = self.relation.share
        return {
            "party": self.party, "on": self.on.isoformat(), "grade": self.relation.grade,
            "reason": self.relation.reason,
            "share": None if share is None else percent_words(share),
            "path": [proof_data(row) for row in self.register.proof(self.relation)],
        }  # fmt: skip


def related_party(session: Session, cases: Cases, reading: Reading, at: datetime) -> Answer:
    """Return what the register says of a case: related vetoes, a small holding is told.

    Raises:
        Unavailable: no contract names a counterparty, or owners of a party are not registered.
    """
    applicant = session.get_one(Organisation, reading.applicant_id)
    commit = committing(cases.office.signer)
    mine = holder_of(applicant.uscc, applicant.identity_number, commit)
    parties = counterparties(session, reading)
    if not parties:
        raise Unavailable(
            "办件的事项没有写明相对方的合同，无从比对：请以 合同号@统一社会信用代码 登记事项，"
            "或取得核查结果后人工登记"
        )
    found, missing = _compared(session, mine, parties, days=_days(reading, at), at=at)
    worst = min(found, key=lambda each: ORDER.index(each.relation.grade))
    if missing and worst.relation.grade != "related":
        hint = f"；已知：{worst.words}" if worst.relation.grade == "small" else ""
        raise Unavailable(
            f"关联关系登记中没有 {'、'.join(missing)} 的股东或实际控制人（或登记的股份不足），"
            f"不能认定为非关联：请补充登记，或取得核查结果后人工登记{hint}"
        )
    told = {
        "kind": RELATED_PARTY, "case": reading.public_id, "applicant": mine,
        "found": [each.data() for each in found], "missing": missing,
        "result": RESULTS[worst.relation.grade],
    }  # fmt: skip
    note = f"{GRADES[worst.relation.grade]}：与 {len(parties)} 个相对方比对"
    if worst.relation.grade != "unrelated":
        note = worst.words
    snapshot = orjson.dumps(told, option=orjson.OPT_SORT_KEYS)
    return Answer(RESULTS[worst.relation.grade], note[:MOST_TOLD], snapshot, JSON)


def counterparties(session: Session, reading: Reading) -> list[str]:
    """Return the codes of the other sides of the contracts that a case and its parents name."""
    family = {reading.id, reading.parent_id, reading.root_id} - {None}
    query = select(CaseMatter.key).where(
        CaseMatter.case_id.in_(family), CaseMatter.kind == "contract",
        CaseMatter.dropped_seq.is_(None), CaseMatter.key.contains("@"),
    )  # fmt: skip
    return sorted({key.rpartition("@")[2] for key in session.scalars(query)})


def _days(reading: Reading, at: datetime) -> list[date]:
    """Return the days to look at: of the matter, as far as it is known and past, and today."""
    told = reading.facts.get(MATTER_ON)
    matter_on = date.fromisoformat(told) if told else reading.matter_on
    today = local_date(at)
    return sorted({today, min(matter_on or today, today)})


def _compared(
    session: Session, mine: str, parties: Iterable[str], *, days: Iterable[date], at: datetime
) -> tuple[list[_Found], list[str]]:
    found: list[_Found] = []
    missing: dict[str, None] = {}
    for day in days:
        register = register_on(session, {mine, *parties}, day, at)
        for party in parties:
            found.append(_Found(party, day, register.relation(mine, party), register))
            missing |= _unknown(register, (mine, party))
    return found, list(missing)


def _unknown(register: Register, codes: Iterable[str]) -> Mapping[str, None]:
    return dict.fromkeys(gap for code in codes for gap in register.missing(code))
