"""Measure how soon each page can be used, in a real Chromium, over a store that is being served.

    cctview demo --no-serve
    cctview serve demo/store --port 8080
    python benchmarks/pages.py http://127.0.0.1:8080 --out results/pages.json

"Usable" is when the page has its content and its server listens to it, after a first visit that
fills the browser's cache (``cold_s``). The load of the machine is given, for a busy one is slow.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import subprocess
import time
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, Page, sync_playwright

PAGES = ("", "follow?journey=best", "search", "traffic", "cameras", "privacy")
PATIENCE_MS = 120_000


def opened(page: Page, address: str) -> float:
    """Return the seconds until a page can be used."""
    begun = time.perf_counter()
    page.goto(address, wait_until="commit")
    page.locator("#main .panel").first.wait_for()
    page.wait_for_function("window.did_handshake")
    return time.perf_counter() - begun


def measured(browser: Browser, address: str, rounds: int) -> dict[str, Any]:
    """Return cold and warm seconds, requests and bytes of one page."""
    page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
    page.set_default_timeout(PATIENCE_MS)
    cold = opened(page, address)
    page.wait_for_load_state("networkidle")
    sent = page.evaluate("performance.getEntriesByType('resource').map((entry) => entry.transferSize)")
    warm = sorted(opened(page, address) for _ in range(rounds))
    page.context.close()
    return {
        "cold_s": round(cold, 3),
        "warm_median_s": round(warm[rounds // 2], 3),
        "warm_best_s": round(warm[0], 3),
        "requests": len(sent),
        "kilobytes": round(sum(sent) / 1000),
    }


def main() -> None:
    """Measure all pages and write what was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("address")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--out", type=Path)
    given = parser.parse_args()
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        pages = {f"/{path}": measured(browser, f"{given.address}/{path}", given.rounds) for path in PAGES}
        version = browser.version
    git = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True)
    found = {
        "commit": git.stdout.strip(),
        "measured": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cpus": os.cpu_count(), "load_1min": os.getloadavg()[0], "python": platform.python_version()},
        "versions": {"chromium": version, **{name: metadata.version(name) for name in ("cctview", "nicegui")}},
        "pages": pages,
    }
    text = json.dumps(found, indent=2) + "\n"
    print(text)
    if given.out:
        given.out.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
