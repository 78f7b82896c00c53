"""南通 2024 (通用人工智能): written from text.txt, independently of the measures' files."""

from datetime import date

from tests.definitions.golden.form import Golden

GOLDEN = Golden(
    code="nantong-agi-2024",
    prefix="NT24",
    title="关于促进通用人工智能产业创新发展的行动方案",
    doc_no="通政办规〔2024〕7号",
    status="in_force",
    issued_on=date(2024, 11, 28),
    effective_from=date(2025, 2, 1),
    effective_to=date(2027, 12, 31),
    text_sha256="cc29b3c6420a69160b3634084057ecc5273c718bedd79283eda11a5438994561",
    articles=9,
    rows=[
        ("1a", [30_000_000], [], "市科技局、数据局", "c"),
        ("1b", [5_000_000], [], "市科技局、数据局", "c"),
        ("2", [2_000_000], ["20"], "市科技局、数据局", "cc"),
        ("3", [3_000_000], [], "市科技局、数据局", "c"),
        ("4", [1_000_000], [], "市数据局", "c"),
        ("5", [], [], "市财政局", ""),
        ("5b", [], [], "市财政局", ""),
        ("6", [], ["50"], "市财政局", "f"),
        ("7", [10_000_000], [], "市科技局", "c"),
        ("8", [1_000_000], [], "市科技局", "c"),
        ("8b", [5_000_000], [], "市科技局", "c"),
        ("9a", [5_000_000, 6_000_000], [], "市委人才办、市人社局", "rr"),
        ("9b", [2_000, 3_000], [], "市委人才办、市人社局", "ff"),
        ("9c", [2_000_000, 3_000_000], [], "市委人才办、市人社局", "rr"),
        ("9d", [], [], "市委人才办、市人社局", ""),
    ],
    families={
        "a": "7",
        "b": "9a 9b 9c 9d",
        "c": "3 4",
        "e": "2",
        "f": "1a 1b",
        "i": "6",
        "j": "5 5b",
        "m": "8 8b",
    },
    processes={
        "instant_vouchers": "2",
        "concessions": "5b",
        "allowances": "9b",
        "recommendations": "9d",
    },
    questions={
        "AMB-05": "7",
        "AMB-08": "5 5b 9d",
        "AMB-15": "3",
        "AMB-16": "1b",
        "AMB-28": "9b",
        "AMB-30": "1b",
        "AMB-31": "6",
    },
    also={"AMB-28": "9d"},
    yearly="2",
    monthly="9b",
    range_lows={"9a": [1_000_000, 2_000_000], "9c": [500_000, 2_000_000]},
)
