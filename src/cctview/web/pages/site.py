"""What every page is given."""

from __future__ import annotations

from dataclasses import dataclass

from cctview.web.model.keeping import Keeping
from cctview.web.model.reading import Reading

__all__ = ["Site"]


@dataclass(frozen=True, kw_only=True)
class Site:
    """The read models, and the URL template of map tiles, None where maps are drawn without any."""

    reading: Reading
    keeping: Keeping
    tiles: str | None = None
