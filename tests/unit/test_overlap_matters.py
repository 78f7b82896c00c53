import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.kernel.errors import InvalidInput
from caseflow.kernel.overlap.matters import KINDS, Matter, matter_key, matters_data, matters_of

NUMBER = "32068119851231001X"


def commit(number: str) -> str:
    return f"~K1-{abs(hash(number)):040X}"[:44]


@pytest.mark.parametrize(
    ("kind", "typed", "key"),
    [
        ("title", "智能工厂：省级：2026", "智能工厂:省级:2026"),
        ("title", "首台套:国家级:2026:卧式加工中心A1", "首台套:国家级:2026:卧式加工中心A1"),
        ("project", "2604 320681 04 01 123456", "2604-320681-04-01-123456"),
        ("project", "26043206810401123456", "2604-320681-04-01-123456"),
        ("project", "启行审备〔2026〕12号", "启行审备(2026)12号"),
        ("contract", " ht-2026-001 ", "HT-2026-001"),
        ("contract", "ＨＴ－２０２６－００１", "HT-2026-001"),
        ("contract", "HT—2026_001", "HT-2026-001"),
        ("contract", "HT【2026】001@91320681ma2te5t28t", "HT(2026)001@91320681MA2TE5T28T"),
        ("invoice", "2631 2000 0000 1234 5678", "26312000000012345678"),
        ("invoice", "3200123456－12345678", "3200123456-12345678"),
        ("loan", "（2026）贷字第8号", None),
        ("loan", "贷字(2026)第8号", "贷字(2026)第8号"),
        ("event", "hd-2026-08", "HD-2026-08"),
        ("device", "sn.20260001/a", "SN.20260001/A"),
        ("model_filing", "Jiangsu-TongYiXue-202603280001", "JIANGSU-TONGYIXUE-202603280001"),
        ("research", " ２０２６ ", "2026"),
    ],
)
def test_what_people_type_has_one_normal_form(kind, typed, key):
    if key is None:
        with pytest.raises(InvalidInput):
            matter_key(kind, typed, commit)
        return

    found = matter_key(kind, typed, commit)

    assert found == key
    assert matter_key(kind, found, commit) == found


@pytest.mark.parametrize(
    "typed",
    ["", "  ", "无", "-", "合同", "1", "x" * 81 + "1", "HT\x0001", "=1+1;2", None, 7, 1.5, ["HT-1"],
     "😀12345"],
)  # fmt: skip
def test_nonsense_is_no_key(typed):
    for kind in sorted(KINDS):
        with pytest.raises(InvalidInput) as caught:
            matter_key(kind, typed, commit)

        assert caught.value.fields.keys() == {"matters"}, kind


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        ("title", "智能工厂:省级"),
        ("title", "智能工厂:县级:2026"),
        ("title", "智能工厂:省级:26"),
        ("invoice", "2631200000001234567"),
        ("invoice", "263120000000123456789"),
        ("research", "91320681MA2TE5T28T:2026"),
        ("research", "1999"),
        ("person", f"{NUMBER}:2026-13"),
        ("person", "张某:2026-05"),
        ("deed", "HT-2026-001"),
    ],
)
def test_a_key_has_the_form_of_its_kind(kind, typed):
    with pytest.raises(InvalidInput):
        matter_key(kind, typed, commit)


def test_a_persons_number_is_neither_key_nor_message():
    key = matter_key("person", f"{NUMBER}:2026-05", commit)

    assert NUMBER not in key
    assert key == f"{commit(NUMBER)}:2026-05"
    assert matter_key("person", NUMBER.lower(), commit) == commit(NUMBER)
    assert matter_key("person", key, commit) == key
    with pytest.raises(InvalidInput) as caught:
        matter_key("person", f"{NUMBER}99", commit)
    assert NUMBER not in caught.value.message


def test_a_title_keeps_its_stem_when_it_rises():
    province = Matter("title", "首台套:省级:2025:A1")
    nation = Matter("title", "首台套:国家级:2026:A1")

    assert province.stem == nation.stem == "首台套:A1"
    assert Matter("title", "首台套:国家级:2026:B2").stem != nation.stem
    assert Matter("contract", "HT-2026-001").stem == "HT-2026-001"


@pytest.mark.parametrize(
    "given",
    [
        None,
        [],
        {},
        "contract:HT-2026-001",
        ["HT-2026-001"],
        [{"kind": "contract"}],
        [{"kind": "contract", "key": "HT-2026-001", "note": "x"}],
        [{"kind": "contract", "key": "HT-2026-001"}, {"kind": "contract", "key": "ht-2026-001"}],
        [{"kind": "contract", "key": "HT-2026-001", "from": "2026-01-01"}],
        [{"kind": "contract", "key": "HT-2026-001", "from": "2026-01-02", "to": "2026-01-01"}],
        [{"kind": "contract", "key": "HT-2026-001", "from": "2026-02-30", "to": "2026-03-01"}],
        [{"kind": "contract", "key": "HT-2026-001", "from": "20260101", "to": "2026-03-01"}],
        [{"kind": "contract", "key": "HT-2026-001", "from": 1, "to": 2}],
        [{"kind": "contract", "key": "HT-2026-001", "items": ["GPU"]}],
        [{"kind": "contract", "key": "HT-2026-001", "items": {"GPU": 1.5}}],
        [{"kind": "contract", "key": "HT-2026-001", "items": {"GPU": -1}}],
        [{"kind": "contract", "key": "HT-2026-001", "items": {"GPU": 10**30}}],
        [{"kind": "contract", "key": "HT-2026-001", "items": {"": 1}}],
        [{"kind": "contract", "key": "HT-2026-001", "items": {"GPU": 1, "gpu": 2}}],
        [{"kind": "contract", "key": f"HT-2026-{n:03}"} for n in range(101)],
    ],
)
def test_a_list_of_matters_is_read_strictly(given):
    with pytest.raises(InvalidInput):
        matters_of(given, commit)


def test_a_matter_is_written_as_it_is_read():
    given = [
        {"kind": "invoice", "key": "26312000000012345678"},
        {"kind": "contract", "key": "HT-2026-001", "from": "2026-01-01", "to": "2026-06-30",
         "items": {"GPU": 5}},
    ]  # fmt: skip

    assert matters_data(matters_of(given, commit)) == given


@given(st.text(max_size=90))
def test_any_text_is_refused_or_has_a_normal_form(typed):
    for kind in KINDS:
        try:
            key = matter_key(kind, typed, commit)
        except InvalidInput:
            continue
        assert matter_key(kind, key, commit) == key
