from __future__ import annotations

import csv
import io
import shutil
import stat
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from cctview.datasets import Dataset, datasets, fetch, unpack
from cctview.download import Download
from cctview.errors import FormatError, MissingError
from file_server import Files, serving

TREE = {"main-1/sample/733/a--original.jpeg": b"still", "main-1/sample/tree.txt": b"tree", "main-1/code/x.py": b"x"}


def zipped(files: dict[str, bytes]) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return data.getvalue()


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as files:
        yield files


def known(server: Files, data: bytes) -> dict[str, Dataset]:
    server.content["/sample.zip"] = data
    what = Download(address=server.at("/sample.zip"), size=len(data))
    return {"sample": Dataset(name="sample", about="a few", what=what, keep=("sample",), strip=1)}


def test_what_the_original_published_is_known_with_its_checksums(real_data: Path) -> None:
    offered = datasets()
    with (real_data / "original" / "published.csv").open() as file:
        zips = [row for row in csv.DictReader(file) if row["path"].startswith("data/")]
    assert len(zips) == 6
    for row in zips:
        what = offered[f"zip-{Path(row['path']).stem}"].what
        assert (what.size, what.sha256) == (int(row["bytes"]), row["sha256"])
        assert what.address.endswith(row["path"])
    assert sum(name.startswith("frames-") for name in offered) == 6
    assert "sample" in offered


def test_a_set_is_fetched_unpacked_and_not_fetched_again(server: Files, tmp_path: Path) -> None:
    offered = known(server, zipped(TREE))
    folder, count = fetch("sample", tmp_path, known=offered)
    assert count == 2
    assert (folder / "sample" / "733" / "a--original.jpeg").read_bytes() == b"still"
    assert not list(folder.rglob("*.py"))
    assert fetch("sample", tmp_path, known=offered) == (folder, 2)
    assert len(server.asked) == 1
    assert "sha256" in (tmp_path / "sample.fetched").read_text()
    with pytest.raises(MissingError, match="did you mean 'sample'"):
        fetch("sampel", tmp_path, known=offered)


def test_an_interrupted_fetch_goes_on(server: Files, tmp_path: Path) -> None:
    offered = known(server, zipped({**TREE, "main-1/sample/noise": bytes(range(256)) * 999}))
    server.cut = 200
    with pytest.raises(OSError, match=r"goes on|ended after"):
        fetch("sample", tmp_path, known=offered)
    assert fetch("sample", tmp_path, known=offered)[1] == 3
    assert server.asked[1][1].startswith("bytes=")


@pytest.mark.parametrize("name", ["../out", "a/../../out", "/out", "..\\out", "C:/out", "a/C:\\out"])
def test_a_name_that_leads_out_of_the_folder_is_refused_before_anything_is_written(name: str, tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(zipped({"good.txt": b"good", name: b"bad"}))
    with pytest.raises(FormatError, match="leads out of the folder"):
        unpack(path, tmp_path / "to")
    assert list(tmp_path.iterdir()) == [path]


def test_links_doubles_and_bombs_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    with zipfile.ZipFile(path, "w") as archive:
        link = zipfile.ZipInfo("link")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(FormatError, match="is a link"):
        unpack(path, tmp_path / "to")
    path.write_bytes(zipped({"a.txt": b"1", "A.TXT": b"2"}))
    with pytest.raises(FormatError, match="twice"):
        unpack(path, tmp_path / "to")
    path.write_bytes(zipped({"zeros": bytes(50_000_000)}))
    with pytest.raises(FormatError, match="would become"):
        unpack(path, tmp_path / "to")
    assert not (tmp_path / "to").exists()


def test_damaged_archives_and_stand_ins_are_said_so(tmp_path: Path) -> None:
    path = tmp_path / "a.zip"
    path.write_bytes(b"no zip")
    with pytest.raises(FormatError, match="no whole zip file"):
        unpack(path, tmp_path / "to")
    path.write_bytes(zipped({"a.jpeg": b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n"}))
    with pytest.raises(FormatError, match=r"stand-in for a.jpeg"):
        unpack(path, tmp_path / "to")
    whole = bytearray(zipped({"a.txt": b"content" * 99}))
    whole[40] ^= 255
    path.write_bytes(whole)
    with pytest.raises(FormatError, match="no whole zip file"):
        unpack(path, tmp_path / "to")


def test_a_fetched_sample_is_imported(server: Files, tmp_path: Path, real_data: Path) -> None:
    from cctview import original
    from cctview.detect import load_detector
    from cctview.privacy import Policy
    from cctview.store import create_store

    part = real_data / "original" / "sample" / "733-681-N"
    shutil.make_archive(str(tmp_path / "made"), "zip", part.parents[1], "sample/733-681-N")
    what = Download(address=server.at("/s.zip"))
    server.content["/s.zip"] = (tmp_path / "made.zip").read_bytes()
    folder, _ = fetch("s", tmp_path, known={"s": Dataset(name="s", about="one camera", what=what)})
    store = create_store(tmp_path / "store", Policy.default("tests"))
    assert original.import_tree(folder, store, load_detector()).counts["frames"] == 1
