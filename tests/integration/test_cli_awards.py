"""`caseflow awards` on a real database: import, list, check, and the tables that they write."""

import pytest

from caseflow.cli import main
from tests.factories.commands import Result
from tests.factories.sheets import opened
from tests.integration.conftest import House, shanghai

AT = shanghai(11, 6, 16, 20)
FINANCE, REVIEWER = "caizhengju.finance_division", "shujuju.reviewer"
TABLE = (
    "来源编号,单位,统一社会信用代码,条款,级别,地区,事项,金额(元),批准日期\n"
    "NT-1,启东示例科技有限公司,91320681MA2TE5T28T,=算力券,市,qidong,contract:HT-2026-001,50000.00,2026-08-01\n"
    "NT-2,启东示例科技有限公司,91320681MA2TE5T28T,算力券,市,qidong,contract:HT-2026-002,1e4,2026-08-01\n"
)


@pytest.fixture
def run(house: House, tmp_path, monkeypatch, capsys):
    """Run commands in the house, whose firm has submitted a case."""
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    (tmp_path / "ledger.csv").write_text(TABLE)

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_a_file_is_tried_recorded_and_recorded_no_more(run, tmp_path):
    command = ("awards", "import", str(tmp_path / "ledger.csv"), "--source", "nantong",
               "--as", FINANCE)  # fmt: skip

    tried = run(*command, "--dry-run", "--json").json
    sent = run(*command, "--json").json
    again = run(*command)

    assert (tried["dry_run"], tried["recorded"], tried["refused"]) == (True, 1, 1)
    assert [(row["line"], row["result"]) for row in sent["rows"]] == [
        (2, "recorded"),
        (3, "refused"),
    ]
    assert "amount_fen" in sent["rows"][1]["message"]
    assert (again.code, "already" in again.out) == (0, True)


def test_what_a_firm_was_given_is_listed_and_written(run, house: House, tmp_path):
    house.submitted(AT)
    run("awards", "import", str(tmp_path / "ledger.csv"), "--source", "nantong", "--as", FINANCE)
    command = ("awards", "list", "--applicant", house.applicant, "--as", "shujuju.handler")

    listed = run(*command, "--json", "-o", str(tmp_path / "ledger.xlsx"))
    shown = run(*command, "--limit", "1")

    (award,) = listed.json["awards"]
    assert (award["amount_fen"], award["source"], award["source_id"]) == (
        5_000_000,
        "nantong",
        "NT-1",
    )
    assert listed.json["years"][0]["times"] == 1
    assert "企业享受政策台账" in shown.out
    about, (row,) = opened((tmp_path / "ledger.xlsx").read_bytes())
    assert list(row) == [
        "序号", "单位", "年度", "条款", "次数", "金额", "年度总额上限", "剩余", "来源",
    ]  # fmt: skip
    assert (row["条款"], row["金额"], row["次数"]) == ("'=算力券", 50_000, 1)
    assert (about["标题"], about["总行数"]) == ("企业享受政策台账", "1")


def test_a_page_of_a_ledger_ends_where_the_next_begins(run, house: House, tmp_path):
    house.submitted(AT)
    text = TABLE.replace("1e4", "1")
    (tmp_path / "ledger.csv").write_text(text)
    run("awards", "import", str(tmp_path / "ledger.csv"), "--source", "nantong", "--as", FINANCE)

    first = run("awards", "list", "--applicant", house.applicant, "--as", "shujuju.handler",
                "--limit", "1", "--json")  # fmt: skip

    (award,) = first.json["awards"]
    assert f"--after {award['public_id']}" in first.err


def test_a_case_is_checked_and_the_table_of_the_check_is_written(run, house: House, tmp_path):
    case = house.submitted(AT)
    run("awards", "import", str(tmp_path / "ledger.csv"), "--source", "nantong", "--as", FINANCE)
    matters = [{"kind": "contract", "key": "HT-2026-001"}]
    house.act(case, "name_matters", "applicant1", AT, matters=matters)
    command = ("awards", "check", case, "--as", REVIEWER)

    found = run(*command, "--json", "-o", str(tmp_path / "check.xlsx"))
    shown = run(*command)

    (clash,) = found.json["clashes"]
    assert (clash["grade"], clash["proposal"]) == ("same", "top_up")
    assert "补差" in shown.out
    about, (row,) = opened((tmp_path / "check.xlsx").read_bytes())
    assert list(row)[:6] == ["序号", "单位", "事项指纹", "本条款金额", "命中政策", "层级"]
    assert (row["事项指纹"], row["处理"]) == ("contract:HT-2026-001", "建议：补差")
    assert (about["标题"], len(about["校验码"])) == ("就高不重复核查表", 64)


def test_a_stranger_is_told_nothing(run, house: House):
    answer = run("awards", "list", "--applicant", house.applicant, "--as", "kejiju.handler")

    assert answer.code == 1
    assert "没有申报主体" in answer.err
