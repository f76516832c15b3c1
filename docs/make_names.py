"""Write the table of names that are read into docs/names.md, from the examples that the tests hold.

python docs/make_names.py
"""

from __future__ import annotations

from itertools import groupby
from pathlib import Path

from cctview.sources.patterns import PATTERNS

FILE = Path(__file__).parent / "names.md"
_BEGIN, _END = "<!-- the table is written by docs/make_names.py -->\n", "<!-- end of the table -->\n"


def with_names(page: str) -> str:
    """Return the page with the table of today's patterns."""
    before, _, rest = page.partition(_BEGIN)
    _, _, after = rest.partition(_END)
    return f"{before}{_BEGIN}\n{_table()}\n{_END}{after}"


def _table() -> str:
    rows = ["| Written by | Path | Time (UTC) | Camera |", "|---|---|---|---|"]
    for software, group in groupby(PATTERNS, key=lambda pattern: pattern.software):
        for first, pattern in enumerate(group):
            time, camera = pattern.time.replace("T", " ") or "-", pattern.camera or "the folder's name"
            rows.append(f"| {'' if first else software} | `{pattern.path}` | {time} | {camera} |")
    return "\n".join([*rows, ""])


if __name__ == "__main__":
    FILE.write_text(with_names(FILE.read_text(encoding="utf-8")), encoding="utf-8")
