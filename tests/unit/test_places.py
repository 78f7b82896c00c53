import pytest

from caseflow.catalogue.places import FOLDERS, OVERRIDE, data_root, policy_folders
from caseflow.kernel.errors import NotFound


def filled(folder):
    for name in FOLDERS:
        (folder / name).mkdir(parents=True)
    return folder


def test_the_override_wins(tmp_path):
    elsewhere = filled(tmp_path / "elsewhere")
    package = tmp_path / "site" / "caseflow"
    filled(package / "_data")

    assert data_root({OVERRIDE: str(elsewhere)}, package=package) == elsewhere


def test_an_override_that_lacks_a_folder_is_refused_by_name(tmp_path):
    elsewhere = filled(tmp_path / "elsewhere")
    (elsewhere / "notifications").rmdir()

    with pytest.raises(NotFound, match=OVERRIDE):
        data_root({OVERRIDE: str(elsewhere)})


def test_a_wheel_has_its_data_inside_the_package(tmp_path):
    package = tmp_path / "site" / "caseflow"
    data = filled(package / "_data")

    assert data_root({}, package=package) == data


def test_a_checkout_has_its_data_beside_the_package(tmp_path):
    checkout = filled(tmp_path / "checkout")

    assert data_root({}, package=checkout / "caseflow") == checkout


def test_without_data_anywhere_the_message_says_what_to_set(tmp_path):
    with pytest.raises(NotFound, match="workflows, policies, notifications, migrations"):
        data_root({}, package=tmp_path / "caseflow")


def test_an_empty_override_is_no_override(tmp_path):
    checkout = filled(tmp_path / "checkout")

    assert data_root({OVERRIDE: ""}, package=checkout / "caseflow") == checkout


def test_only_folders_with_a_policy_file_are_policies(tmp_path):
    for name in ("b-2026", "a-2026", "cities"):
        (tmp_path / "policies" / name).mkdir(parents=True)
    for name in ("b-2026", "a-2026"):
        (tmp_path / "policies" / name / "policy.yaml").touch()

    assert [folder.name for folder in policy_folders(tmp_path)] == ["a-2026", "b-2026"]
