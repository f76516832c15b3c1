from __future__ import annotations

import shutil
from pathlib import Path, PurePosixPath

import pytest

from cctview.errors import FormatError
from cctview.formats.listing import read_detection_list, read_listing, write_detection_list, write_listing


def test_the_originals_list_of_detections_is_read_and_written_byte_for_byte(real_data: Path, tmp_path: Path) -> None:
    path = real_data / "original" / "sample--detections.csv"
    names, said = read_detection_list(path)
    assert len(names) == 65
    assert (said[0].still, said[0].rank, said[0].type, said[0].box) == (
        "253-134-S--2020-05-05--13.10.14", 1, "car", (113, 43, 124, 50),
    )  # fmt: skip
    write_detection_list(tmp_path / "again.csv", names)
    assert (tmp_path / "again.csv").read_bytes() == path.read_bytes()


def test_the_originals_listing_is_made_byte_for_byte(real_data: Path, tmp_path: Path) -> None:
    folder = tmp_path / "sample"
    shutil.copytree(real_data / "original" / "sample", folder, copy_function=shutil.copyfile)
    shutil.copyfile(real_data / "original" / "sample--detections.csv", folder / "sample--detections.csv")
    folder.chmod(0o755)
    (folder / "tree.txt").unlink()
    written = write_listing(folder)
    assert written.read_bytes() == (real_data / "original" / "tree.txt").read_bytes()


def test_a_listing_names_what_it_was_made_of(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "big.bin").write_bytes(bytes(3_500_000))
    (tmp_path / "a" / "c.txt").write_bytes(bytes(1023))
    (tmp_path / "z").mkdir()
    (tmp_path / ".hidden").write_text("")
    text = write_listing(tmp_path).read_text()
    assert "[3.3M]  big.bin" in text
    assert "[1023]  c.txt" in text
    assert text.endswith("\n3 directories, 3 files\n")
    assert read_listing(tmp_path / "tree.txt") == tuple(
        map(PurePosixPath, ("a", "a/b", "a/b/big.bin", "a/c.txt", "tree.txt", "z"))
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (".\nno branch\n", "no line of a listing"),
        (".\n├── [  96]  a/../b\n", "names no file"),
        (".\n    └── [  96]  a\n", "deeper than the line before"),
    ],
)
def test_listings_of_something_else_are_refused(text: str, words: str, tmp_path: Path) -> None:
    (tmp_path / "tree.txt").write_text(text, encoding="utf-8")
    with pytest.raises(FormatError, match=words):
        read_listing(tmp_path / "tree.txt")


def test_files_of_something_else_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("camera,time\n")
    with pytest.raises(FormatError, match=r"x\.csv"):
        read_detection_list(path)
    path.write_bytes(b"\xff\xff")
    with pytest.raises(FormatError, match="not a text file"):
        read_detection_list(path)
    with pytest.raises(FormatError, match="cannot be read"):
        read_detection_list(tmp_path / "nothing.csv")
