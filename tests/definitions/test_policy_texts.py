"""Every policy's files say what its text says; the figures of 启东 are written here once more."""

import pytest

from caseflow.catalogue.cities import read_cities
from caseflow.catalogue.library import load_library
from caseflow.catalogue.linting import lint
from caseflow.catalogue.loading import compile_policy, read_policy
from caseflow.catalogue.places import data_root, policy_folders
from caseflow.kernel.chinese_amounts import amounts_yuan, percentages

ROOT = data_root()
FOLDERS = policy_folders(ROOT)
QIDONG = ROOT / "policies" / "qidong-2026"


def joined(words):
    return "".join(words.split())


@pytest.fixture(scope="module", params=FOLDERS, ids=lambda folder: folder.name)
def files(request):
    return read_policy(request.param)


@pytest.fixture(scope="module")
def cities():
    return read_cities(ROOT)


def test_there_is_a_policy():
    assert QIDONG in FOLDERS


def test_a_policy_says_what_its_text_says_and_its_bureaus_exist(files, cities):
    assert lint(files, None, cities[files.policy.city]) == []


def test_every_clause_stands_in_the_text_word_for_word(files):
    text = joined(files.text)

    assert [m.id for m in files.measures if joined(m.clause) not in text] == []


def test_every_amount_of_a_clause_is_in_its_measure_and_no_other(files):
    thresholds = {m.id: [t.yuan for t in m.thresholds if t.yuan] for m in files.measures}

    for measure in files.measures:
        stated = sorted(amounts_yuan(measure.clause))
        assert stated == sorted(measure.amounts_yuan + thresholds[measure.id]), measure.id


def test_every_percentage_of_a_clause_is_in_its_measure_and_no_other(files):
    for measure in files.measures:
        thresholds = [t.percent for t in measure.thresholds if t.percent]
        stated = sorted(percentages(measure.clause))
        assert stated == sorted(measure.rates_pct + thresholds), measure.id


def test_the_figures_of_all_clauses_are_the_figures_of_the_support_sections(files):
    end = joined(files.policy.support_ends_before)
    start = joined(files.policy.articles[0].heading)
    support = start + joined(files.text).split(start, 1)[1].split(end, 1)[0]
    clauses = "。".join(m.clause for m in files.measures)

    assert sorted(amounts_yuan(support)) == sorted(amounts_yuan(clauses))
    assert sorted(percentages(support)) == sorted(percentages(clauses))


def test_every_value_that_the_text_does_not_give_names_its_source(files):
    for measure in files.measures:
        sources = [document.source for document in measure.documents]
        sources += [measure.matter_date.source, measure.selection.source]
        assert all(sources), measure.id


def test_every_measure_compiles_to_its_own_checked_workflow(files):
    library = load_library(ROOT / "workflows")

    compiled = compile_policy(files, library)

    assert set(compiled) == {measure.id for measure in files.measures}
    for measure in files.measures:
        assert compiled[measure.id][measure.id].family == measure.family
        assert compiled[measure.id][measure.id].flags == measure.flags


def test_a_policy_is_clean_together_with_the_workflow_library(files):
    assert lint(files, load_library(ROOT / "workflows")) == []


# Written from the text, independently of the files: id, yuan, percent, bureaus, bounds.
# bounds: one letter for each rate, then one for each amount; c ceiling, f fixed.
GOLDEN = [
    ("QD26-1a", [100_000_000], ["10"], "市发展改革委", "cc"),
    ("QD26-1b", [20_000_000], ["10"], "市发展改革委", "cc"),
    ("QD26-1c", [10_000_000], ["20"], "市科技局", "cc"),
    ("QD26-1d", [2_000_000], [], "市科技局、各区镇", "c"),
    ("QD26-2a", [5_000_000], [], "市科技局、发展改革委", "c"),
    ("QD26-2b", [1_000_000, 500_000], [], "市科技局、发展改革委", "cc"),
    ("QD26-3", [5_000_000], ["20"], "市发展改革委、科技局", "cc"),
    ("QD26-4", [2_000_000, 6_000_000], [], "市科技局", "cc"),
    ("QD26-5a", [10_000_000], [], "市发展改革委、数据局、各领域行业主管部门", "c"),
    ("QD26-5b", [1_000_000], [], "市发展改革委、数据局、各领域行业主管部门", "c"),
    ("QD26-5c", [1_000_000], ["20"], "市科技局、各领域行业主管部门", "fc"),
    (
        "QD26-6",
        [400_000],
        ["20"],
        "市人才办、发展改革委、科技局、人力资源社会保障局、各领域行业主管部门",
        "cc",
    ),
    ("QD26-7a", [2_000_000], ["50"], "市数据局", "fc"),
    ("QD26-7b", [10_000_000], ["10"], "市发展改革委、科技局、数据局", "fc"),
    ("QD26-8a", [2_000_000], ["20"], "市数据局", "fc"),
    ("QD26-8b", [2_000_000], ["20"], "市数据局", "fc"),
    ("QD26-8c", [1_000_000], [], "市数据局", "c"),
    ("QD26-8d", [1_000_000, 500_000], [], "市数据局", "ff"),
    ("QD26-8e", [500_000], [], "市数据局", "c"),
    ("QD26-8f", [2_000_000, 1_000_000, 500_000], [], "市数据局", "ccc"),
    ("QD26-9a", [10_000_000], [], "市人才办", "c"),
    ("QD26-9b", [100_000_000], [], "市人才办", "c"),
    ("QD26-10a", [5_000_000], ["70"], "市财政局、国金监启东支局", "cc"),
    ("QD26-10b", [], [], "市财政局、锦汇集团", ""),
    ("QD26-10c", [], [], "市财政局、锦汇集团", ""),
]
FAMILIES = {
    "investment": "1a 1b 1c 3 7b 8a",
    "research": "2a",
    "titles": "2b 8c 8d 8e 8f",
    "platforms": "4",
    "scenarios": "1d 5a 5b",
    "vouchers": "5c 7a 8b",
    "events": "6",
    "talent": "9a 9b",
    "interest": "10a",
    "funds": "10b 10c",
}
QUESTIONS = {
    "QD26-1a": ["AMB-26", "AMB-32", "AMB-37"],
    "QD26-1b": ["AMB-26", "AMB-37"],
    "QD26-1c": ["AMB-16"],
    "QD26-1d": ["AMB-39"],
    "QD26-2a": ["AMB-33"],
    "QD26-2b": ["AMB-17", "AMB-30", "AMB-38"],
    "QD26-3": ["AMB-30"],
    "QD26-4": ["AMB-29", "AMB-39"],
    "QD26-5a": ["AMB-21"],
    "QD26-5c": ["AMB-15"],
    "QD26-6": ["AMB-35"],
    "QD26-8a": ["AMB-37"],
    "QD26-8b": ["AMB-15"],
    "QD26-8e": ["AMB-17", "AMB-18"],
    "QD26-8f": ["AMB-17"],
    "QD26-10a": ["AMB-06", "AMB-29", "AMB-30"],
    "QD26-10b": ["AMB-08"],
    "QD26-10c": ["AMB-08"],
}


@pytest.fixture(scope="module")
def qidong():
    return read_policy(QIDONG)


def test_qidong_has_its_25_measures_in_the_order_of_their_ids(qidong):
    assert [measure.id for measure in qidong.measures] == [row[0] for row in GOLDEN]


@pytest.mark.parametrize(
    ("id_", "yuan", "percent", "bureaus", "bounds"), GOLDEN, ids=lambda v: str(v)[:8]
)
def test_a_measure_of_qidong_pays_what_the_text_says(qidong, id_, yuan, percent, bureaus, bounds):
    measure = qidong.measure(id_)
    benefit = measure.benefit

    assert measure.amounts_yuan == yuan
    assert measure.rates_pct == percent
    assert "、".join(measure.bureaus) == bureaus
    assert "".join(x.bound[0] for x in (*benefit.rates, *benefit.amounts)) == bounds


def test_every_measure_of_qidong_is_in_the_family_of_the_handbook(qidong):
    family_of = {f"QD26-{n}": family for family, ids in FAMILIES.items() for n in ids.split()}

    assert {measure.id: measure.family for measure in qidong.measures} == family_of


def test_the_open_questions_of_the_handbook_stand_with_their_measures(qidong):
    asked = {m.id: [q.id for q in m.open_questions] for m in qidong.measures if m.open_questions}

    assert asked == QUESTIONS


def test_only_the_caps_that_the_text_calls_yearly_are_yearly(qidong):
    yearly = [m.id for m in qidong.measures for a in m.benefit.amounts if a.period == "year"]

    assert yearly == ["QD26-4", "QD26-7a"]


def test_a_cap_that_a_workflow_watches_is_the_cap_of_the_clause(qidong):
    watched = {
        (measure.id, value["value"], measure.benefit.amounts[-1].fen)
        for measure in qidong.measures
        for name, value in measure.workflow.parameters.items()
        if name.endswith("_fen")
    }

    assert watched == {
        ("QD26-4", 600_000_000, 600_000_000),
        ("QD26-10a", 500_000_000, 500_000_000),
    }


def test_a_document_asked_for_each_year_or_period_belongs_to_the_child_case(qidong):
    children = {m.id: {d.child for d in m.documents if d.child} for m in qidong.measures}

    assert {id_: kinds for id_, kinds in children.items() if kinds} == {
        "QD26-4": {"year"},
        "QD26-10a": {"period"},
    }


def test_the_encouraging_words_without_a_support_are_kept_beside(qidong):
    beside = {m.id: m.beside for m in qidong.measures}

    assert beside["QD26-1d"] == ("鼓励重点区镇建设OPC社区",)
    assert beside["QD26-8a"] == ("鼓励面向特色产业建设行业共性数据资源库",)
