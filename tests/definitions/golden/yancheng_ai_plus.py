"""盐城, a draft: written from text.txt, independently of the measures' files."""

from datetime import date

from tests.definitions.golden.form import Golden

SCENARIOS = "市工信局、市发改委、市国资委"
PROJECTS = "各有关县（市、区）、盐城经济技术开发区、盐南高新区、市数据局、市工信局"
FINANCE = "市财政局、市政府办、市工信局、市科技局、黄海金控集团、市人民银行、市金融监管办"
TALENT = "市委组织部、市工信局、市科技局、市人社局"

GOLDEN = Golden(
    code="yancheng-ai-plus",
    prefix="YC",
    title="盐城市支持“人工智能+”发展若干政策措施",
    doc_no=None,
    status="consultation_draft",
    issued_on=None,
    effective_from=None,
    effective_to=date(2027, 12, 31),
    text_sha256="cde4e44404c5d8cb071a0da9727f362512acc2344b7d5e7b4b28306dd7610a96",
    articles=10,
    rows=[
        ("1a", [500_000], [], "市工信局", "c"),
        ("1b", [300_000], [], "市工信局", "c"),
        ("1c", [], [], "市工信局", ""),
        ("1d", [], [], "市工信局", ""),
        ("2a", [], [], SCENARIOS, ""),
        ("2b", [], [], SCENARIOS, ""),
        ("2c", [500_000, 100_000], [], SCENARIOS, "ff"),
        ("2d", [], [], SCENARIOS, ""),
        ("3", [], [], PROJECTS, ""),
        ("4a", [10_000_000], [], "市科技局、市工信局", "c"),
        ("4b", [2_000_000], ["20"], "市科技局、市工信局", "cc"),
        ("5", [], [], "市工信局、市委网信办、市数据局", ""),
        ("6", [], [], "市数据局、市工信局", ""),
        ("6b", [], [], "市数据局、市工信局", ""),
        ("7", [], [], FINANCE, ""),
        ("7b", [], [], FINANCE, ""),
        ("8a", [3_000_000, 1_000_000], [], TALENT, "rr"),
        ("8b", [3_000, 2_000], [], TALENT, "ff"),
        ("8c", [80_000], [], TALENT, "f"),
        ("8d", [], [], TALENT, ""),
        ("8e", [], [], TALENT, ""),
        ("9", [1_000_000, 500_000], [], "市工信局、市科技局、市数据局", "cc"),
        ("10", [500_000], ["30"], "市工信局、市财政局", "fc"),
    ],
    families={
        "b": "8a 8b 8c 8d 8e",
        "c": "1c 1d 2a 2d 5 6 6b",
        "d": "10",
        "e": "2b",
        "g": "1a 1b 2c 9",
        "i": "7b",
        "j": "7",
        "k": "4b",
        "l": "3",
        "m": "4a",
    },
    processes={
        "allowances": "8b 8c",
        "recommendations": "8d 8e",
        "opportunities": "2d",
        "issued_vouchers": "2b",
        "fee_support": "7b",
        "matched_research": "4a",
    },
    questions={
        "AMB-07": "10",
        "AMB-08": "1c 1d 2a 2b 2d 3 5 6 6b 7 7b 8d 8e",
        "AMB-17": "1b 2c",
        "AMB-19": "2a",
        "AMB-21": "4a",
        "AMB-22": "4b",
        "AMB-23": "1b",
        "AMB-24": "1c 2a 8c",
        "AMB-27": "10",
        "AMB-29": "8b 8c",
        "AMB-30": "8b 8c",
        "AMB-35": "10",
        "AMB-38": "2c 9",
        "AMB-39": "3",
    },
    yearly="8c",
    monthly="8b",
    range_lows={"8a": [1_000_000, 300_000]},
    by_the_government="3",
)
