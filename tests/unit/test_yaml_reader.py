from datetime import date
from itertools import pairwise

import pytest

from caseflow.catalogue.yaml_reader import MAX_BYTES, read_text, read_yaml
from caseflow.kernel.errors import DefinitionError


def data(text):
    return read_text(text, file="x.yaml").data


def faults(text):
    with pytest.raises(DefinitionError) as refused:
        read_text(text, file="x.yaml")
    return [(problem.line, problem.rule) for problem in refused.value.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("5", 5),
        ("-5", -5),
        ("0", 0),
        ('"5"', "5"),
        ("'0.5'", "0.5"),
        ("true", True),
        ("false", False),
        ("null", None),
        ("~", None),
        ("", None),
        ("2027-03-01", date(2027, 3, 1)),
        ('"2027-03-01"', "2027-03-01"),
        ('"yes"', "yes"),
        ("最高200万元", "最高200万元"),
        ("5 working_days", "5 working_days"),
        ("$publicity_days", "$publicity_days"),
        ("1.2.3", "1.2.3"),
        ("|-\n  一行\n  两行", "一行\n两行"),
        ("[a, 1]", ["a", 1]),
        ("{a: 1}", {"a": 1}),
        ("[]", []),
    ],
)
def test_a_value_is_what_it_unmistakably_is(written, value):
    assert data(f"key: {written}") == {"key": value}


@pytest.mark.parametrize(
    ("written", "rule"),
    [
        ("0.5", "yaml-float"),
        (".5", "yaml-float"),
        ("-1.", "yaml-float"),
        ("1e3", "yaml-float"),
        (".inf", "yaml-float"),
        (".nan", "yaml-float"),
        ("yes", "yaml-boolean"),
        ("No", "yaml-boolean"),
        ("on", "yaml-boolean"),
        ("OFF", "yaml-boolean"),
        ("True", "yaml-boolean"),
        ("010", "yaml-ambiguous"),
        ("00", "yaml-ambiguous"),
        ("0x1F", "yaml-ambiguous"),
        ("0o17", "yaml-ambiguous"),
        ("0b11", "yaml-ambiguous"),
        ("1_000", "yaml-ambiguous"),
        ("1:30", "yaml-ambiguous"),
        ("190:20:30", "yaml-ambiguous"),
        ("NULL", "yaml-ambiguous"),
        ("2027-3-1", "yaml-ambiguous"),
        ("2027-03-01 10:00:00", "yaml-ambiguous"),
        ("2027-03-01T10:00:00Z", "yaml-ambiguous"),
        ("2027-02-29", "yaml-date"),
        ("!!str 5", "yaml-tag"),
        ("!!python/object:os.system x", "yaml-tag"),
        ("&here 5", "yaml-alias"),
    ],
)
def test_a_value_that_others_read_differently_is_refused(written, rule):
    assert faults(f"one: 1\nkey: {written}") == [(2, rule)]


def test_a_float_says_how_to_write_it():
    with pytest.raises(DefinitionError, match=r'x.yaml:1: .*write it as a string "0.5"'):
        read_text("rate: 0.5", file="x.yaml")


def test_a_duplicate_key_is_refused_where_it_stands_again():
    assert faults("a: 1\nb:\n  c: 1\n  c: 2\n") == [(4, "yaml-duplicate-key")]


def test_the_same_key_in_two_mappings_is_no_duplicate():
    assert data("a: {x: 1}\nb: {x: 2}") == {"a": {"x": 1}, "b": {"x": 2}}


def test_an_alias_and_its_anchor_are_both_refused():
    assert faults("a: &x [1]\nb: *x\n") == [(1, "yaml-alias"), (2, "yaml-alias")]


def test_a_merge_key_is_refused_but_quoted_it_is_text():
    assert faults("a:\n  <<: {b: 1}\n") == [(2, "yaml-alias")]
    assert data('"<<": 1') == {"<<": 1}


@pytest.mark.parametrize("key", ["1", "true", "null", "2027-03-01"])
def test_a_key_that_is_not_text_is_refused(key):
    assert faults(f"{key}: x") == [(1, "yaml-key")]


def test_an_odd_key_is_refused_once():
    assert faults("on: x") == [(1, "yaml-boolean")]


def test_a_mapping_as_a_key_is_refused():
    assert faults("a: 1\n? {b: 1}\n: x\n") == [(2, "yaml-syntax")]


def test_all_faults_are_reported_in_the_order_of_their_lines():
    text = "a: 0.5\nb: yes\nb: 1\nc: !x 1\n"

    assert faults(text) == [
        (1, "yaml-float"),
        (2, "yaml-boolean"),
        (3, "yaml-duplicate-key"),
        (4, "yaml-tag"),
    ]


def test_a_syntax_error_keeps_the_faults_before_it():
    assert faults("a: 0.5\nb: [1\nc: 2\n") == [(1, "yaml-float"), (3, "yaml-syntax")]


def test_a_control_character_is_a_syntax_error():
    assert faults("a: \x07") == [(1, "yaml-syntax")]


def test_two_documents_in_one_file_are_refused():
    assert faults("a: 1\n---\nb: 1\n") == [(2, "yaml-syntax")]


@pytest.mark.parametrize("text", ["", "# only a comment\n"])
def test_an_empty_file_is_refused(text):
    assert faults(text) == [(1, "yaml-empty")]


def test_twenty_levels_are_read_and_twenty_one_refused():
    twenty = "[" * 20 + "]" * 20
    twenty_one = "\n" + "[" * 21 + "]" * 21

    assert isinstance(data(twenty), list)
    assert faults(twenty_one) == [(2, "yaml-syntax")]


def test_a_bomb_of_aliases_is_refused_without_unfolding_it():
    levels = "".join(f"{c}: &{c} [*{p}, *{p}]\n" for p, c in pairwise("abcdefgh"))
    bomb = "a: &a [x, x]\n" + levels

    assert {rule for _, rule in faults(bomb)} == {"yaml-alias"}


def test_every_key_and_item_has_its_line():
    document = read_text("a:\n  b: 1\n  c:\n    - x\n    - y\nd: {e: 1}\n", file="x.yaml")

    assert document.lines == {
        (): 1,
        ("a",): 1,
        ("a", "b"): 2,
        ("a", "c"): 3,
        ("a", "c", 0): 4,
        ("a", "c", 1): 5,
        ("d",): 6,
        ("d", "e"): 6,
    }
    assert document.line("a", "c", 7, "z") == 3
    assert document.line("nowhere") == 1


def test_a_file_is_read_with_its_name(tmp_path):
    path = tmp_path / "stage.yaml"
    path.write_text("stage: 公示\n", encoding="utf-8")

    document = read_yaml(path)

    assert document.data == {"stage": "公示"}
    assert document.file == str(path)


def problems_of(path):
    with pytest.raises(DefinitionError) as refused:
        read_yaml(path)
    return [(problem.line, problem.rule) for problem in refused.value.problems]


def test_a_file_of_256_kilobytes_is_read_and_one_byte_more_refused(tmp_path):
    path = tmp_path / "big.yaml"

    path.write_bytes(b"a: 1\n#".ljust(MAX_BYTES, b"x"))
    assert read_yaml(path).data == {"a": 1}

    path.write_bytes(b"a: 1\n#".ljust(MAX_BYTES + 1, b"x"))
    assert problems_of(path) == [(1, "yaml-too-large")]


def test_a_file_that_is_not_utf8_is_refused_with_the_line(tmp_path):
    path = tmp_path / "gbk.yaml"
    path.write_bytes("a: 1\nb: 公示\n".encode("gbk"))

    assert problems_of(path) == [(2, "yaml-encoding")]


def test_a_missing_file_is_refused(tmp_path):
    assert problems_of(tmp_path / "none.yaml") == [(1, "yaml-missing-file")]
