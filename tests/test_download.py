from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from cctview.download import Download, download
from cctview.errors import DownloadError
from file_server import Files, serving

DATA = bytes(range(256)) * 4096


@pytest.fixture
def server() -> Iterator[Files]:
    with serving() as files:
        files.content["/a.bin"] = DATA
        yield files


def whole(server: Files, path: str = "/a.bin") -> Download:
    return Download(address=server.at(path), size=len(DATA), sha256=hashlib.sha256(DATA).hexdigest())


def test_a_file_is_fetched_once_with_progress(server: Files, tmp_path: Path) -> None:
    seen: list[tuple[str, int, int | None]] = []
    path = download(whole(server, "/moved/a.bin"), tmp_path / "deep" / "a.bin", lambda *step: seen.append(step))
    assert path.read_bytes() == DATA
    assert seen[-1] == ("a.bin", len(DATA), len(DATA))
    download(whole(server), path)
    assert [asked for asked, _ in server.asked] == ["/moved/a.bin", "/a.bin"]
    assert list(path.parent.iterdir()) == [path]


def test_an_interrupted_download_goes_on_where_it_was(server: Files, tmp_path: Path) -> None:
    server.cut = 100_000
    with pytest.raises(DownloadError, match=r"goes on where it was|ended after"):
        download(whole(server), tmp_path / "a.bin")
    assert not (tmp_path / "a.bin").exists()
    there = (tmp_path / "a.bin.part").stat().st_size
    assert 0 < there <= 100_000
    assert download(whole(server), tmp_path / "a.bin").read_bytes() == DATA
    assert server.asked[-1] == ("/a.bin", f"bytes={there}-")


def test_a_server_that_cannot_go_on_sends_all_of_it(server: Files, tmp_path: Path) -> None:
    server.ranges = False
    (tmp_path / "a.bin.part").write_bytes(b"other" * 10)
    assert download(whole(server), tmp_path / "a.bin").read_bytes() == DATA


def test_another_file_than_recorded_is_thrown_away(server: Files, tmp_path: Path) -> None:
    server.content["/a.bin"] = DATA[::-1]
    for known in (whole(server), Download(address=server.at("/a.bin"), sha256="0" * 64)):
        with pytest.raises(DownloadError, match="another file than recorded"):
            download(known, tmp_path / "a.bin")
    server.content["/a.bin"] = DATA * 2
    with pytest.raises(DownloadError, match="another file than recorded"):
        download(whole(server), tmp_path / "a.bin")
    assert list(tmp_path.iterdir()) == []


def test_a_file_of_unknown_size_and_checksum(server: Files, tmp_path: Path) -> None:
    known = Download(address=server.at("/a.bin"))
    (tmp_path / "a.bin.part").write_bytes(DATA)
    assert download(known, tmp_path / "a.bin").read_bytes() == DATA
    assert server.asked == [("/a.bin", f"bytes={len(DATA)}-")]


def test_what_cannot_be_reached_is_said_with_the_next_step(server: Files, tmp_path: Path) -> None:
    with pytest.raises(DownloadError, match="answers 404 Not Found"):
        download(Download(address=server.at("/nothing")), tmp_path / "a.bin")
    with pytest.raises(DownloadError, match="check the network and run this again"):
        download(Download(address="http://127.0.0.1:1/a.bin"), tmp_path / "a.bin")
    with pytest.raises(DownloadError, match=r"cannot be reached|no address"):
        download(Download(address="nowhere"), tmp_path / "a.bin")
    (tmp_path / "file").write_text("")
    with pytest.raises(DownloadError, match="cannot be written"):
        download(whole(server), tmp_path / "file" / "a.bin")
