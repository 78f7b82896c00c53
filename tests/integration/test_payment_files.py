"""The file for the treasury and its answer: paid once, returned, put right, paid; 4:6 exactly."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import psycopg
import pytest

from caseflow.batches.payment_answers import AnswerReport, import_answers, try_answers
from caseflow.batches.payment_files import payment_report, treasury_file
from caseflow.cases.payments import (
    PAYING_STATES,
    STATUSES,
    OrderKey,
    PaymentFilter,
    payment_list,
)
from caseflow.database.access import Database
from caseflow.funds.service import register_account
from caseflow.identity.queries import Actor, actor_by_login
from caseflow.kernel.calendar import local_date
from caseflow.kernel.errors import InvalidInput, NotAllowed
from caseflow.rehearsal.openings import booking, open_booked
from tests.factories.sheets import filled_in, opened
from tests.integration.five_cities import Land, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.walking import together, visit

pytestmark = pytest.mark.soak

MEASURE, ALONE = "NT26-2b", "QD26-8c"
FEN, CITY, DISTRICT = 100_01, 40_00, 60_01
HEADINGS = [
    "序号", "指标文号", "预算年度", "批次", "收款单位", "开户行", "账号(末四位)", "项目编号",
    "条款", "审定金额", "市级承担(40%)", "区级承担(60%)", "本期应拨", "累计已拨", "尾款",
    "功能科目", "经济科目", "支付日期", "支付凭证号", "支付状态(已付/退票/暂停)", "备注",
    "拨付单号", "抵扣前金额", "抵扣金额",
]  # fmt: skip
ANSWER = "拨付单号,支付日期,支付凭证号,支付状态,备注"
PAID_RAW = (
    "UPDATE payment SET status = 'paid', paid_at = %s, voucher_no = 'U-1' WHERE share = 'city'"
    ' AND case_id = (SELECT id FROM "case" WHERE public_id = %s)'
)
PAID_ON = "status = 'paid', voucher_no = 'X', paid_at = ordered_at, paid_on ="
TREASURY, DISTRICT_FINANCE = "finance.treasury", "district.finance"


@dataclass
class Bank:
    """A land with the two treasuries of a case, by what they do."""

    land: Land

    def actor(self, case: str, seat: str) -> Actor:
        person = self.land.person(case, seat)
        login = self.land.value("SELECT login FROM person WHERE id = %s", person)
        with self.land.house.database.session() as session:
            return actor_by_login(session, login, self.land.now)

    def file(self, actor: Actor, share: str | None) -> bytes:
        signer = self.land.house.cases.office.signer
        wanted = PaymentFilter(share=share)
        with self.land.house.database.session() as session:
            return treasury_file(session, actor, wanted, self.land.now, signer=signer).content

    def bring(self, actor: Actor, content: bytes | str, name: str = "answer.xlsx") -> AnswerReport:
        if isinstance(content, str):
            content, name = f"{ANSWER}\n{content}".encode(), "answer.csv"
        return import_answers(self.land.house.cases, actor, content, self.land.now, name=name)

    def key(self, case: str, share: str = "city", instalment: int = 1) -> str:
        number = self.land.value('SELECT number FROM "case" WHERE public_id = %s', case)
        return str(OrderKey(number, instalment, share))

    def today(self) -> str:
        return local_date(self.land.now).isoformat()

    def paid(self, voucher: str) -> dict[str, Any]:
        return {"支付日期": local_date(self.land.now), "支付凭证号": voucher, "支付状态": "已付"}

    def row(self, case: str, voucher: str, status: str = "已付", remark: str = "") -> str:
        return f"{self.key(case)},{self.today()},{voucher},{status},{remark}"


@pytest.fixture(scope="module")
def kept(server, everything_template) -> Iterator[Database]:
    yield from keep(server, everything_template)


@pytest.fixture(scope="module")
def founded(kept, tmp_path_factory, pytestconfig) -> Land:
    return found_land(kept, tmp_path_factory.mktemp("land"), [MEASURE, ALONE], pytestconfig)


@pytest.fixture
def bank(founded) -> Iterator[Bank]:
    for land in visit(founded):
        land.now = max(land.now, land.swept)
        yield Bank(land)


def keys_of(content: bytes) -> list[str]:
    return [row["拨付单号"] for row in opened(content)[1]]


def account_in(content: bytes, key: str) -> str:
    return next(row["账号"] for row in opened(content)[1] if row["拨付单号"] == key)


def results(report: AnswerReport) -> list[str]:
    return [row.result for row in report.rows]


def test_both_shares_are_paid_by_file_and_a_returned_one_goes_to_the_new_account(  # noqa: PLR0915
    bank: Bank,
):
    land = bank.land
    case = land.reached("disbursing", MEASURE, **amounts(FEN))
    city, district = (bank.actor(case, seat) for seat in (TREASURY, DISTRICT_FINANCE))
    mine, theirs = bank.key(case), bank.key(case, "district")
    exported = bank.file(city, "city")
    answer = filled_in(exported, {mine: bank.paid("通支-1")})

    first = results(bank.bring(city, answer))
    again = results(bank.bring(city, answer))

    assert mine in keys_of(exported)
    assert theirs not in keys_of(exported)
    assert (first, again) == (["paid"], ["repeated"])
    assert land.payments(case) == [(CITY, "paid"), (DISTRICT, "ordered")]
    assert land.paid(case) == CITY

    asked = bank.file(district, "district")
    back = filled_in(asked, {theirs: {"支付状态": "退票", "备注": "账户已注销"}})
    land.now += timedelta(hours=1)
    returned = results(bank.bring(district, back))
    waiting = keys_of(bank.file(district, "district"))

    assert returned == ["returned"]
    assert land.state(case) == "account_correction"
    assert theirs not in waiting

    renew(land, case, "6200999988887777")
    land.act(case, "correct_account", note="已更正")
    renewed = bank.file(district, "district")
    stale = results(bank.bring(district, back))
    done = results(bank.bring(district, filled_in(renewed, {theirs: bank.paid("崇支-1")})))

    assert account_in(asked, theirs) != account_in(renewed, theirs) == "6200999988887777"
    assert (stale, done) == (["repeated"], ["paid"])
    assert land.payments(case) == [(CITY, "paid"), (DISTRICT, "paid")]
    assert (land.outcome(case), land.paid(case)) == ("disbursed", FEN)
    assert land.events(case).count("approve") == land.events(case).count("release") == 1


def renew(land: Land, case: str, number: str) -> None:
    """Let the applicant's own person register another account."""
    firm, title = land.sql(
        'SELECT o.id, o.title FROM organisation o JOIN "case" c ON c.applicant_id = o.id'
        " WHERE c.public_id = %s",
        case,
    )[0]
    person = land.person(case, "applicant")
    hand = land.house.hand(land.now)
    with land.house.database.session() as session:
        register_account(
            session, firm, holder=title, bank="示例银行", number=number,
            hand=type(hand)(person, hand.at, hand.signer),
        )  # fmt: skip


def test_a_report_has_the_columns_of_the_handbook_and_no_whole_account(bank: Bank):
    case = paying(bank)
    wanted = PaymentFilter(case=case)

    with bank.land.house.database.session() as session:
        made = payment_report(session, bank.actor(case, "auditor"), wanted, bank.land.now)
    about, rows = opened(made.content)

    assert list(rows[0]) == HEADINGS
    assert [row["序号"] for row in rows] == [1, 2]
    assert [(float(row["本期应拨"]), row["支付状态(已付/退票/暂停)"]) for row in rows] == [
        (40.0, None), (60.01, None),
    ]  # fmt: skip
    assert float(rows[0]["审定金额"]) == 100.01
    assert (float(rows[0]["市级承担(40%)"]), float(rows[0]["区级承担(60%)"])) == (40.0, 60.01)
    assert (rows[0]["累计已拨"], rows[0]["尾款"], rows[0]["预算年度"]) == (0, 0, 2026)
    assert {row["账号(末四位)"][:4] for row in rows} == {"****"}
    assert about["单位"] == "元"
    assert about["总行数"] == "2"
    assert len(about["校验码"]) == 64
    assert str(local_date(bank.land.now)) in about["期间"]


def test_a_name_that_looks_like_a_formula_is_a_text(bank: Bank):
    case = named(bank.land, '=HYPERLINK("http://evil.example")')
    bank.land.walk(case, "disbursing", **amounts(FEN))

    (row,) = [
        each for each in opened(bank.file(bank.actor(case, TREASURY), "city"))[1]
        if each["拨付单号"] == bank.key(case)
    ]  # fmt: skip

    assert row["收款单位"] == '\'=HYPERLINK("http://evil.example")'


def named(land: Land, title: str) -> str:
    """Open a case of an applicant of this name."""
    from caseflow.catalogue import queries as catalogue

    with land.house.database.session() as session:
        loaded = catalogue.measure(session, ALONE)
        who = land.register(session, kind="enterprise", territory="huilong", title=title)
        booked = booking(loaded, who, land.calls[ALONE])
    return open_booked(land.player, booked, land.now).case


@pytest.mark.parametrize(
    "seat", ["applicant", "lead_bureau.handler", "finance.division", "auditor"]
)
@pytest.mark.parametrize("share", ["city", "district"])
def test_whole_accounts_are_for_who_pays_the_share(bank: Bank, seat: str, share: str):
    case = paying(bank)

    with pytest.raises(NotAllowed, match="席位"):
        bank.file(bank.actor(case, seat), share)


_paying: dict[int, str] = {}


def paying(bank: Bank) -> str:
    """Return a case that waits for the city's treasury, the same for all who only look."""
    known = _paying.get(id(bank.land))
    if known is None:
        known = _paying[id(bank.land)] = bank.land.reached("disbursing", MEASURE, **amounts(FEN))
    return known


def test_the_treasury_of_a_share_gets_neither_the_other_nor_all(bank: Bank):
    case = paying(bank)

    with pytest.raises(NotAllowed, match="属地财政"):
        bank.file(bank.actor(case, TREASURY), "district")
    with pytest.raises(InvalidInput, match="share"):
        bank.file(bank.actor(case, TREASURY), None)


def test_each_file_with_whole_accounts_is_an_event_of_the_treasury(bank: Bank):
    case = paying(bank)
    actor = bank.actor(case, TREASURY)
    query = (
        'SELECT e.actor_id, e.payload FROM event e JOIN "case" c'
        " ON e.stream = (c.parties->>'finance')::bigint"
        " WHERE c.public_id = %s AND e.name = 'payments_exported' ORDER BY e.seq"
    )
    before = len(bank.land.sql(query, case))

    bank.file(actor, "city")

    events = bank.land.sql(query, case)
    assert len(events) == before + 1
    person, payload = events[-1]
    assert person == actor.id
    assert bank.key(case) in payload["orders"]
    assert (payload["share"], len(payload["sha256"])) == ("city", 64)


def test_what_is_held_is_not_in_the_treasurys_file(bank: Bank):
    case = paying(bank)
    bank.land.ask(case, "place_hold", "auditor", hold_kind="audit_hold", basis="审计疑点")

    keys = [row["拨付单号"] for row in opened(bank.file(bank.actor(case, TREASURY), "city"))[1]]
    held = listed(bank, case, "held")
    with bank.land.house.database.session() as session:
        actor = bank.actor(case, "auditor")
        made = payment_report(session, actor, PaymentFilter(case=case), bank.land.now)
    bank.land.ask(case, "lift_hold", "auditor", hold_kind="audit_hold", basis="疑点排除")

    assert bank.key(case) not in keys
    assert len(held) == 2
    assert {row["支付状态(已付/退票/暂停)"] for row in opened(made.content)[1]} == {"暂停"}
    assert listed(bank, case, "held") == []


def listed(bank: Bank, case: str, status: str | None = None, seat: str = "auditor") -> list[Any]:
    actor = bank.actor(case, seat)
    with bank.land.house.database.session() as session:
        wanted = PaymentFilter(case=case, status=status)
        return list(payment_list(session, actor, wanted, bank.land.now).items)


@pytest.mark.soak
def test_orders_are_listed_by_how_they_stand_and_seen_by_those_of_the_case(bank: Bank):
    case = paying(bank)

    found = {status: [line.share for line in listed(bank, case, status)] for status in STATUSES}

    assert found == {
        "waiting": ["district", "city"], "payable": ["city"], "held": [], "paid": [],
        "returned": [],
    }  # fmt: skip
    assert len(listed(bank, case, seat="applicant")) == 2
    assert all(line.account.startswith("*") for line in listed(bank, case, seat=TREASURY))
    other = bank.land.open(ALONE)
    assert listed(bank, case, seat="applicant") != []
    actor = bank.actor(other, "applicant")
    with bank.land.house.database.session() as session:
        assert payment_list(session, actor, PaymentFilter(case=case), bank.land.now).items == ()
        with pytest.raises(InvalidInput, match="status"):
            payment_list(session, actor, PaymentFilter(status="lost"), bank.land.now)


def test_a_list_goes_on_after_the_last_order(bank: Bank):
    case = paying(bank)
    actor = bank.actor(case, "auditor")
    wanted = PaymentFilter(policy="nantong-2026", measure=MEASURE, territory=None)

    with bank.land.house.database.session() as session:
        whole = payment_list(session, actor, wanted, bank.land.now, limit=200)
        first = payment_list(session, actor, wanted, bank.land.now, limit=1)
        second = payment_list(session, actor, wanted, bank.land.now, limit=1, after=first.next)
        with pytest.raises(InvalidInput, match="after"):
            payment_list(session, actor, wanted, bank.land.now, after="NT26-0/1/city")

    assert [line.key for line in (*first.items, *second.items)] == [
        line.key for line in whole.items[:2]
    ]
    assert whole.next is None


def test_a_trial_says_the_same_and_writes_nothing(bank: Bank):
    case = bank.land.reached("disbursing", MEASURE, **amounts(FEN))
    content = f"{ANSWER}\n{bank.row(case, 'T-1')}\n{bank.row(case, '', '退票')}".encode()
    actor = bank.actor(case, TREASURY)

    tried = try_answers(bank.land.house.cases, actor, content, bank.land.now, name="a.csv")
    before = bank.land.payments(case)
    done = bank.bring(actor, content, "a.csv")

    assert (tried.dry_run, done.dry_run) == (True, False)
    assert results(tried) == results(done) == ["paid", "refused"]
    assert dict(tried.counts) == {"paid": 1, "refused": 1}
    assert before == [(CITY, "ordered"), (DISTRICT, "ordered")]


def test_a_refused_row_leaves_the_others_alone(bank: Bank):
    land = bank.land
    cases = [land.reached("disbursing", MEASURE, **amounts(FEN)) for _ in range(2)]
    held = cases[0]
    land.ask(held, "place_hold", "auditor", hold_kind="audit_hold", basis="审计疑点")
    rows = [bank.row(each, f"R-{n}") for n, each in enumerate(cases)]

    report = bank.bring(bank.actor(held, TREASURY), "\n".join(rows))

    assert results(report) == ["refused", "paid"]
    assert "暂停" in report.rows[0].message
    assert [land.paid(each) for each in cases] == [0, CITY]
    land.ask(held, "lift_hold", "auditor", hold_kind="audit_hold", basis="疑点排除")


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("{key},{today},V,已收,", "已付或退票"),
        ("{key},,V,已付,", "须有支付日期"),
        ("{key},{today},,已付,", "须有支付日期"),
        ("{key},{today},V,退票,", "写明原因"),
        ("{key},{tomorrow},V,已付,", "今日"),
        ("{key},2026-01-05,V,已付,", "下达日"),
        ("{key},2026-02-30,V,已付,", "2026-11-20"),
        ("{key},soon,V,已付,", "2026-11-20"),
        ("{long},{today},V,已付,", "没有拨付单"),
        ("NT26-0-2026-000001/1/city,{today},V,已付,", "没有办件"),
        ("{key}/x,{today},V,已付,", "拨付单号"),
        ("{key},{today}," + "9" * 65 + ",已付,", "至多 64"),
        ("{district},{today},V,已付,", "不能办理"),
    ],
)
def test_a_row_that_cannot_be_done_says_why(bank: Bank, row: str, words: str):
    case = paying(bank)
    said = row.format(
        key=bank.key(case),
        long=bank.key(case, instalment=9),
        district=bank.key(case, "district"),
        today=bank.today(),
        tomorrow=local_date(bank.land.now + timedelta(days=1)),
    )

    report = bank.bring(bank.actor(case, TREASURY), said)

    assert results(report) == ["refused"]
    assert words in report.rows[0].message
    assert bank.land.payments(case) == [(CITY, "ordered"), (DISTRICT, "ordered")]


def test_rows_without_an_answer_are_left(bank: Bank):
    case = paying(bank)

    report = bank.bring(
        bank.actor(case, TREASURY), f"{bank.key(case)},,,,\n{bank.key(case)},,,暂停,"
    )

    assert results(report) == ["skipped", "skipped"]


@pytest.mark.parametrize(
    "seat", ["applicant", "lead_bureau.handler", "finance.division", "auditor"]
)
def test_who_is_not_the_treasury_confirms_nothing(bank: Bank, seat: str):
    case = paying(bank)

    report = bank.bring(bank.actor(case, seat), bank.row(case, "V-1"))

    assert results(report) == ["refused"]
    assert "国库支付" in report.rows[0].message


def test_what_was_paid_by_hand_is_known_and_another_voucher_is_refused(bank: Bank):
    case = bank.land.reached("disbursing", MEASURE, **amounts(FEN))
    bank.land.act(case, "confirm_payment", voucher_no="H-1")
    treasury = bank.actor(case, TREASURY)

    same = bank.bring(treasury, bank.row(case, "H-1"))
    other = bank.bring(treasury, bank.row(case, "H-2"))

    assert results(same) == ["repeated"]
    assert results(other) == ["refused"]
    assert "付讫" in other.rows[0].message
    assert bank.land.paid(case) == CITY


@pytest.mark.soak
def test_two_clerks_who_bring_one_file_at_once_pay_once(bank: Bank):
    cases = [bank.land.reached("disbursing", MEASURE, **amounts(FEN)) for _ in range(2)]
    for case in cases:
        bank.land.check(case)
    treasury = bank.actor(cases[0], TREASURY)
    rows = "\n".join(bank.row(case, f"W-{n}") for n, case in enumerate(cases))

    reports = together(*[lambda: bank.bring(treasury, rows)] * 2)

    assert all(isinstance(report, AnswerReport) for report in reports)
    for pair in zip(*(report.rows for report in reports), strict=True):
        said = sorted(row.result for row in pair)
        assert said in (["paid", "paid"], ["paid", "repeated"], ["paid", "refused"])
    assert [bank.land.paid(case) for case in cases] == [CITY] * 2
    assert [bank.land.events(case).count("confirm_payment") for case in cases] == [1] * 2


def test_a_voucher_number_pays_one_order_of_a_share_and_year(bank: Bank):
    land = bank.land
    first, second = (land.reached("disbursing", MEASURE, **amounts(FEN)) for _ in range(2))
    treasury = bank.actor(first, TREASURY)

    report = bank.bring(treasury, "\n".join(bank.row(each, "U-1") for each in (first, second)))
    with pytest.raises(Exception, match="一号只付一笔"):
        land.ask(second, "confirm_payment", TREASURY, voucher_no="U-1")

    assert results(report) == ["paid", "refused"]
    assert "U-1" in report.rows[1].message
    for url in (land.house.database.address.url, land.house.database.address.owner_url):
        with (
            psycopg.connect(url.replace("+psycopg", "")) as connection,
            pytest.raises(psycopg.errors.UniqueViolation, match="uq_payment_voucher"),
        ):
            connection.execute(PAID_RAW, (land.now, second))


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("payer_id = payee_id", "append-only|refused|permission|change"),
        (f"{PAID_ON} '2020-01-01'", "paid_in_time"),
        (f"{PAID_ON} '2099-01-01'", "paid_in_time"),
    ],
)
def test_an_order_keeps_its_payer_and_is_paid_on_a_day_between(bank: Bank, statement, words):
    paying(bank)
    url = bank.land.house.database.address.owner_url.replace("+psycopg", "")

    with psycopg.connect(url) as connection, pytest.raises(psycopg.Error, match=words):
        connection.execute(f"UPDATE payment SET {statement} WHERE status = 'ordered'")


@pytest.mark.soak
def test_the_day_of_payment_is_the_treasurys(bank: Bank):
    case = bank.land.reached("disbursing", MEASURE, **amounts(FEN))
    ordered = local_date(bank.land.now)
    treasury = bank.actor(case, TREASURY)
    bank.land.now += timedelta(days=3)

    report = bank.bring(treasury, f"{bank.key(case)},{ordered:%Y/%m/%d},D-1,已付,")

    assert results(report) == ["paid"]
    (line,) = listed(bank, case, "paid")
    assert line.paid_on == ordered
    assert date.fromisoformat(bank.today()) > ordered


def test_every_state_in_which_a_treasury_confirms_is_known_to_its_file(bank: Bank):
    events = {"confirm_payment": "city", "confirm_district_payment": "district"}
    rows = bank.land.sql(
        "SELECT DISTINCT step->>'event', step->>'source' FROM workflow,"
        " jsonb_array_elements(definition->'steps') step WHERE step->>'event' = ANY(%s)",
        [*events],
    )

    found = {(events[event], state.partition("#")[0]) for event, state in rows}

    assert found == set(PAYING_STATES.items())
