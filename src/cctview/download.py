"""Fetch files from the network: resumed, checked, put in place in one step."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cctview.errors import DownloadError
from cctview.progress import silent
from cctview.seams import Progress

__all__ = ["Download", "download", "sha256_of"]

_TIMEOUT_S = 30.0
_PART = ".part"
_GOOD = (200, 206, 416)
_NOTHING_LEFT = 416


@dataclass(frozen=True, kw_only=True)
class Download:
    """A file at an address; ``size`` in bytes (0: not known) and ``sha256`` ("": not known) are checked."""

    address: str
    size: int = 0
    sha256: str = ""

    def is_whole(self, path: Path) -> bool:
        """Return whether this very file lies at the path, as far as is known of it."""
        if not path.is_file() or (self.size and path.stat().st_size != self.size):
            return False
        return not self.sha256 or sha256_of(path) == self.sha256


def download(what: Download, path: Path, progress: Progress = silent) -> Path:
    """Put the file at ``path`` and return the path; one that is there whole is not fetched again.

    What an interrupted call fetched lies beside it and is gone on with. Raise DownloadError when the
    address cannot be reached or gives another file than recorded.
    """
    if what.is_whole(path) and (what.sha256 or what.size):
        return path
    part = path.with_name(path.name + _PART)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _fetch(what, part, progress)
        _check(what, part)
        part.replace(path)
    except OSError as error:
        if isinstance(error, DownloadError):
            raise
        raise DownloadError(f"{path} cannot be written ({error.strerror}); choose another place") from error
    return path


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _fetch(what: Download, part: Path, progress: Progress) -> None:
    have = part.stat().st_size if part.exists() else 0
    if what.size and have >= what.size:
        return
    with _answered(what.address, have) as answer:
        if answer.status_code == _NOTHING_LEFT:
            return
        resumed = answer.status_code == 206
        done = have if resumed else 0
        total = what.size or done + int(answer.headers.get("content-length", 0)) or None
        with part.open("ab" if resumed else "wb") as file:
            for block in answer.iter_bytes():
                file.write(block)
                done += len(block)
                progress(part.name.removesuffix(_PART), done, total)
                if what.size and done > what.size:
                    break


@contextmanager
def _answered(address: str, have: int) -> Iterator[Any]:
    """Give the answer of the server, asked to go on after ``have`` bytes."""
    import httpx  # noqa: PLC0415  it takes longer to import than most verbs to run

    # As it is stored, so that sizes and checksums are those of the file.
    headers = {"accept-encoding": "identity", **({"range": f"bytes={have}-"} if have else {})}
    try:
        with httpx.stream("GET", address, headers=headers, follow_redirects=True, timeout=_TIMEOUT_S) as answer:
            if answer.status_code not in _GOOD:
                raise DownloadError(f"{address} answers {answer.status_code} {answer.reason_phrase}; try again later")
            yield answer
    except httpx.InvalidURL as error:
        raise DownloadError(f"{address} is no address ({error})") from error
    except httpx.HTTPError as error:
        raise DownloadError(
            f"{address} cannot be reached ({error or type(error).__name__}); check the network and run this again: "
            "it goes on where it was. Everything else works offline."
        ) from error


def _check(what: Download, part: Path) -> None:
    size = part.stat().st_size
    if what.size and size < what.size:
        raise DownloadError(f"{what.address} ended after {size:,} of {what.size:,} bytes; run this again to go on")
    if not what.size or size == what.size:
        digest = sha256_of(part) if what.sha256 else ""
        if digest == what.sha256:
            return
    part.unlink()
    raise DownloadError(
        f"{what.address} gives another file than recorded ({size:,} bytes, not {what.size or size:,}, or another "
        "sha256); it was thrown away: run this again, and report it if it stays so"
    )
