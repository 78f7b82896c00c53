"""`caseflow titles` on a real database: from the file to the pushed case, and back."""

import pytest

from caseflow.cli import main
from caseflow.clock import VirtualClock
from tests.factories.commands import Result
from tests.factories.identity import uscc_number
from tests.factories.titles import csv_of
from tests.integration.conftest import House, shanghai

HANDLER, REVIEWER, HEAD = "shujuju.handler", "shujuju.reviewer", "shujuju.division_head"
FIRM = "91320681MA2TE5T28T"
SAID = (
    "--document-no", "国信办公告〔2026〕3号", "--issued-by", "国家网信办", "--kind",
    "生成式人工智能服务备案", "--level", "national", "--issued-on", "2026-08-03",
)  # fmt: skip


@pytest.fixture
def run(house: House, tmp_path, monkeypatch, capsys):
    """Run commands in the house, on its virtual day."""
    VirtualClock(house.cases.connect).move_to(shanghai(10, 12))
    address = house.cases.database.address
    monkeypatch.setenv("CASEFLOW_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("CASEFLOW_MAC_KEY", "ab" * 32)
    monkeypatch.setenv("CASEFLOW_DATABASE_URL", address.url)
    monkeypatch.setenv("CASEFLOW_OWNER_DATABASE_URL", address.owner_url)
    lines = (
        (FIRM, "启东示例科技有限公司", "甲模型", "备1"),
        (uscc_number(1), "未登记", "乙", "备2"),
    )
    (tmp_path / "名单.csv").write_bytes(csv_of(*lines))

    def run(*arguments: str) -> Result:
        code = main(arguments)
        printed = capsys.readouterr()
        return Result(code, printed.out, printed.err)

    return run


def test_a_list_goes_from_the_file_to_the_pushed_case_and_back(run, tmp_path):
    command = ("titles", "import", str(tmp_path / "名单.csv"), *SAID, "--as", HANDLER)

    tried = run(*command, "--dry-run", "--json").json
    refused = run(*command[:-1], "kejiju.handler")
    sent = run(*command, "--json").json
    told = run(*command)
    matched = run("titles", "match", sent["title_list"], "--as", HANDLER, "--json").json
    listed = run("titles", "list", "--as", HANDLER)
    shown = run("titles", "show", sent["title_list"], "--as", HANDLER, "--json").json

    assert (tried["title_list"], tried["counts"]) == (None, {"matched": 1, "unknown_code": 1})
    assert (refused.code, "不在该席位" in refused.err) == (1, True)
    assert (told.code, "未登记的统一社会信用代码" in told.out) == (0, True)
    assert (matched["pushed"], matched["counts"]) == (1, {"matched": 1, "unknown_code": 1})
    assert "国信办公告(2026)3号" in listed.out
    assert [(row["line"], row["state"]) for row in shown["rows"]] == [(1, "pushed"), (2, None)]


def test_rows_are_corrected_titles_revoked_and_successors_named(run, tmp_path):
    command = ("titles", "import", str(tmp_path / "名单.csv"), *SAID, "--as", HANDLER, "--json")
    made = run(*command).json["title_list"]
    run("titles", "match", made, "--as", HANDLER)

    corrected = run("titles", "correct", made, "2", "--uscc", uscc_number(2), "--name", "更名公司",
                    "--object", "乙", "--reason", "录入有误", "--as", HANDLER)  # fmt: skip
    step = run("titles", "succeed", uscc_number(2), FIRM, "--kind", "merger", "--document-no",
               "登记〔2026〕1号", "--effective-on", "2026-09-01", "--as", REVIEWER)  # fmt: skip
    followed = run("titles", "match", made, "--as", HANDLER, "--json").json
    revoked = run("titles", "revoke", made, "1", "--document-no", "国信办〔2026〕9号",
                  "--reason", "备案注销", "--revoked-on", "2026-10-10", "--as", HEAD,
                  "--json").json  # fmt: skip
    steps = run("titles", "successions", "--as", REVIEWER, "--json").json
    left = run("titles", "show", made, "--result", "revoked", "--as", HANDLER)
    told = run("titles", "history", made, "--after", "2", "--as", HANDLER, "--json").json
    shown = run("titles", "history", made, "--limit", "1", "--as", HANDLER)

    assert (corrected.code, step.code, followed["pushed"]) == (0, 0, 1)
    assert [each["done"] for each in revoked["consequences"]] == ["stopped"]
    assert [each["successor"] for each in steps] == [FIRM]
    assert "国信办(2026)9号" in left.out
    assert [(each["title"], each["line"]) for each in told] == [
        ("更正", 2), ("匹配名单", None), ("撤销称号", 1),
    ]  # fmt: skip
    assert ("导入名单" in shown.out, "--after 1" in shown.err) == (True, True)
