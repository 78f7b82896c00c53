"""A copy of a policy's folder that says something else than its text is refused, with the place."""

import shutil
from dataclasses import replace

import pytest

from caseflow.catalogue.cities import read_city
from caseflow.catalogue.linting import lint
from caseflow.catalogue.loading import read_policy
from caseflow.catalogue.places import data_root
from caseflow.kernel.errors import DefinitionError, NotFound
from tests.definitions.families import library

ROOT = data_root()
QIDONG = ROOT / "policies" / "qidong-2026"
SHOWN = ("QD26-10b", "QD26-1d", "QD26-7a")
MEASURES = [
    name if name in SHOWN else pytest.param(name, marks=pytest.mark.soak)
    for name in sorted(path.stem for path in QIDONG.glob("QD26-*.yaml"))
]


@pytest.fixture(scope="module")
def qidong():
    return read_policy(QIDONG)


@pytest.fixture
def copy(tmp_path):
    return shutil.copytree(QIDONG, tmp_path / "qidong-2026")


@pytest.fixture
def slim(copy):
    """A copy that keeps of its measures only those named: reading all 25 takes time."""

    def keeping(*names):
        for path in copy.glob("QD26-*.yaml"):
            if path.name not in names:
                path.unlink()
        return copy

    return keeping


def change(path, old, new):
    words = path.read_text(encoding="utf-8")
    assert words.count(old) >= 1, f"{path.name} has no {old}"
    path.write_text(words.replace(old, new, 1), encoding="utf-8")


def found(folder):
    return [(p.rule, p.file.rsplit("/", 1)[-1]) for p in lint(read_policy(folder), None)]


def test_an_unchanged_copy_is_clean(copy):
    assert found(copy) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "rule"),
    [
        ("QD26-1a.yaml", "yuan: 100000000", "yuan: 100000001", "amounts-differ"),
        ("QD26-1a.yaml", "yuan: 100000000", "yuan: 99999999", "amounts-differ"),
        ("QD26-1a.yaml", 'percent: "10"', 'percent: "11"', "rates-differ"),
        (
            "QD26-7a.yaml",
            'percent: "50", bound: fixed',
            'percent: "50", bound: ceiling',
            "rate-words",
        ),
        ("QD26-8d.yaml", "bound: fixed", "bound: ceiling", "amount-words"),
        ("QD26-7a.yaml", "period: year", "period: once", "amount-words"),
        ("QD26-5c.yaml", "period: null", "period: year", "amount-words"),
        ("QD26-1c.yaml", "clause: 对科技型", "clause: 对创新型", "clause-not-in-text"),
        ("QD26-9b.yaml", "项目资助。", "项目补助。", "clause-not-in-text"),
        (
            "QD26-1d.yaml",
            "  - 鼓励重点区镇建设OPC社区",
            "  - 鼓励重点区镇建设社区",
            "words-not-in-text",
        ),
        ("QD26-2a.yaml", "[市科技局, 发展改革委]", "[发展改革委, 市科技局]", "bureaus-differ"),
        ("QD26-3.yaml", "[市发展改革委, 科技局]", "[市发展改革委]", "bureaus-differ"),
        ("QD26-3.yaml", "{words: 新立项建设,", "{words: 新建,", "words-not-in-clause"),
        (
            "QD26-4.yaml",
            "words: 根据建设规模和运营情况, source",
            "words: 按规模, source",
            "words-not-in-clause",
        ),
        ("QD26-8f.yaml", "yuan: 500000,", "yuan: 2000000,", "amounts-differ"),
        (
            "policy.yaml",
            "doc_no: 启政办规〔2026〕1号",
            "doc_no: 启政办规〔2026〕2号",
            "words-not-in-text",
        ),
        ("policy.yaml", "effective_to: 2028-05-13", "effective_to: 2028-05-14", "date-not-in-text"),
        (
            "policy.yaml",
            "effective_from: 2026-05-14",
            "effective_from: 2026-05-13",
            "date-not-in-text",
        ),
        ("policy.yaml", "issued_on: 2026-04-13", "issued_on: 2026-04-12", "date-not-in-text"),
        ("policy.yaml", "从优、从高、不重复”原则执行", "从优原则执行", "words-not-in-text"),
        ("policy.yaml", "（三）支持中试平台建设", "（三）中试平台", "heading-not-in-text"),
        (
            "policy.yaml",
            "support_ends_before: 本措施自2026年5月14日",
            "support_ends_before: 自即日",
            "heading-not-in-text",
        ),
    ],
)
def test_a_file_that_says_something_else_than_the_text_is_refused(slim, file, old, new, rule):
    folder = slim(file)
    change(folder / file, old, new)

    assert (rule, file) in found(folder)


def test_words_that_no_clause_quotes_any_more_are_unclaimed(copy):
    change(copy / "QD26-5b.yaml", "clause: 鼓励应用场景建设，", "clause: ")

    assert ("text-unclaimed", "text.txt") in found(copy)


@pytest.mark.parametrize("measure", MEASURES)
def test_a_dropped_measure_leaves_words_of_the_text_unclaimed(qidong, measure):
    kept = tuple(m for m in qidong.measures if m.id != measure)

    problems = lint(replace(qidong, measures=kept), None)

    assert "text-unclaimed" in {problem.rule for problem in problems}


def test_a_sentence_added_to_the_text_is_unclaimed_and_its_line_is_told(copy):
    change(
        copy / "text.txt",
        "（二）鼓励核心技术攻关",
        "（二）鼓励核心技术攻关\n\n对新办企业给予补助。",
    )
    line = (
        copy.joinpath("text.txt")
        .read_text(encoding="utf-8")
        .split("\n")
        .index("对新办企业给予补助。")
        + 1
    )

    problems = lint(read_policy(copy), None)

    assert [(p.rule, p.line) for p in problems] == [("text-unclaimed", line)]
    assert "对新办企业给予补助。" in problems[0].message


def test_a_sentence_dropped_from_the_text_is_noticed(copy):
    change(copy / "text.txt", "对顶尖人才（团队），给予最高1亿元项目资助。", "")

    assert ("clause-not-in-text", "QD26-9b.yaml") in found(copy)


def test_a_bureau_the_city_does_not_have_is_named_with_its_line(copy):
    change(copy / "text.txt", "（责任单位：市科技局）", "（责任单位：市科学局）")
    change(copy / "QD26-1c.yaml", "[市科技局]", "[市科学局]")

    problems = lint(
        read_policy(copy), None, read_city(ROOT / "policies" / "cities" / "qidong.yaml")
    )

    assert [p.rule for p in problems] == ["unknown-bureau"]
    assert "市科学局" in problems[0].message


@pytest.mark.parametrize(
    ("file", "old", "new", "rule", "message"),
    [
        ("QD26-7a.yaml", "article: 7", "article: 7\ncolour: red", "definition-key", "colour"),
        ("QD26-7a.yaml", "article: 7", "article: seven", "definition-value", "article"),
        ("QD26-7a.yaml", "yuan: 2000000", "yuan: 2000000.5", "yaml-float", "2000000.5"),
        ("QD26-7a.yaml", "yuan: 2000000", 'yuan: "2000000"', "definition-value", "yuan"),
        ("QD26-7a.yaml", "yuan: 2000000", "yuan: 0", "definition-value", "yuan"),
        ("QD26-7a.yaml", "selective: true", "selective: 1", "definition-value", "selective"),
        ("QD26-7a.yaml", "bound: fixed", "bound: about", "definition-value", "bound"),
        ("QD26-7a.yaml", "period: year,", "", "definition-value", "period"),
        ("QD26-10a.yaml", "months: 36, ", "", "definition-value", "months"),
        ("QD26-7a.yaml", "measure: QD26-7a", "measure: QD26-7b", "measure-name", "QD26-7b"),
        ("QD26-7a.yaml", "article: 7", "article: 8", "measure-name", "QD26-8"),
        (
            "QD26-6.yaml",
            "  - {note: 未事前备案的活动, source",
            "  - {source",
            "definition-value",
            "words",
        ),
        (
            "policy.yaml",
            "policy: qidong-2026",
            "policy: nantong-2026",
            "policy-name",
            "nantong-2026",
        ),
        ("policy.yaml", "status: in_force", "status: maybe", "definition-value", "status"),
        (
            "policy.yaml",
            "effective_to: 2028-05-13",
            "effective_to: null",
            "definition-value",
            "status",
        ),
        (
            "policy.yaml",
            "effective_to: 2028-05-13",
            "effective_to: 2026-05-13",
            "definition-value",
            "effective_to",
        ),
        (
            "policy.yaml",
            "effective_to: 2028-05-13",
            'effective_to: "2028-05-13"',
            "definition-value",
            "effective_to",
        ),
        (
            "policy.yaml",
            "  - {number: 10, heading: （十）加大专项政策支持}\n",
            "",
            "unknown-article",
            "10",
        ),
    ],
)
def test_a_broken_file_is_refused_with_its_name_line_and_fault(slim, file, old, new, rule, message):
    folder = slim(file, "QD26-10a.yaml")
    change(folder / file, old, new)

    with pytest.raises(DefinitionError) as refused:
        read_policy(folder)

    hits = [p for p in refused.value.problems if p.rule == rule and message in p.message]
    assert hits, refused.value.message
    assert all(p.line >= 1 for p in hits)


THRESHOLD = """thresholds:
  - {words: 最高200万元, fact: revenue_fen, op: at_least, value: 5, yuan: 2000000}
"""


def test_an_amount_that_is_a_threshold_is_not_among_the_amounts_paid(copy):
    change(copy / "QD26-7a.yaml", "\n  amounts:\n    - {yuan: 2000000", "\n# {yuan: 2000000")
    change(copy / "QD26-7a.yaml", "conditions:\n", f"{THRESHOLD}conditions:\n")

    assert read_policy(copy).measure("QD26-7a").amounts_yuan == []
    assert found(copy) == []


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("value: 5", "value: 2026-05-14", "quote a date"),
        ("value: 5", "value: [5, 2026-05-14]", "quote a date"),
        ("op: at_least", "op: roughly", "op"),
        ("fact: revenue_fen", "fact: Revenue", "fact"),
    ],
)
def test_a_threshold_is_a_plain_comparison(slim, old, new, message):
    copy = slim("QD26-7a.yaml")
    threshold = THRESHOLD.replace(old, new)
    change(copy / "QD26-7a.yaml", "conditions:\n", f"{threshold}conditions:\n")

    with pytest.raises(DefinitionError, match=message):
        read_policy(copy)


def test_a_quota_and_a_selection_quote_the_clause(copy):
    quota = "quota: {number: 10, per: year, words: 不超过10个}\n"
    change(copy / "QD26-7a.yaml", "conditions:\n", f"{quota}conditions:\n")

    assert found(copy) == [("words-not-in-clause", "QD26-7a.yaml")]


def test_a_workflow_parameter_reaches_the_specification_of_the_workflow(slim):
    copy = slim("QD26-7a.yaml")
    choice = (
        "workflow: {parameters: {publicity_days: {value: 7, source: 惯例}}, without: [audit]}\n"
    )
    change(copy / "QD26-7a.yaml", "conditions:\n", f"{choice}conditions:\n")
    files = read_policy(copy)

    spec = files.spec(files.measure("QD26-7a"))

    assert spec.parameters == {"publicity_days": {"value": 7, "source": "惯例"}}
    assert spec.without == ("audit",)
    assert spec.flags == ("selective",)
    assert spec.file == str(copy / "QD26-7a.yaml")


def test_the_line_of_a_fault_is_the_line_it_stands_on(slim):
    copy = slim("QD26-7a.yaml")
    change(copy / "QD26-7a.yaml", "bound: fixed", "bound: about")
    lines = copy.joinpath("QD26-7a.yaml").read_text(encoding="utf-8").split("\n")
    line = next(number for number, words in enumerate(lines, 1) if "bound: about" in words)

    with pytest.raises(DefinitionError) as refused:
        read_policy(copy)

    assert [problem.line for problem in refused.value.problems] == [line]


def test_the_faults_of_several_files_are_told_together(slim):
    copy = slim("QD26-7a.yaml", "QD26-8a.yaml", "QD26-1a.yaml")
    change(copy / "QD26-7a.yaml", "bound: fixed", "bound: about")
    change(copy / "QD26-8a.yaml", "bound: fixed", "bound: about")

    with pytest.raises(DefinitionError) as refused:
        read_policy(copy)

    assert {p.file.rsplit("/", 1)[-1] for p in refused.value.problems} == {
        "QD26-7a.yaml",
        "QD26-8a.yaml",
    }


def test_a_policy_without_its_text_is_refused(slim):
    copy = slim()
    (copy / "text.txt").unlink()

    with pytest.raises(DefinitionError, match="text-missing"):
        read_policy(copy)


def test_a_text_that_is_not_utf_8_is_refused(slim):
    copy = slim()
    (copy / "text.txt").write_bytes("启东".encode("gb18030"))

    with pytest.raises(DefinitionError, match="text-encoding"):
        read_policy(copy)


def test_a_folder_without_a_policy_file_is_refused(slim):
    copy = slim()
    (copy / "policy.yaml").unlink()

    with pytest.raises(DefinitionError, match="yaml-missing-file"):
        read_policy(copy)


def test_a_folder_that_is_not_there_is_not_found(tmp_path):
    with pytest.raises(NotFound):
        read_policy(tmp_path / "nowhere")


def test_a_document_of_a_child_that_the_family_does_not_open_is_refused(copy, slim):
    change(slim("QD26-10a.yaml") / "QD26-10a.yaml", "child: period", "child: month")

    problems = lint(read_policy(copy), library())

    assert ("unknown-child", "QD26-10a.yaml") in [
        (p.rule, p.file.rsplit("/", 1)[-1]) for p in problems
    ]


def test_a_measure_of_a_family_that_does_not_exist_is_refused(copy, slim):
    change(slim("QD26-7a.yaml") / "QD26-7a.yaml", "family: vouchers", "family: lotteries")

    problems = lint(read_policy(copy), library())

    assert ("unknown-family", "QD26-7a.yaml") in [
        (p.rule, p.file.rsplit("/", 1)[-1]) for p in problems
    ]


def test_a_comment_does_not_change_the_content_hash(slim):
    folder = slim("QD26-7a.yaml")
    before = read_policy(folder).hash

    change(folder / "QD26-7a.yaml", "article: 7", "article: 7  # 第（七）条")

    assert read_policy(folder).hash == before


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("QD26-7a.yaml", "yuan: 2000000", "yuan: 2000001"),
        ("policy.yaml", "issued_on: 2026-04-13", "issued_on: 2026-04-14"),
        ("text.txt", "（此件公开发布）", "（此件不公开）"),
    ],
)
def test_any_change_of_content_changes_the_content_hash(slim, file, old, new):
    folder = slim("QD26-7a.yaml")
    before = read_policy(folder).hash

    change(folder / file, old, new)

    assert read_policy(folder).hash != before
