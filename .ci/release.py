"""Refuse a release whose tag, version, citation and changelog do not agree."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def main() -> None:
    """Compare; exit 1 with a sentence where two differ."""
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    if sys.argv[1:] != [f"v{version}"]:
        sys.exit(f"the tag {' '.join(sys.argv[1:])!r} is not v{version}, the version in pyproject.toml")
    if f"\n## {version}" not in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"):
        sys.exit(f"CHANGELOG.md has no heading for {version}")
    if f"\nversion: {version}\n" not in (ROOT / "CITATION.cff").read_text(encoding="utf-8"):
        sys.exit(f"CITATION.cff names another version than {version}")


if __name__ == "__main__":
    main()
