from __future__ import annotations

import pytest
from browser import PATIENCE_MS, chromium, demo, served
from playwright.sync_api import expect, sync_playwright


@pytest.fixture(scope="session")
def browser():
    with sync_playwright() as playwright:
        opened = playwright.chromium.launch(executable_path=chromium(), args=["--no-sandbox", "--disable-gpu"])
        expect.set_options(timeout=PATIENCE_MS)
        yield opened
        opened.close()


@pytest.fixture(scope="session")
def demo_store(tmp_path_factory):
    return demo(tmp_path_factory.mktemp("pages"))


@pytest.fixture(scope="session")
def site(demo_store):
    with served(demo_store) as address:
        yield address
