"""Golden tables of the five policies."""

from tests.definitions.golden import (
    nantong_2026,
    nantong_agi_2024,
    qidong_2026,
    wuxi_2025,
    yancheng_ai_plus,
)

ALL = {
    module.GOLDEN.code: module.GOLDEN
    for module in (nantong_2026, nantong_agi_2024, qidong_2026, wuxi_2025, yancheng_ai_plus)
}
