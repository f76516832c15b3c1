"""Print the version of every library that cctview[all] brings into this environment, as pip constraints."""

from __future__ import annotations

import re
import sys
from importlib.metadata import PackageNotFoundError, distribution, requires, version

_NAME = re.compile(r"[A-Za-z0-9._-]+")


def main() -> None:
    """Walk from cctview's requirements to those of its libraries."""
    waiting, seen = [_NAME.match(line)[0] for line in requires("cctview") or () if _ours(line)], {}
    while waiting:
        name = waiting.pop().lower().replace("_", "-")
        if name in seen or name == "cctview":
            continue
        try:
            seen[name] = version(name)
        except PackageNotFoundError:
            continue  # for another system or Python
        waiting += [_NAME.match(line)[0] for line in distribution(name).requires or () if "extra ==" not in line]
    sys.stdout.write("# What `make test` tested; made by `make constraints`.\n")
    sys.stdout.writelines(f"{name}=={seen[name]}\n" for name in sorted(seen))


def _ours(line: str) -> bool:
    return "extra ==" not in line or any(
        f"extra == {quote}{name}{quote}" in line for name in ("vision", "video", "web") for quote in "'\""
    )


if __name__ == "__main__":
    main()
