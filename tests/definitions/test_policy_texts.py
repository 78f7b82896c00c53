"""Every policy's files say what its text says; every figure is written once more in `golden`."""

import hashlib

import pytest

from caseflow.catalogue.compiling import process_of
from caseflow.catalogue.linting import lint
from caseflow.kernel.chinese_amounts import amounts_yuan, percentages
from tests.definitions.families import (
    PARENTS,
    cities,
    compiled_policies,
    library,
    measures,
    pays,
    policies,
)
from tests.definitions.golden import ALL

GOLDEN = pytest.mark.parametrize("golden", ALL.values(), ids=ALL)
POLICY_WIDE = {f"AMB-{number:02}" for number in (2, 3, 10, 11, 13, 25, 34, 40)}


def joined(words):
    return "".join(words.split())


def process_name(measure):
    return measure.workflow.process or measure.family


@pytest.fixture
def files(golden):
    return policies()[golden.code]


def test_132_measures_in_14_families_are_there():
    assert list(policies()) == list(ALL)
    assert [len(golden.rows) for golden in ALL.values()] == [26, 15, 25, 43, 23]
    assert len(measures()) == len({measure.id for measure in measures()}) == 132
    assert len({measure.family for measure in measures()}) == 14


# --- the files and their text


@GOLDEN
def test_the_text_is_the_one_published_byte_for_byte(golden, files):
    text = (files.folder / "text.txt").read_bytes()

    assert hashlib.sha256(text).hexdigest() == golden.text_sha256


@GOLDEN
def test_a_policy_is_clean_with_the_library_and_its_city(golden, files):
    compiled_policies()  # not measured; lint finds them compiled

    assert lint(files, library(), cities()[files.policy.city]) == []


@GOLDEN
def test_every_clause_stands_in_the_text_word_for_word(golden, files):
    text = joined(files.text)

    assert [m.id for m in files.measures if joined(m.clause) not in text] == []


@GOLDEN
def test_every_figure_of_a_clause_is_in_its_measure_and_no_other(golden, files):
    wrong = []
    for measure in files.measures:
        aside = (*measure.thresholds, *measure.figures)
        yuan = measure.amounts_yuan + [figure.yuan for figure in aside if figure.yuan]
        percent = measure.rates_pct + [figure.percent for figure in aside if figure.percent]
        if sorted(amounts_yuan(measure.clause)) != sorted(yuan):
            wrong.append((measure.id, yuan))
        if sorted(percentages(measure.clause)) != sorted(percent):
            wrong.append((measure.id, percent))

    assert wrong == []


@GOLDEN
def test_the_figures_of_all_clauses_are_the_figures_of_the_support_sections(golden, files):
    start = joined(files.policy.articles[0].heading)
    before, _, rest = joined(files.text).partition(start)
    support = start + rest.split(joined(files.policy.support_ends_before), 1)[0]
    claimed = said_by(files.measures, support)

    assert before
    assert sorted(amounts_yuan(support)) == sorted(amounts_yuan(claimed))
    assert sorted(percentages(support)) == sorted(percentages(claimed))


def said_by(measures, support):
    """The words of the clauses; those that two measures share stand there once."""
    said = [False] * len(support)
    for clause in (joined(measure.clause) for measure in measures):
        start = support.index(clause)
        said[start : start + len(clause)] = [True] * len(clause)
    return "".join(word if is_said else "。" for word, is_said in zip(support, said, strict=True))


@GOLDEN
def test_every_value_that_the_text_does_not_give_names_its_source(golden, files):
    for measure in files.measures:
        sources = [document.source for document in measure.documents]
        sources += [exclusion.source for exclusion in measure.exclusions]
        sources += [measure.matter_date.source, measure.selection.source]
        assert all(sources), measure.id


# --- the golden tables


@GOLDEN
def test_a_policy_has_the_title_number_status_and_dates_of_its_text(golden, files):
    policy = files.policy

    for name in (
        "code", "prefix", "title", "doc_no", "status", "issued_on", "effective_from",
        "effective_to",
    ):  # fmt: skip
        assert getattr(policy, name) == getattr(golden, name), name
    assert [article.number for article in policy.articles] == [*range(1, golden.articles + 1)]


@GOLDEN
def test_a_measure_gives_what_the_text_says_by_the_bureaus_it_names(golden, files):
    assert [row_of(measure) for measure in files.measures] == [
        (golden.id(number), *row) for number, *row in golden.rows
    ]


def row_of(measure):
    given = measure.benefit
    shown = (*given.rates, *(a for a in given.amounts if a.kind != "range_low"))
    bounds = "".join(each.bound[0] for each in shown)
    bureaus = "、".join(measure.bureaus)
    return measure.id, measure.amounts_yuan, measure.rates_pct, bureaus, bounds


@GOLDEN
def test_a_range_has_both_its_ends(golden, files):
    lows = {
        measure.id: [a.yuan for a in measure.benefit.amounts if a.kind == "range_low"]
        for measure in files.measures
    }

    assert {id_: yuan for id_, yuan in lows.items() if yuan} == {
        golden.id(number): yuan for number, yuan in golden.range_lows.items()
    }


@GOLDEN
def test_only_what_the_text_calls_yearly_or_monthly_is(golden, files):
    def every(period):
        return [
            m.id
            for m in files.measures
            if period in {amount.period for amount in m.benefit.amounts}
        ]

    assert every("year") == golden.ids(golden.yearly)
    assert every("month") == golden.ids(golden.monthly)


@GOLDEN
def test_every_measure_is_in_the_family_and_process_of_the_handbook(golden, files):
    family = {measure.id: measure.family for measure in files.measures}
    process = {m.id: m.workflow.process for m in files.measures if m.workflow.process}

    assert family == golden.family_of()
    assert process == golden.process_of()


@GOLDEN
def test_only_what_the_text_or_the_handbook_demands_is_approved_by_the_government(golden, files):
    approved = [measure.id for measure in files.measures if measure.government_approval]

    assert approved == golden.ids(golden.by_the_government)


@GOLDEN
def test_the_open_questions_of_the_handbook_stand_with_the_measures_they_name(golden, files):
    asked = {measure.id: {q.id for q in measure.open_questions} for measure in files.measures}
    named, also = golden.asked(golden.questions), golden.asked(golden.also)
    missing = {id_: ids - asked[id_] for id_, ids in named.items()}
    more = {
        id_: ids - named.get(id_, set()) - also.get(id_, set()) - POLICY_WIDE
        for id_, ids in asked.items()
    }

    assert {id_: ids for id_, ids in missing.items() if ids} == {}
    assert {id_: ids for id_, ids in more.items() if ids} == {}


# --- what a measure says of its workflow


def test_every_measure_compiles_to_a_workflow_of_its_own_name():
    compiled = compiled_policies()

    assert set(compiled) == {measure.id for measure in measures()}
    for measure in measures():
        own = compiled[measure.id][measure.id]
        assert own.family == measure.family, measure.id
        assert set(own.flags) == set(measure.flags), measure.id


def test_a_measure_is_selective_where_money_is_paid():
    paid = {
        measure.id
        for measure in measures()
        if any(map(pays, compiled_policies()[measure.id].values()))
    }

    assert {measure.id for measure in measures() if measure.selective} == paid


def test_a_cap_that_a_workflow_watches_is_the_cap_of_the_clause():
    watched = {}
    for measure in measures():
        for name, value in measure.workflow.parameters.items():
            if name.endswith("_fen"):
                watched[measure.id] = value["value"]
                assert value["value"] in {a.fen for a in measure.benefit.amounts}, measure.id

    assert watched["QD26-4"] == 600_000_000
    assert watched["QD26-10a"] == 500_000_000


def test_documents_are_asked_for_by_case_and_child_case():
    """Whoever opens child cases asks in them for documents; nobody else does."""
    for files in policies().values():
        for measure in files.measures:
            kinds = set(process_of(files, measure, library()).data.get("children", {}))
            assert kinds == {d.child for d in measure.documents if d.child}, measure.id
            assert bool(kinds) == (process_name(measure) in PARENTS), measure.id


# --- single words


@pytest.mark.parametrize(
    ("code", "id_", "words"),
    [
        ("qidong-2026", "QD26-1d", "鼓励重点区镇建设OPC社区"),
        ("qidong-2026", "QD26-8a", "鼓励面向特色产业建设行业共性数据资源库"),
        ("yancheng-ai-plus", "YC-4a", "鼓励企业联合科研院所和高校、研究机构"),
        ("yancheng-ai-plus", "YC-9", "打造2-3个人工智能核心产业园区"),
        ("wuxi-2025", "WX-2b", "鼓励因地制宜建设人工智能产业园区"),
        ("wuxi-2025", "WX-11", "完善基金绩效考核与容错免责机制"),
        ("nantong-agi-2024", "NT24-9d", "鼓励各板块、各园区研究配套专项政策等各类支持举措"),
    ],
)
def test_encouraging_words_without_a_support_are_kept_with_the_measure_beside(code, id_, words):
    measure = policies()[code].measure(id_)

    assert any(words in joined(kept) for kept in (measure.clause, *measure.beside))


def test_who_bears_an_amount_is_said_where_the_text_says_it():
    splits = {code: files.policy.split for code, files in policies().items()}
    nantong, yancheng = splits["nantong-2026"], splits["yancheng-ai-plus"]
    summit = policies()["yancheng-ai-plus"].measure("YC-10").split

    assert [code for code, split in splits.items() if split is None] == [
        "nantong-agi-2024", "qidong-2026", "wuxi-2025",
    ]  # fmt: skip
    assert [(each.party, each.percent) for each in nantong.shares] == [
        ("city", "40"), ("district", "60"),
    ]  # fmt: skip
    assert (nantong.in_principle, nantong.words) == (
        True,
        "本政策所需资金，原则上市与区按4∶6承担。",
    )
    assert (yancheng.rule, summit.rule) == ("fiscal_system", "city_alone")
    assert [measure.id for measure in measures() if measure.split] == ["YC-10"]


def test_a_policy_without_a_number_is_a_draft_or_says_its_first_day():
    numberless = {
        files.policy.code: joined(files.policy.effective_words).partition("有效期")[0]
        for files in policies().values()
        if files.policy.doc_no is None
    }

    assert numberless == {
        "nantong-2026": "本政策自2026年x月x日起施行，",
        "wuxi-2025": "本政策自2025年5月23日起实施，",
        "yancheng-ai-plus": "本文件自印发之日施行，",
    }
