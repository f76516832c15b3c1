"""A real Chromium, and a server of the demo's store as its own process."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path

PATIENCE_MS = 120_000
CLI = [sys.executable, "-m", "cctview"]
HOSTILE = "<img src=x onerror=\"document.title='broken'\">"


def chromium():
    """Return the path of a Chromium: that of CHROMIUM, one on the PATH, or None for Playwright's own."""
    named = os.environ.get("CHROMIUM")
    return named or next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def demo(out: Path) -> Path:
    """Make the demo's store, short; one camera has a name that tries to be a script."""
    subprocess.run([*CLI, "demo", "--no-serve", "--minutes", "2", "--out", str(out)], check=True, capture_output=True)
    network = out / "stills" / "network.toml"
    lines = network.read_text().splitlines()
    name = next(n for n, line in enumerate(lines) if line.startswith("name = "))
    lines[name] = f"name = '''{HOSTILE}'''"
    network.write_text("\n".join(lines) + "\n")
    subprocess.run([*CLI, "network", "set", str(out / "store"), str(network)], check=True, capture_output=True)
    return out / "store"


@contextmanager
def served(store: Path):
    """Yield the address of a server of this store."""
    command = [*CLI, "serve", str(store), "--port", "0", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield _address(server)
        finally:
            server.terminate()
            server.wait(20)


def _address(server):
    text = ""
    for line in server.stdout:
        text += line
        try:
            return json.loads(text)["open"].rstrip("/")
        except json.JSONDecodeError:
            continue
    raise RuntimeError(f"the server ended before it listened: {text}")
