"""南通 2026, a draft: written from text.txt, independently of the measures' files."""

from datetime import date

from tests.definitions.golden.form import Golden

INVITING = "市发展改革委、市工信局、市科技局"
ELEMENTS = "市科技局、市数据局、各领域行业主管部门"
SCENARIOS = "市发展改革委、各领域行业主管部门"
TALENT = "市委组织部、市科技局、市工信局、市人社局、市财政局"
FINANCE = "市财政局、产控集团、科创集团"

GOLDEN = Golden(
    code="nantong-2026",
    prefix="NT26",
    title="南通市加快打造长三角人工智能特色应用和创新发展城市的若干措施（2026年版）",
    doc_no=None,
    status="consultation_draft",
    issued_on=None,
    effective_from=None,
    effective_to=date(2027, 3, 1),
    text_sha256="2bc497d275236fc104f0495f123722d775d1815e17d81cdd0930249780019cd5",
    articles=9,
    rows=[
        ("1a", [100_000_000], ["10"], INVITING, "cc"),
        ("1b", [20_000_000], ["10"], INVITING, "cc"),
        ("1c", [10_000_000], ["30"], INVITING, "cc"),
        ("1d", [20_000_000], [], "市科技局", "c"),
        ("2a", [1_000_000], ["30"], "市科技局、各领域行业主管部门", "fc"),
        ("2b", [1_000_000], [], "市工信局", "c"),
        ("2c", [2_000_000], [], "市工信局", "c"),
        ("3a", [400_000, 200_000], [], "市科技局", "cc"),
        ("3b", [200_000], ["100"], "市科技局", "cc"),
        ("3c", [100_000], ["100"], "市科技局", "cc"),
        ("4a", [4_000_000], ["50"], ELEMENTS, "fc"),
        ("4b", [2_000_000], ["20"], ELEMENTS, "fc"),
        ("4c", [1_000_000], [], ELEMENTS, "f"),
        ("4d", [2_000_000], ["20"], ELEMENTS, "fc"),
        ("4e", [2_000_000], [], ELEMENTS, "c"),
        ("4f", [1_000_000, 500_000], [], ELEMENTS, "ff"),
        ("4g", [500_000], [], ELEMENTS, "f"),
        ("5a", [10_000_000], [], SCENARIOS, "c"),
        ("5b", [1_000_000], [], SCENARIOS, "c"),
        ("6a", [5_000_000], [], "市科技局", "c"),
        ("6b", [10_000_000], [], "市科技局", "c"),
        ("7a", [10_000_000], [], TALENT, "f"),
        ("7b", [100_000_000], [], TALENT, "c"),
        ("8a", [], [], FINANCE, ""),
        ("8b", [], ["1"], FINANCE, "c"),
        ("9", [500_000], ["30"], "市发展改革委、市科技局、市工信局、各领域行业主管部门", "fc"),
    ],
    families={
        "a": "1d",
        "b": "7a 7b",
        "c": "2a 4e 5a 5b",
        "d": "9",
        "e": "3b 3c 4a 4b 4d",
        "f": "1a 1b 1c",
        "g": "2b 2c 4c 4f 4g",
        "i": "8b",
        "j": "8a",
        "k": "3a",
        "m": "6a 6b",
    },
    processes={
        "issued_vouchers": "3b 3c",
        "yearly_awards": "3a",
        "matched_research": "6b",
        "concessions": "8a",
    },
    questions={
        "AMB-01": "4a",
        "AMB-08": "8a",
        "AMB-14": "3b 3c",
        "AMB-15": "2a 4d",
        "AMB-16": "1c",
        "AMB-17": "2a 2b 4g",
        "AMB-18": "4g",
        "AMB-19": "2c",
        "AMB-21": "5a 6b",
        "AMB-24": "5b",
        "AMB-26": "1a 1b 3b 3c 4a 4d",
        "AMB-31": "8b",
        "AMB-35": "9",
        "AMB-37": "1a 1b 2a",
        "AMB-38": "2c",
        "AMB-39": "5a",
    },
    also={"AMB-05": "1d"},
    yearly="3a 4b",
)
