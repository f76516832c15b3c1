from __future__ import annotations

import base64
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from browser import PATIENCE_MS, served
from playwright.sync_api import expect

from cctview.web.pages.listed import PAGES

CHECKS = Path(__file__).with_name("checks.js").read_text(encoding="utf-8")
LARGE, SMALL = {"width": 1440, "height": 900}, {"width": 390, "height": 844}
JUMPS = """
  window.moved = 0;
  new PerformanceObserver((list) => list.getEntries().forEach((entry) => {
    if (!entry.hadRecentInput && window.innerWidth > 1000) window.moved += entry.value;
  })).observe({ type: "layout-shift", buffered: true });
"""
DROP = """([target, data]) => {
  const bytes = Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0));
  const carried = new DataTransfer();
  carried.items.add(new File([bytes], "vehicle.jpg", { type: "image/jpeg" }));
  document.querySelector(target).dispatchEvent(new DragEvent("drop", { dataTransfer: carried, bubbles: true, cancelable: true }));
}"""


def opened(browser, address, **options):
    """Return a page of its own visitor, and what went wrong in it so far."""
    page = browser.new_context(viewport=LARGE, reduced_motion="reduce", **options).new_page()
    page.set_default_timeout(PATIENCE_MS)
    wrong = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    host = urlsplit(address).netloc
    page.on("request", lambda sent: wrong.append(sent.url) if _foreign(sent.url, host) else None)
    return page, wrong


def visit(page, address):
    """Open a page and wait until it listens to its visitor."""
    page.goto(address)
    page.wait_for_function("window.did_handshake")


def _foreign(url, host):
    parts = urlsplit(url)
    return parts.scheme not in ("data", "blob") and parts.netloc != host


@pytest.fixture
def page(browser, site):
    page, wrong = opened(browser, site)
    page.add_init_script(JUMPS)
    yield page
    page.context.close()
    assert wrong == []


@pytest.fixture(scope="session")
def journey(browser, site):
    """The steps of a journey over at least three cameras."""
    request = browser.new_context().request
    found = request.get(f"{site}/api/v1/journeys?limit=200").json()
    return max(found, key=lambda one: len(one["steps"]))["steps"][:3]


def largest(page, site, tracklet):
    boxes = page.request.get(f"{site}/api/v1/tracklets/{tracklet}").json()["detections"]
    return max(boxes, key=lambda one: (one["box"][2] - one["box"][0]) * (one["box"][3] - one["box"][1]))


def frames(page, site, camera):
    return [
        still["id"] for still in page.request.get(f"{site}/api/v1/frames?camera={camera}&limit=1000").json()["items"]
    ]


def names(page, site):
    return {camera["id"]: camera["name"] for camera in page.request.get(f"{site}/api/v1/cameras").json()}


def box_of(page, tracklet):
    return page.locator(f".boxes rect[aria-label*='{tracklet[:6]}']")


def test_follow_by_mouse(page, site, journey):
    first, camera = journey[0]["tracklet"], journey[0]["tracklet"]["camera"]
    visit(page, f"{site}/follow")
    page.get_by_role("button", name=f"Camera {names(page, site)[camera]}", exact=True).click()
    expect(page.locator("#main h2").first).to_have_text(names(page, site)[camera])
    stills = frames(page, site, camera)
    bar = page.get_by_role("slider", name="Time")
    wanted = stills.index(largest(page, site, first["id"])["frame"])
    width = bar.bounding_box()["width"]
    bar.click(position={"x": 8 + (width - 16) * wanted / (len(stills) - 1), "y": 8})
    while (at := int(bar.input_value())) != wanted:
        page.get_by_role("button", name="One still on" if at < wanted else "One still back").click()
    box_of(page, first["id"]).click(force=True)
    for step, following in enumerate(journey[1:], 2):
        candidate = page.locator(f".candidate:has(img[src*='{following['tracklet']['id']}'])")
        expect(candidate).to_contain_text("distance")
        candidate.click()
        expect(page.locator(".station")).to_have_count(step)
    expect(page.locator(".leg").first).to_contain_text("km/h")
    expect(page.locator(".camera[data-passed]")).to_have_count(3)
    assert page.evaluate("document.title") != "broken"


def tab_to(page, matches, most=120):
    """Press Tab until the focused element answers to a JavaScript condition on ``e``."""
    for _ in range(most):
        page.keyboard.press("Tab")
        if page.evaluate(f"(() => {{ const e = document.activeElement; return Boolean({matches}); }})()"):
            return
    pytest.fail(f"{most} presses of Tab do not reach {matches}")


def test_follow_by_keyboard_alone(page, site, journey):
    first, camera = journey[0]["tracklet"], journey[0]["tracklet"]["camera"]
    visit(page, f"{site}/follow")
    name = names(page, site)[camera]
    page.get_by_role("button", name=f"Camera {name}", exact=True).wait_for()
    tab_to(page, f"e.textContent === {name!r} && e.classList.contains('camera')")
    page.keyboard.press("Enter")
    expect(page.locator("#main h2").first).to_have_text(name)
    stills = frames(page, site, camera)
    page.keyboard.press("Home")
    for n in range(stills.index(largest(page, site, first["id"])["frame"])):
        page.keyboard.press("ArrowRight")
        expect(page.get_by_role("slider", name="Time")).to_have_value(str(n + 1))
    expect(box_of(page, first["id"])).to_be_visible()
    page.keyboard.press("v")
    if first["id"][:6] not in (page.evaluate("document.activeElement.ariaLabel") or ""):
        tab_to(page, f"e.ariaLabel?.includes('{first['id'][:6]}')")
    page.keyboard.press("Enter")
    for step, following in enumerate(journey[1:], 2):
        wanted = following["tracklet"]["id"]
        expect(page.locator(f".candidate img[src*='{wanted}']")).to_be_visible()
        page.wait_for_function("document.activeElement.classList.contains('candidate')")
        if not page.evaluate(f"Boolean(document.activeElement.querySelector('img[src*=\"{wanted}\"]'))"):
            tab_to(page, f"e.querySelector('img[src*=\"{wanted}\"]')")
        page.keyboard.press("Enter")
        expect(page.locator(".station")).to_have_count(step)


def test_the_journey_plays(page, site):
    visit(page, f"{site}/follow?journey=best")
    last = page.locator(".station h3").last.text_content()
    page.get_by_role("button", name="Play the journey").click()
    expect(page.locator(".traveller")).to_be_visible()
    start = page.locator(".traveller").bounding_box()
    expect(page.locator(".told")).to_contain_text(last, timeout=60_000)
    assert page.locator(".traveller").bounding_box() != start


def test_the_stills_play_and_pause(page, site):
    visit(page, f"{site}/follow?journey=best")
    bar = page.get_by_role("slider", name="Time")
    page.get_by_role("button", name="Play", exact=True).click()
    at = int(bar.input_value())
    page.wait_for_function("(at) => Number(document.querySelector('.time-bar input').value) >= at + 2", arg=at)
    page.keyboard.press("p")
    expect(page.get_by_role("button", name="Play", exact=True)).to_be_visible()


def test_sightings_are_jumped_to(page, site):
    visit(page, f"{site}/follow?journey=best")
    expect(page.locator(".boxes rect.chosen")).to_have_count(1)
    page.keyboard.press("End")
    expect(page.locator(".boxes rect.chosen")).to_have_count(0)
    page.keyboard.press("[")
    expect(page.locator(".boxes rect.chosen")).to_have_count(1)


@pytest.mark.parametrize(("name", "begins"), [("GeoJSON", b"{"), ("CSV", b"step,camera"), ("Picture", b"\x89PNG")])
def test_the_journey_is_saved(page, site, name, begins):
    visit(page, f"{site}/follow?journey=best")
    with page.expect_download() as download:
        page.get_by_role("button", name=f"Save as {name}").click()
    assert Path(download.value.path()).read_bytes().startswith(begins)


def test_search_by_a_dropped_picture(page, site, journey):
    wanted = journey[0]["tracklet"]["id"]
    crop = page.request.get(f"{site}/api/v1/tracklets/{wanted}/crop?side=64").body()
    visit(page, f"{site}/search")
    page.locator(".drop").wait_for()
    page.evaluate(DROP, [".drop", base64.b64encode(crop).decode()])
    expect(page.get_by_alt_text("The vehicle to look for")).to_be_visible()
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found a")).to_have_count(0)
    page.get_by_label("Purpose").fill("a lost trailer")
    page.get_by_role("button", name="Search").click()
    expect(page.locator(".found a").first).to_be_visible(timeout=30_000)
    assert wanted in {link.get_attribute("href").partition("=")[2] for link in page.locator(".found a").all()[:5]}
    visit(page, f"{site}/privacy")
    expect(page.get_by_text("a lost trailer").first).to_be_visible()
    expect(page.get_by_text("chain of hashes unbroken")).to_be_visible()


def test_a_search_that_fails_says_why(browser, site):
    page, wrong = opened(browser, site)
    visit(page, f"{site}/search")
    page.locator(".drop").wait_for()
    page.evaluate(DROP, [".drop", base64.b64encode(b"PK\x03\x04 no picture").decode()])
    page.get_by_label("Purpose").fill("trying")
    page.get_by_role("button", name="Search").click()
    expect(page.get_by_role("alert")).to_be_visible()
    page.context.close()
    assert all("Failed to load resource" in one for one in wrong)


def test_cameras_show_their_lanes(page, site):
    visit(page, f"{site}/cameras")
    card = page.locator("#main .panel").first
    expect(card.locator(".lanes .towards path").first).to_be_attached()
    expect(card.locator(".legend")).to_contain_text("towards the camera")
    expect(card.locator(".legend")).to_contain_text("away from it")


def test_forget(browser, demo_store, tmp_path):
    with served(shutil.copytree(demo_store, tmp_path / "store")) as address:
        page, wrong = opened(browser, address)
        visit(page, f"{address}/privacy")
        page.get_by_role("button", name="Show what would go").click()
        expect(page.get_by_role("alert")).to_contain_text("Choose")
        page.get_by_label("Camera").select_option(index=1)
        page.get_by_role("button", name="Show what would go").click()
        expect(page.get_by_text("These would go:")).to_be_visible()
        page.get_by_role("button", name="Forget it").click()
        expect(page.get_by_text("0 were found")).to_be_visible(timeout=30_000)
        visit(page, f"{address}/cameras")
        expect(page.get_by_text("no still of it is stored")).to_have_count(1)
        page.context.close()
        assert wrong == []


@pytest.mark.parametrize("path", [*(page.route for page in PAGES), "/follow?journey=best"])
def test_a_page_can_be_read_and_used(page, site, path):
    visit(page, f"{site}{path}")
    page.locator("#main .panel").first.wait_for()
    for size, theme in ((LARGE, "light"), (LARGE, "dark"), (SMALL, "dark"), (SMALL, "light")):
        page.set_viewport_size(size)
        page.emulate_media(color_scheme=theme)
        found = page.evaluate(CHECKS)
        assert found["controls"] > 5
        assert found["texts"] > 10
        wrong = {name: found[name] for name in ("nameless", "silent", "faint", "cut") if found[name]}
        assert (size, theme, wrong) == (size, theme, {})
        assert found["wide"] <= 0
    assert page.evaluate("window.moved") < 0.1


def test_the_theme_is_kept(page, site):
    visit(page, site)
    ground = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.get_by_role("button", name="Dark or light").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground
    visit(page, f"{site}/traffic")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != ground


def test_what_is_not_stored_is_said(page, site):
    visit(page, f"{site}/follow?journey=0000000000000000")
    expect(page.get_by_role("alert")).to_contain_text("journey")
    expect(page.locator(".still img")).to_be_visible()
