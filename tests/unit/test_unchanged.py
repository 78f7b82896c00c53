"""What was read is kept while no file changes, and read again when one does."""

import os

import pytest

from caseflow.catalogue.unchanged import MOST, Unchanged


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "a.yaml").write_text("one")
    return tmp_path


@pytest.fixture
def reads():
    """How often each folder was really read."""
    return []


@pytest.fixture
def kept(reads):
    def read(folder):
        reads.append(folder)
        return {path.name: path.read_text() for path in folder.glob("*.yaml")}

    return Unchanged(lambda folder: folder.glob("*.yaml"), read)


def test_an_unchanged_folder_is_read_once(kept, folder, reads):
    assert kept(folder) is kept(folder)
    assert reads == [folder]


def test_another_length_is_noticed(kept, folder):
    kept(folder)
    (folder / "a.yaml").write_text("three")

    assert kept(folder) == {"a.yaml": "three"}


def test_another_time_is_noticed(kept, folder):
    kept(folder)
    (folder / "a.yaml").write_text("two")
    os.utime(folder / "a.yaml", ns=(1, 1))

    assert kept(folder) == {"a.yaml": "two"}


def test_a_new_file_and_a_file_that_is_gone_are_noticed(kept, folder):
    kept(folder)
    (folder / "b.yaml").write_text("two")
    assert kept(folder) == {"a.yaml": "one", "b.yaml": "two"}
    (folder / "a.yaml").unlink()

    assert kept(folder) == {"b.yaml": "two"}


def test_no_more_than_so_many_folders_are_kept(kept, tmp_path, reads):
    folders = [tmp_path / str(number) for number in range(MOST + 1)]
    for folder in folders:
        folder.mkdir()
        kept(folder)
    kept(folders[0])

    assert reads == [*folders, folders[0]]


def test_what_cannot_be_read_is_not_kept(folder):
    def fail(_folder):
        raise ValueError("broken")

    broken = Unchanged(lambda folder: folder.glob("*.yaml"), fail)
    for _ in range(2):
        with pytest.raises(ValueError, match="broken"):
            broken(folder)
