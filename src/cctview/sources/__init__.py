"""Where frames come from: folders of stills in any layout, single stills, and video files."""

from __future__ import annotations

from cctview.sources.decode import DecodeLimits, decode
from cctview.sources.endings import IMAGE_ENDINGS
from cctview.sources.folder import FolderSource
from cctview.sources.opening import open_source
from cctview.sources.source import Known, Noticed, Notices, Skipped

__all__ = [
    "IMAGE_ENDINGS",
    "DecodeLimits",
    "FolderSource",
    "Known",
    "Noticed",
    "Notices",
    "Skipped",
    "decode",
    "open_source",
]
