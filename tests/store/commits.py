"""Write the commit of a store by hand, as another writer or an earlier version does."""

from __future__ import annotations

import json


def said(folder):
    """Return what the commit of a store says."""
    return json.loads((folder / "commit.json").read_text())


def committed(folder, *, left_out=(), **change):
    """Write the commit with something changed, in the format that has no checksum of its own."""
    now = {key: value for key, value in said(folder).items() if key not in ("crc", *left_out)}
    (folder / "commit.json").write_text(json.dumps({**now, "format": 2, **change}))
