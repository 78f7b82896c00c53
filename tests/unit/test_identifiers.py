"""Credit codes, identity documents and their masks (domain handbook §7.3, §8)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caseflow.identity.identifiers import (
    Identity,
    check_identity,
    check_resident_id,
    check_uscc,
    mask_account,
    mask_identity,
    mask_phone,
)
from caseflow.kernel.errors import InvalidInput

CODES = (
    "91320602MA1TE5T186",
    "91320681MA2TE5T28T",
    "91320902MA3TE5T384",
    "91320214MA4TE5T48K",
    "91320600MA9DEM0A33",
)
CHARACTERS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
RESIDENT = "320681198512310021"


@pytest.mark.parametrize("code", CODES)
def test_the_handbooks_codes_are_good(code):
    assert check_uscc(code) == code


@pytest.mark.parametrize("code", CODES)
def test_every_change_of_one_character_is_refused(code):
    changed = [
        code[:place] + character + code[place + 1 :]
        for place in range(18)
        for character in CHARACTERS
        if character != code[place]
    ]

    for wrong in changed:
        with pytest.raises(InvalidInput):
            check_uscc(wrong)

    assert len(changed) == 18 * 35


@pytest.mark.parametrize("code", CODES)
def test_every_swap_of_two_different_neighbours_is_refused(code):
    swapped = [code[:i] + code[i + 1] + code[i] + code[i + 2 :] for i in range(17)]

    for wrong in (each for each in swapped if each != code):
        with pytest.raises(InvalidInput):
            check_uscc(wrong)


def test_small_letters_and_spaces_around_a_code_are_put_right():
    assert check_uscc(" 91320681ma2te5t28t\n") == "91320681MA2TE5T28T"


@pytest.mark.parametrize("code", ["N2320681MA2TE5T28", "Y1320681MA2TE5T28"])
def test_departments_that_are_letters_are_known(code):
    good = [check for check in CHARACTERS if _is_good(code + check)]

    assert len(good) == 1


def _is_good(code: str) -> bool:
    try:
        check_uscc(code)
    except InvalidInput:
        return False
    return True


def test_full_width_digits_are_refused_and_named():
    with pytest.raises(InvalidInput, match="full-width") as refused:
        check_uscc("９1320681MA2TE5T28T")

    assert "U+FF19" in refused.value.fields["uscc"]


@pytest.mark.parametrize(
    "code", ["", "91320681MA2TE5T28", "91320681MA2TE5T28TT", "91320681 MA2TE5T28T"]
)
def test_a_code_of_another_length_is_refused(code):
    with pytest.raises(InvalidInput, match="18 characters"):
        check_uscc(code)


def test_eighteen_zeros_are_no_code_although_their_check_fits():
    with pytest.raises(InvalidInput):
        check_uscc("0" * 18)


def test_a_number_of_an_area_that_did_not_exist_yet_is_good():
    assert check_resident_id(RESIDENT) == RESIDENT


def test_a_small_x_is_put_right():
    assert check_resident_id("11010519491231002x") == "11010519491231002X"


@pytest.mark.parametrize("place", range(18))
def test_another_digit_in_a_resident_number_is_refused(place):
    for digit in "0123456789X":
        wrong = RESIDENT[:place] + digit + RESIDENT[place + 1 :]
        if wrong != RESIDENT:
            with pytest.raises(InvalidInput):
                check_resident_id(wrong)


@pytest.mark.parametrize(
    "number",
    [
        "320681198502290022",  # 1985 was no leap year
        "320681198513010025",
        "320681850101002",  # fifteen digits: no longer valid
        "32068119851231002１",
    ],
)
def test_what_is_no_resident_number_is_refused(number):
    with pytest.raises(InvalidInput):
        check_resident_id(number)


def test_a_refusal_does_not_repeat_the_number():
    with pytest.raises(InvalidInput) as refused:
        check_resident_id("320681198512310022")

    assert "1985" not in str(refused.value)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("resident_id", RESIDENT),
        ("hk_macao_taiwan_residence", "810000199408230021"),
        ("hk_macao_taiwan_residence", "830000199201300022"),
        ("foreign_permanent_residence", "932682198501010017"),
        ("passport", "E12345678"),
        ("passport", "G1234567"),
    ],
)
def test_each_document_is_known_by_its_number(kind, number):
    assert check_identity(kind, number) == Identity(kind, number)


@pytest.mark.parametrize(
    ("kind", "number"),
    [
        ("hk_macao_taiwan_residence", RESIDENT),
        ("foreign_permanent_residence", RESIDENT),
        ("foreign_permanent_residence", "USA320085010103"),
        ("passport", "E1234567890"),
        ("passport", "ABCDEFGH"),
        ("passport", "E-1234567"),
        ("driving_licence", RESIDENT),
    ],
)
def test_a_number_of_another_document_is_refused(kind, number):
    with pytest.raises(InvalidInput):
        check_identity(kind, number)


def test_masks_show_what_the_handbook_allows():
    assert mask_phone("13812341234") == "138****1234"
    assert mask_identity("350681198512310123") == "35*************123"
    assert mask_account("6222021234567890") == "************7890"


@given(st.text(alphabet=CHARACTERS, min_size=1, max_size=24))
def test_no_mask_ever_shows_a_whole_number(number):
    for mask in (mask_identity, mask_phone, mask_account):
        hidden = mask(number)

        assert len(hidden) == len(number)
        assert hidden.count("*") * 3 >= len(number)
