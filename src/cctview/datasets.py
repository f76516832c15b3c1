"""What the original published, fetched, checked and unpacked."""

from __future__ import annotations

import shutil
import stat
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any

from cctview.download import Download, download, sha256_of
from cctview.errors import FormatError, MissingError, nearest
from cctview.progress import silent
from cctview.seams import Progress

__all__ = ["Dataset", "datasets", "fetch", "unpack"]

_POINTER = b"version https://git-lfs"
_MOST_FILES = 1_000_000
_MOST_BYTES = 64_000_000_000
_MOST_RATIO = 200
_SMALL = 1_000_000
_COPY = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A published archive.

    ``keep`` are the folders wanted of it, all when empty; ``strip`` counts the leading folders its
    names lose.
    """

    name: str
    about: str
    what: Download
    keep: tuple[str, ...] = ()
    strip: int = 0


def datasets() -> Mapping[str, Dataset]:
    """Return the sets the original published, by name."""
    known = tomllib.loads((files("cctview") / "published.toml").read_text(encoding="utf-8"))
    return {name: _dataset(name, values) for name, values in known.items()}


def _dataset(name: str, values: Mapping[str, Any]) -> Dataset:
    return Dataset(
        name=name,
        about=values["about"],
        what=Download(address=values["address"], size=values.get("size", 0), sha256=values.get("sha256", "")),
        keep=tuple(values.get("keep", ())),
        strip=values.get("strip", 0),
    )


def fetch(
    name: str, folder: Path, progress: Progress = silent, *, known: Mapping[str, Dataset] | None = None
) -> tuple[Path, int]:
    """Fetch a set into ``folder/<name>`` and return that folder and the number of its files.

    One that lies there whole is not fetched again; a download that was interrupted is gone on with.
    Raise MissingError for an unknown name, DownloadError when it cannot be fetched, FormatError when
    its archive is not safe to unpack.
    """
    offered = datasets() if known is None else known
    if name not in offered:
        raise MissingError(f"no published set named {name!r}; {nearest(name, offered)}")
    wanted, target = offered[name], folder / name
    mark = folder / f"{name}.fetched"
    if mark.exists() and target.is_dir():
        return target, sum(path.is_file() for path in target.rglob("*"))
    archive = download(wanted.what, folder / f"{name}.zip", progress)
    count = unpack(archive, target, keep=wanted.keep, strip=wanted.strip, progress=progress)
    mark.write_text(f"{wanted.what.address}\nsha256 {sha256_of(archive)}\n", encoding="utf-8")
    archive.unlink()
    return target, count


def unpack(
    archive: Path, folder: Path, *, keep: tuple[str, ...] = (), strip: int = 0, progress: Progress = silent
) -> int:
    """Unpack a zip file and return how many files it held.

    Nothing is written unless the whole archive is safe: no name outside ``folder``, no link, no two
    files of one name, no more bytes than its size allows. Raise FormatError otherwise, or when it is
    damaged or holds stand-ins for files of Git LFS.
    """
    try:
        with zipfile.ZipFile(archive) as source:
            members = list(_safe(source.infolist(), archive, keep, strip))
            for number, (member, name) in enumerate(members, 1):
                _extract(source, member, folder / name, archive)
                progress("files", number, len(members))
    except (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError) as error:
        raise FormatError(f"{archive} is no whole zip file ({error}); remove it and fetch it again") from error
    return len(members)


def _safe(
    infos: list[zipfile.ZipInfo], archive: Path, keep: tuple[str, ...], strip: int
) -> Iterator[tuple[zipfile.ZipInfo, PurePosixPath]]:
    """Yield what is to be unpacked under which name; raise FormatError at the first that is not safe."""
    _require_bounded(infos, archive)
    seen: set[str] = set()
    for info in infos:
        name = _name(info, archive, strip)
        if info.is_dir() or not name.parts or (keep and name.parts[0] not in keep):
            continue
        if str(name).casefold() in seen:
            raise FormatError(f"{archive} is refused: it holds {name} twice")
        seen.add(str(name).casefold())
        yield info, name


def _require_bounded(infos: list[zipfile.ZipInfo], archive: Path) -> None:
    total, packed = sum(info.file_size for info in infos), archive.stat().st_size
    swells = total > _SMALL and total > _MOST_RATIO * packed
    if len(infos) > _MOST_FILES or total > _MOST_BYTES or swells:
        raise FormatError(
            f"{archive} is refused: {packed:,} bytes that would become {len(infos):,} files, {total:,} bytes"
        )


def _name(info: zipfile.ZipInfo, archive: Path, strip: int) -> PurePosixPath:
    path = PurePosixPath(info.filename.replace("\\", "/"))
    kind = stat.S_IFMT(info.external_attr >> 16)
    outside = path.is_absolute() or ".." in path.parts or any(":" in part or "\0" in part for part in path.parts)
    if outside or kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise FormatError(f"{archive} is refused: {info.filename!r} is a link or leads out of the folder")
    return PurePosixPath(*path.parts[strip:])


def _extract(source: zipfile.ZipFile, member: zipfile.ZipInfo, path: Path, archive: Path) -> None:
    """Write one file; the zip module stops at the size the archive declares, which was bounded."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with source.open(member) as packed, path.open("wb") as file:
        start = packed.read(len(_POINTER))
        if start == _POINTER:
            raise FormatError(
                f"{archive} holds a stand-in for {path.name} (Git LFS); clone its repository with git lfs"
            )
        file.write(start)
        shutil.copyfileobj(packed, file, _COPY)
