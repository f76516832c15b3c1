"""Say where a result comes from."""

from __future__ import annotations

import os
import platform
import subprocess
from importlib import metadata
from typing import Any


def header(command: list[str], packages: tuple[str, ...]) -> dict[str, Any]:
    """Return the command, the commit, the machine and the versions of these packages."""
    commit = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=False).stdout.strip()
    return {
        "command": " ".join(["python", *command]),
        "commit": commit,
        "machine": f"{platform.machine()}, {os.cpu_count()} processors",
        "versions": {name: metadata.version(name) for name in packages},
    }
