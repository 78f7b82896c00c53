"""追回: what is told before, and what is decided, as documents of an equity case."""

from collections.abc import Iterator

import pytest

from caseflow.cases.letters import LETTERS
from caseflow.documents.letters.kinds import load_letters
from caseflow.documents.letters.service import Press
from tests.conftest import EVERYTHING, untraced
from tests.integration.five_cities import YUAN, amounts, found_land
from tests.integration.kept_database import keep
from tests.integration.letter_desk import Desk

EQUITY = "NT24-7"
REFUSAL = {
    "reason": "将资金用于合同以外的用途。",
    "reason_code": "material_false",
    "remedy": "可自知道之日起六十日内申请行政复议。",
}


@pytest.fixture(scope="module")
def desk(server, everything_template, tmp_path_factory, pytestconfig) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("recovery")
    for database in keep(server, everything_template):
        land = found_land(database, folder, [EQUITY], pytestconfig)
        yield Desk(land, Press(load_letters(EVERYTHING / LETTERS), folder / "files"))


def test_what_is_to_be_recovered_is_told_first_and_then_decided(desk: Desk, pytestconfig):
    with untraced(pytestconfig):
        case = desk.town.reached("incubating", EQUITY, **amounts(6_000_000 * YUAN))
        desk.town.act(case, "open_recovery")
    desk.town.act(case, "notify_breach", reason=REFUSAL["reason"])
    told, _ = desk.texts(desk.make(case, "recovery_notice").public_id)
    desk.town.act(case, "make_statement")
    desk.town.act(case, "decide_recovery", document_no="通科追〔2026〕1号", **REFUSAL)

    decided = desk.make(case, "recovery_decision")
    text, _ = desk.texts(decided.public_id)

    assert "有权陈述和申辩" in told
    assert "将资金用于合同以外的用途。" in told
    assert decided.number.startswith("市科技局追〔")
    assert "决定追回" in text
    assert "累计已拨付金额：" in text
    assert "（大写：人民币" in text
    assert "30日内" in text
    assert REFUSAL["remedy"] in text
