from __future__ import annotations

import os
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path

import pytest

import cctview

ROOT = Path(__file__).resolve().parents[1]


class Fetched(HTMLParser):
    """Collects what a page would fetch by itself, and the anchors it has."""

    def __init__(self) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.anchors: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.anchors.add(given.get("id") or "")
        if tag in ("script", "img", "iframe", "source"):
            self.addresses.append(given.get("src") or "")
        if tag == "link" and given.get("rel") in ("stylesheet", "icon", "preload", "preconnect"):
            self.addresses.append(given.get("href") or "")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The site, built as `make docs` builds it: a link that leads nowhere or a page left out ends it."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(folder)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, check=False, env={**os.environ, "NO_MKDOCS_2_WARNING": "1"}
    )
    assert done.returncode == 0, done.stderr
    return folder


def read(page: Path) -> Fetched:
    reader = Fetched()
    reader.feed(page.read_text(encoding="utf-8"))
    return reader


def test_every_public_name_is_described_on_the_page_that_the_first_one_leads_to(site: Path) -> None:
    front = (site / "api" / "index.html").read_text(encoding="utf-8")
    led = dict(re.findall(r'href="([^"]*)"[^>]*><code>(\w+)</code>', front))
    places = {name: address for address, name in led.items()}
    assert set(places) == set(cctview.__all__)
    for name, address in places.items():
        page, _, anchor = address.partition("#")
        assert anchor in read(site / "api" / page).anchors, name


def test_a_table_is_described_with_its_columns_and_a_function_with_its_parameters(site: Path) -> None:
    assert "cctview.types.Detections.box" in read(site / "api" / "types.html").anchors
    tracking = (site / "api" / "tracking.html").read_text(encoding="utf-8")
    assert "embeddings" in re.sub(r"<[^>]+>", "", tracking[tracking.index('id="cctview.tracking.track"') :])[:2000]


def test_no_page_fetches_anything_from_elsewhere(site: Path) -> None:
    pages = [*site.glob("*.html"), *site.glob("api/*.html")]
    assert len(pages) > 20
    assert not [address for page in pages for address in read(page).addresses if "//" in address]
