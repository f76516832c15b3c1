"""Data and privacy: what is stored, what goes when, who searched for what, and forgetting."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from nicegui import run, ui

from cctview.errors import CctviewError
from cctview.privacy import Kept, LogEntry, Policy
from cctview.svg.charts import empty
from cctview.svg.markup import Markup, fragment, tag
from cctview.web.model import answers
from cctview.web.model.reading import Reading
from cctview.web.model.wording import Clock
from cctview.web.pages.site import Site
from cctview.web.pages.theme import dressed, heading, html, panel

__all__ = ["show"]

_KEPT: tuple[Kept, ...] = ("frames", "detections", "embeddings", "journeys")
_NEWEST = 50


def show(site: Site) -> None:
    """Lay the page out."""
    reading = site.reading
    clock = Clock(reading.timezone)
    with dressed("Privacy"):
        heading("Data and privacy", f"This store is for {reading.policy.purpose}.")
        with ui.element("div").classes("cards"):
            with panel("What is stored", classes="wide"):
                stored = html(_stored(reading.summary(), clock)).classes("scroll").props("tabindex=0")
            with panel("The policy in force"):
                html(_policy(reading.policy, reading.summary(), clock))
            with panel("Forget", "what is forgotten cannot be brought back"):
                Forgetting(site, lambda: stored.set_content(_stored(reading.summary(), clock)))
            log = site.keeping.log()
            with panel("Searches", _verified(log), "wide"):
                html(_log(log, clock)).classes("scroll").props("tabindex=0")


class Forgetting:
    """Choose what to forget, see what would go, and let it go."""

    def __init__(self, site: Site, done: Any) -> None:
        self._site, self._done = site, done
        self._camera, self._before = "", ""
        with ui.element("div").classes("stack"):
            html(_choices(site.reading)).on(
                "input", self._chose, js_handler="(e) => emit(e.target.name, e.target.value)"
            )
            with ui.element("div").classes("actions"):
                self._look = (
                    html(Markup("Show what would go"), "button").props("type=button").on("click", self._preview)
                )
                self._go = html(Markup("Forget it"), "button").classes("main").props("type=button disabled")
                self._go.on("click", self._forget)
            self._told = html(Markup()).props('aria-live="polite"')

    def _chose(self, event: Any) -> None:
        name, value = event.args
        if name == "camera":
            self._camera = value
        else:
            self._before = value
        self._go.props("disabled")
        self._told.content = Markup()

    def _selection(self) -> dict[str, Any] | None:
        if not (self._camera or self._before):
            return None
        return {"camera": self._camera or None, "before": _utc(self._before, self._site.reading.timezone)}

    async def _preview(self) -> None:
        chosen = self._selection()
        if chosen is None:
            self._told.content = _problem("Choose a camera, a time, or both.")
            return
        gone = await self._answer(self._site.keeping.preview, chosen)
        if gone is not None:
            self._told.content = _rows("These would go:", gone)
            self._go.props(remove="disabled") if any(gone.rows.values()) else None

    async def _forget(self) -> None:
        chosen = self._selection()
        if chosen is None:
            return
        self._go.props("disabled")
        self._told.content = tag("p", "Forgetting, and searching every file for what should be gone", role="status")
        gone = await self._answer(self._site.keeping.forget, chosen)
        if gone is not None:
            self._told.content = fragment(_rows("Gone:", gone), _proof(gone))
            self._done()

    async def _answer(self, ask: Any, chosen: dict[str, Any]) -> answers.Removal | None:
        try:
            return await run.io_bound(lambda: ask(**chosen))
        except CctviewError as error:
            self._told.content = _problem(str(error))
            return None


def _choices(reading: Reading) -> Markup:
    cameras = [tag("option", camera.name, value=camera.id) for camera in reading.cameras() if camera.frames]
    select = tag("select", tag("option", "All cameras", value=""), cameras, name="camera")
    before = tag("input", type="datetime-local", name="before", step=1)
    return tag(
        "div",
        tag("label", "Camera", select, class_="field"),
        tag("label", f"Seen before ({Clock(reading.timezone).place})", before, class_="field"),
        class_="fields",
    )


def _utc(local: str, zone: str) -> datetime | None:
    return Clock(zone).read(local) if local else None


def _stored(summary: dict[str, Any], clock: Clock) -> Markup:
    heads = ("Table", "Rows", "Bytes", "Oldest", "Newest")
    head = tag("tr", (tag("th", name, scope="col") for name in heads))
    rows = [
        tag(
            "tr",
            tag("td", name),
            tag("td", f"{of['rows']:,}"),
            tag("td", _bytes(of.get("bytes", 0) + of.get("pixel_bytes", 0))),
            tag("td", _when(of.get("oldest"), clock)),
            tag("td", _when(of.get("newest"), clock)),
        )
        for name, of in summary.items()
        if isinstance(of, dict) and "rows" in of
    ]
    return tag("table", tag("thead", head), tag("tbody", rows))


def _policy(policy: Policy, summary: dict[str, Any], clock: Clock) -> Markup:
    said = {
        "People in stills": "blacked out before anything is written" if policy.redact_people else policy.consent,
        "Stills": "kept" if policy.keep_frames else "not kept",
        "Ids shown": "pseudonyms only this store can read back" if policy.pseudonyms else "as stored",
        "Smallest group told about": f"{policy.minimum_group} vehicles",
    }
    lines = [tag("tr", tag("th", name, scope="row"), tag("td", value)) for name, value in said.items()]
    lines += [
        tag(
            "tr",
            tag("th", f"{kind.capitalize()} go", scope="row"),
            tag("td", _goes(kind, policy, summary.get(kind, {}).get("oldest"), clock)),
        )
        for kind in _KEPT
    ]
    return tag("table", tag("tbody", lines))


def _goes(kind: Kept, policy: Policy, oldest: str | None, clock: Clock) -> str:
    """Say after how many days rows go, and when the oldest do where that follows from their times."""
    days = policy.days(kind)
    if days is None:
        return "never by themselves"
    if policy.expiry_from == "import" or not oldest:
        return f"{days:g} days after {policy.expiry_from}"
    return f"{days:g} days after capture, the oldest on {clock.moment(_time(oldest) + timedelta(days=days))}"


def _verified(log: answers.Log) -> Markup:
    if log.broken_at is None:
        return tag("span", f"{len(log.entries)} entries, chain of hashes unbroken", class_="badge")
    return tag("span", f"changed or lost at entry {log.broken_at}", class_="badge alert")


def _log(log: answers.Log, clock: Clock) -> Markup:
    if not log.entries:
        return empty("Nobody has searched yet.")
    head = tag(
        "tr", (tag("th", name, scope="col") for name in ("When", "Purpose", "Looked for", "Filters", "Found", "Hash"))
    )
    return tag("table", tag("thead", head), tag("tbody", (_entry(entry, clock) for entry in log.entries[:_NEWEST])))


def _entry(entry: LogEntry, clock: Clock) -> Markup:
    filters = ", ".join(f"{name} {value}" for name, value in entry.filters.items()) or "none"
    cells = (_when(entry.time, clock), entry.purpose, entry.subject, filters, f"{entry.found}")
    return tag("tr", (tag("td", cell) for cell in cells), tag("td", tag("code", entry.hash[:12])))


def _rows(title: str, gone: answers.Removal) -> Markup:
    rows = {name: count for name, count in gone.rows.items() if count}
    if not rows:
        return empty("Nothing stored answers to that.")
    told = {**rows, "stills' pixels": gone.pixels}
    listed = [tag("div", tag("dt", name), tag("dd", f"{count:,}")) for name, count in told.items()]
    return tag("div", tag("p", title), tag("dl", listed, class_="facts"), class_="stack")


def _proof(gone: answers.Removal) -> Markup | None:
    if gone.proof is None:
        return None
    needles, files, found = (gone.proof[name] for name in ("needles", "files", "found"))
    said = f"Proof: {needles:,} removed ids and stills were looked for in all {files:,} files; {found} were found."
    return tag("p", said, class_="soft")


def _problem(message: str) -> Markup:
    return tag("p", message, class_="problem", role="alert")


def _when(text: str | None, clock: Clock) -> str:
    if not text:
        return "none"
    return clock.moment(_time(text))


def _time(text: str) -> datetime:
    time = datetime.fromisoformat(text)
    return time if time.tzinfo else time.replace(tzinfo=UTC)


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}"
        count /= 1000
    return f"{count:.1f} TB"
