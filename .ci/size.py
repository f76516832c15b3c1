"""Print the MB that the libraries of this environment take, pip's own left out; exit 1 above the limit given."""

from __future__ import annotations

import sys
import sysconfig
from pathlib import Path

_NOT_OURS = ("pip", "setuptools", "pkg_resources", "_distutils_hack", "distutils-precedence")


def main() -> None:
    """Add up the files below site-packages, compiled ones included."""
    root = Path(sysconfig.get_path("purelib"))
    ours = (path for path in root.rglob("*") if not path.relative_to(root).parts[0].startswith(_NOT_OURS))
    size = sum(path.stat().st_size for path in ours if path.is_file()) / 2**20
    sys.stdout.write(f"{size:.0f} MB of at most {sys.argv[1]}\n")
    sys.exit(size > float(sys.argv[1]))


if __name__ == "__main__":
    main()
