"""Which kinds of check a measure needs at which point: the measure's word, the family's, credit."""

from caseflow.catalogue.measures import WorkflowChoice
from caseflow.catalogue.schemas import WorkflowChoiceRecord
from tests.definitions.definitions import compile_demo, library_with, sound_text

EVERYWHERE = {"acceptance": ("credit",), "publicity": ("credit",), "payment": ("credit",)}
OF_THE_FAMILY = sound_text("demo.yaml") + "checks: {publicity: [credit, safety, credit]}\n"


def test_credit_is_checked_at_every_point_where_nobody_says_otherwise():
    assert compile_demo()["M-1"].checks == EVERYWHERE


def test_a_family_says_what_its_points_need_and_a_measure_goes_before_it(tmp_path):
    root = library_with(tmp_path, demo=OF_THE_FAMILY)

    own = compile_demo(root, checks={"payment": ("credit", "existence"), "publicity": ()})

    family = compile_demo(root)["M-1"].checks
    assert family == {**EVERYWHERE, "publicity": ("credit", "safety")}
    assert own["M-1"].checks["payment"] == ("credit", "existence")
    assert own["M-1"].checks["publicity"] == ()
    assert own["M-1/period"].checks["payment"] == ("credit", "existence")


def test_a_measures_file_may_name_known_kinds_and_points_only():
    read = WorkflowChoiceRecord()

    assert read.load({"checks": {"payment": ["credit"]}}) == WorkflowChoice(
        checks={"payment": ["credit"]}
    )
    assert "checks" in read.validate({"checks": {"payment": ["luck"]}})
    assert "checks" in read.validate({"checks": {"lunch": ["credit"]}})
