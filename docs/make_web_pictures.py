"""Take the pictures of the web application in these pages, from a demo store that is being served.

cctview demo --no-serve
cctview serve demo/store --port 8080
python docs/make_web_pictures.py http://127.0.0.1:8080
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

PICTURES = Path(__file__).parent / "pictures"
PAGES = {"follow": "follow?journey=best", "traffic": "traffic"}


def main(address: str) -> None:
    """Write one JPEG per page."""
    chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport={"width": 1440, "height": 900}, color_scheme="light")
        for name, path in PAGES.items():
            page.goto(f"{address}/{path}")
            page.locator("#main .panel").first.wait_for()
            page.wait_for_load_state("networkidle")
            page.wait_for_timeout(1000)
            page.screenshot(path=PICTURES / f"web-{name}.jpg", type="jpeg", quality=82)
        browser.close()


if __name__ == "__main__":
    main(sys.argv[1])
