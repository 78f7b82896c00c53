"""What can be done with money outside a case: budgets, the fiscal split, accounts to pay to."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from psycopg.errors import IntegrityError as DriverIntegrityError
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from caseflow.catalogue.models import Measure, Policy, PolicyVersion
from caseflow.database.ids import PublicIds
from caseflow.funds.ledger import Posting, post
from caseflow.funds.models import BankAccount, BudgetLine, FiscalSplit
from caseflow.history import service as history
from caseflow.history.part import Draft, Place, Signer
from caseflow.identity import queries as identity
from caseflow.identity.models import Assignment, Organisation
from caseflow.identity.queries import valid_at
from caseflow.kernel.errors import Conflict, InvalidInput, NotAllowed, NotFound, RequestReused
from caseflow.kernel.ledger import SOURCE
from caseflow.kernel.money import MOST_FEN
from caseflow.kernel.shares import CITY, SHARES, Share, is_open

FINANCE_ROLES: Final[dict[str, str]] = {"city": "finance_division", "district": "district_finance"}
"""Who answers for the budget of a share: 市财政业务科室, 属地财政."""
CONFIRMING_ROLE: Final = "treasury"
TREASURY_NAMES: Final = {
    "finance_division": "市财政业务科室", "district_finance": "属地财政", "treasury": "国库支付",
}  # fmt: skip
FIRST_YEAR, LAST_YEAR = 2000, 2999


@dataclass(frozen=True)
class Hand:
    """Who acts, when, with which key the event is signed; `request_id` is done once."""

    by: int
    at: datetime
    signer: Signer
    request_id: str | None = None
    place: Place | None = None


@dataclass(frozen=True)
class Appropriation:
    """Money put into a budget line (下达预算): of a policy, or of one measure of it, for one year.

    `territory` is the place whose treasury pays: the city for its share, the district for its own.
    """

    policy: str
    year: int
    share: Share
    territory: str
    fen: int
    document_no: str
    measure: str | None = None
    title: str | None = None
    functional_subject: str | None = None
    economic_subject: str | None = None


def appropriate(
    session: Session, wanted: Appropriation, hand: Hand, *, ids: PublicIds
) -> BudgetLine:
    """Put money into a line, which is opened the first time; returns the line.

    Raises:
        InvalidInput: no such share, year or amount. NotFound: policy, measure or territory.
        NotAllowed: the actor is not of the treasury that bears this share.
    """
    _check(wanted)
    policy = _policy(session, wanted.policy)
    measure = _measure(session, policy, wanted.measure)
    place = identity.territory(session, wanted.territory)
    hand = _seated(session, hand, FINANCE_ROLES[wanted.share], place.id)
    line = _line(session, policy, measure, wanted, territory_id=place.id, ids=ids)
    posting = Posting(line.id, line.share, SOURCE, "available", wanted.fen)
    payload = {"fen": wanted.fen, "document_no": wanted.document_no}
    _record(session, line, "funds_appropriated", payload, [posting], hand)
    return line


def withdraw(
    session: Session, line_id: int, *, fen: int, document_no: str, hand: Hand
) -> BudgetLine:
    """Take back from a line what nobody has reserved yet (调减预算).

    Raises:
        Conflict: less is available. NotAllowed: the actor is not of the treasury that bears it.
    """
    line, hand = _line_of(session, line_id, hand)
    _check_sum(fen, document_no)
    posting = Posting(line.id, line.share, "available", SOURCE, fen)
    payload = {"fen": fen, "document_no": document_no}
    _record(session, line, "funds_withdrawn", payload, [posting], hand)
    return line


def carry_over(
    session: Session, line_id: int, *, fen: int, document_no: str, hand: Hand, ids: PublicIds
) -> BudgetLine:
    """Move what is available of a line to the same line of the next year (结转); returns that one.

    What is reserved, committed or released stays on its own year's line and is paid from there.

    Raises:
        Conflict: less is available. NotAllowed: the actor is not of the treasury that bears it.
    """
    line, hand = _line_of(session, line_id, hand)
    _check_sum(fen, document_no)
    following = _next_year(session, line, ids)
    payload = {"fen": fen, "document_no": document_no, "to_year": following.year}
    back = Posting(line.id, line.share, "available", SOURCE, fen)
    _record(session, line, "funds_carried_over", payload, [back], hand)
    forth = Posting(following.id, following.share, SOURCE, "available", fen)
    payload = {"fen": fen, "document_no": document_no, "from_year": line.year}
    other = replace(hand, request_id=None)
    _record(session, following, "funds_brought_forward", payload, [forth], other)
    return following


def register_account(
    session: Session, organisation_id: int, *, holder: str, bank: str, number: str, hand: Hand
) -> BankAccount:
    """Register where an organisation is paid from now on; the one before becomes history.

    The account must bear the organisation's own name (户名与单位名称一致，手册§5.12).

    Raises:
        InvalidInput: another name, or a number that is none. NotAllowed: not one of its people.
    """
    body = session.get_one(Organisation, organisation_id, with_for_update={"key_share": True})
    _refuse_strangers(session, body, hand)
    _check_account(body, holder=holder, bank=bank, number=number)
    current = select(BankAccount).where(
        BankAccount.organisation_id == organisation_id, BankAccount.until.is_(None)
    )
    known = session.scalars(current).one_or_none()
    if known is not None and (known.number, known.bank) == (number, bank):
        return known
    session.execute(
        update(BankAccount)
        .where(BankAccount.organisation_id == organisation_id, BankAccount.until.is_(None))
        .values(until=hand.at)
    )
    account = BankAccount(
        organisation_id=organisation_id,
        number=number,
        since=hand.at,
        holder=holder,
        bank=bank,
        registered_by=hand.by,
    )
    session.add(account)
    _append(
        session, organisation_id, "account_registered", {"bank": bank, "ends": number[-4:]}, hand
    )
    return account


def enter_split(
    session: Session,
    *,
    policy: str,
    territory: str,
    city_percent: Decimal,
    valid_from: date,
    basis: str,
    hand: Hand,
) -> FiscalSplit:
    """Enter what the city bears in a place where the text leaves it open; it holds once confirmed.

    Open is what refers to 现行财政体制, or says nothing: then the city bears all until something is
    entered. It counts from `valid_from` on, for cases that have taken no money before.

    Raises:
        NotAllowed: the actor is not of the city's treasury. InvalidInput: no percentage, no basis,
            or the text itself says who bears what.
    """
    found = _policy(session, policy)
    _refuse_settled(session, found)
    city = identity.territory(session, found.city)
    hand = _seated(session, hand, FINANCE_ROLES[CITY], city.id)
    if not 0 <= city_percent <= 100 or not basis.strip():  # noqa: PLR2004 - a percentage
        raise InvalidInput(
            "市级承担比例须在 0 与 100 之间，并写明依据。",
            fields={"city_percent": str(city_percent)},
        )
    row = FiscalSplit(
        policy_id=found.id,
        territory_id=identity.territory(session, territory).id,
        city_percent=city_percent,
        valid_from=valid_from,
        basis=basis,
        entered_by=hand.by,
        entered_at=hand.at,
    )
    session.add(row)
    session.flush()
    payload = {
        "city_percent": str(city_percent),
        "valid_from": valid_from.isoformat(),
        "basis": basis,
    }
    _append(session, row.id, "split_entered", payload, hand)
    return row


def _refuse_settled(session: Session, policy: Policy) -> None:
    """Refuse to enter what the document itself has settled."""
    query = select(PolicyVersion.definition["split"]).where(
        PolicyVersion.policy_id == policy.id, PolicyVersion.current
    )
    split = session.scalars(query).one_or_none()
    if not is_open(split):
        why = {"policy": "文件已写明"}
        raise InvalidInput(f"{policy.code} 已写明市、区如何分担，不另录入分担比例。", fields=why)


def confirm_split(session: Session, split_id: int, hand: Hand) -> FiscalSplit:
    """Confirm a fiscal split that another person entered; from then on cases use it.

    Raises:
        NotFound: there is none. NotAllowed: the one who entered it, or not of the city's treasury.
    """
    row = session.get(FiscalSplit, split_id, with_for_update=True)
    if row is None:
        raise NotFound(f"没有财政分担比例 {split_id}。")
    city = identity.territory(session, session.get_one(Policy, row.policy_id).city)
    hand = _seated(session, hand, CONFIRMING_ROLE, city.id)
    if row.entered_by == hand.by:
        raise NotAllowed("财政分担比例须由录入人以外的第二人复核。")
    if row.confirmed_at is None:
        row.confirmed_by, row.confirmed_at = hand.by, hand.at
        _append(session, row.id, "split_confirmed", {}, hand)
    return row


def _check(wanted: Appropriation) -> None:
    _check_sum(wanted.fen, wanted.document_no)
    if wanted.share not in SHARES:
        raise InvalidInput("承担方须为 city 或 district。", fields={"share": str(wanted.share)})
    if not FIRST_YEAR <= wanted.year <= LAST_YEAR:
        raise InvalidInput("预算年度有误。", fields={"year": str(wanted.year)})


def _check_sum(fen: int, document_no: str) -> None:
    if type(fen) is not int or not 0 < fen <= MOST_FEN:
        raise InvalidInput(
            f"金额须为大于零的整数（分），不是 {fen!r:.30}。", fields={"fen": "大于零的整数"}
        )
    if not document_no.strip():
        raise InvalidInput("须写明预算指标文号。", fields={"document_no": "必填"})


def _check_account(body: Organisation, *, holder: str, bank: str, number: str) -> None:
    fields = {}
    if holder != body.title:
        fields["holder"] = f"户名须与单位名称“{body.title}”一致"
    if not (number.isascii() and number.isdigit() and 6 <= len(number) <= 32):  # noqa: PLR2004
        fields["number"] = "账号须为 6 至 32 位数字"
    if not bank.strip():
        fields["bank"] = "须写明开户行"
    if fields:
        raise InvalidInput(f"收款账户有误：{'；'.join(fields.values())}。", fields=fields)


def _policy(session: Session, code: str) -> Policy:
    found = session.scalars(select(Policy).where(Policy.code == code)).one_or_none()
    if found is None:
        raise NotFound(f"没有政策 {code!r}。")
    return found


def _measure(session: Session, policy: Policy, code: str | None) -> Measure | None:
    if code is None:
        return None
    query = select(Measure).where(Measure.code == code, Measure.policy_id == policy.id)
    found = session.scalars(query).one_or_none()
    if found is None:
        raise NotFound(f"政策 {policy.code} 没有措施 {code!r}。")
    return found


def _line(
    session: Session,
    policy: Policy,
    measure: Measure | None,
    wanted: Appropriation,
    *,
    territory_id: int,
    ids: PublicIds,
) -> BudgetLine:
    key = {
        "policy_id": policy.id,
        "measure_id": measure.id if measure else None,
        "year": wanted.year,
        "share": wanted.share,
        "territory_id": territory_id,
    }
    title = wanted.title or f"{measure.code if measure else policy.code}专项资金"
    subjects = {
        "functional_subject": wanted.functional_subject,
        "economic_subject": wanted.economic_subject,
    }
    return _open(session, key, ids, title=title, **subjects)


def _open(session: Session, key: dict[str, Any], ids: PublicIds, **said: Any) -> BudgetLine:
    """Return the line of this key, made when it is new; two at once make one."""
    session.execute(select(func.pg_advisory_xact_lock(key["policy_id"])))
    conditions = [getattr(BudgetLine, name).is_not_distinct_from(v) for name, v in key.items()]
    known = session.scalars(select(BudgetLine).where(*conditions)).one_or_none()
    if known is not None:
        return known
    line = BudgetLine(**key, **said, public_id=ids.new())
    session.add(line)
    session.flush()
    return line


def _next_year(session: Session, line: BudgetLine, ids: PublicIds) -> BudgetLine:
    names = ("policy_id", "measure_id", "share", "territory_id")
    key = {name: getattr(line, name) for name in names} | {"year": line.year + 1}
    said = {n: getattr(line, n) for n in ("title", "functional_subject", "economic_subject")}
    return _open(session, key, ids, **said)


def _line_of(session: Session, line_id: int, hand: Hand) -> tuple[BudgetLine, Hand]:
    line = session.get(BudgetLine, line_id)
    if line is None:
        raise NotFound(f"没有预算项目 {line_id}。")
    return line, _seated(session, hand, FINANCE_ROLES[line.share], line.territory_id)


def _seated(session: Session, hand: Hand, role: str, territory_id: int) -> Hand:
    """Return the hand in this seat of a place's treasury; refuse whoever does not sit there."""
    query = (
        select(Assignment.organisation_id)
        .join(Organisation, Organisation.id == Assignment.organisation_id)
        .where(
            Assignment.person_id == hand.by,
            Assignment.role == role,
            Organisation.territory_id == territory_id,
            valid_at(hand.at),
        )
    )
    found = session.scalars(query.limit(1)).first()
    if found is None:
        raise NotAllowed(f"此事由该地的{TREASURY_NAMES[role]}办理，您不在该席位。")
    return replace(hand, place=Place(found, role))


def _refuse_strangers(session: Session, body: Organisation, hand: Hand) -> None:
    query = select(Assignment.id).where(
        Assignment.person_id == hand.by,
        Assignment.organisation_id == body.id,
        valid_at(hand.at),
    )
    if session.scalars(query.limit(1)).first() is None:
        raise NotAllowed(f"收款账户只能由“{body.title}”自己的人员登记。")


def _record(
    session: Session,
    line: BudgetLine,
    name: str,
    payload: dict[str, Any],
    postings: Sequence[Posting],
    hand: Hand,
) -> None:
    seq = _append(session, line.id, name, payload, hand)
    try:
        post(session, postings, stream=line.id, seq=seq, at=hand.at)
    except IntegrityError as error:
        cause = error.orig
        assert isinstance(cause, DriverIntegrityError)
        raise Conflict(f"数据库拒绝：{cause.diag.message_primary}") from error


def _append(session: Session, stream: int, name: str, payload: dict[str, Any], hand: Hand) -> int:
    draft = Draft(name, hand.by, hand.at, payload, request_id=hand.request_id)
    try:
        return history.append_draft(
            session, draft.seated(hand.place), stream=stream, signer=hand.signer
        )
    except IntegrityError as error:
        if hand.request_id is None:
            raise
        raise RequestReused(f"请求号 {hand.request_id!r} 已经办理过，未再办理。") from error
