"""Models others publish, fetched from their makers on request."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from cctview.download import Download, download
from cctview.errors import ModelNotFoundError, nearest
from cctview.models.importing import import_model
from cctview.models.library import library_folder
from cctview.models.record import ModelRecord
from cctview.progress import silent
from cctview.seams import Progress

__all__ = ["pull_model", "releases"]

_DOWNLOADS = "downloads"


def releases() -> Mapping[str, Mapping[str, Any]]:
    """Return what ``pull_model`` knows, by name: address, size, sha256, licence and origin."""
    return tomllib.loads((files(__package__) / "releases.toml").read_text(encoding="utf-8"))


def pull_model(
    name: str,
    progress: Progress = silent,
    *,
    library: Path | None = None,
    known: Mapping[str, Mapping[str, Any]] | None = None,
) -> ModelRecord:
    """Fetch a model, check it, put it into the library and return its record.

    Raise ModelNotFoundError for an unknown name, DownloadError when it cannot be fetched, ModelError
    when it cannot be used. A download that was interrupted is gone on with.
    """
    offered = releases() if known is None else known
    if name not in offered:
        raise ModelNotFoundError(f"no model named {name!r} to pull; {nearest(name, offered)}")
    release, folder = offered[name], library or library_folder()
    what = Download(address=release["address"], size=release.get("size", 0), sha256=release["sha256"])
    path = download(what, folder / _DOWNLOADS / release["file"], progress)
    record = import_model(
        path,
        library=folder,
        name=name,
        family=release.get("family"),
        licence=release["licence"],
        origin=release["origin"],
    )
    path.unlink()
    return record
