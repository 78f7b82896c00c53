"""What a public list never shows."""

import pytest

from caseflow.kernel.masking import masked


@pytest.mark.parametrize(
    "number",
    ["32068119900101123X", "320681199001011234", "13812345678", "6222021234567890123"],
)
def test_numbers_of_persons_and_accounts_are_masked(number):
    assert masked(f"联系人（{number}）") == "联系人（＊＊＊）"


@pytest.mark.parametrize(
    "text",
    ["91320681MA2TE5T28T", "QD26-7a-2026-000001", "2026年", "启政办规〔2026〕1号", "0513-83312345"],
)
def test_credit_codes_case_numbers_and_offices_stay(text):
    assert masked(text) == text
