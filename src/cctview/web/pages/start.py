"""Start: five sentences, one picture, and the chain opened for one real vehicle."""

from __future__ import annotations

from cctview.errors import MissingError
from cctview.svg.charts import empty, strip
from cctview.svg.markup import Markup, tag
from cctview.web.model import answers
from cctview.web.model.chain import largest
from cctview.web.model.reading import Reading
from cctview.web.model.wording import TIMES, Clock, duration, share
from cctview.web.pages.column import NO_STILLS, boxed
from cctview.web.pages.site import Site
from cctview.web.pages.theme import STATIC, dressed, html

__all__ = ["show"]

_SENTENCES = (
    "Cameras beside a road send a small picture every second or two, and people in them are blacked out.",
    "A first program finds the vehicles in every picture and draws a box around each.",
    "A second one turns each box into a row of numbers, so that pictures of one vehicle get similar numbers.",
    "A vehicle that passes one camera is due at the next: who arrives in time and looks alike is probably the same.",
    "How probable is always said, and so is that it may not have been seen at all.",
)
_JOURNEYS_TRIED = 20
_NEAREST = 4


def show(site: Site) -> None:
    """Say what this is, and show it on a vehicle of this store."""
    reading = site.reading
    journeys = reading.journeys(limit=_JOURNEYS_TRIED)
    with dressed("Start"):
        html(_hero(journeys[0].id if journeys else None))
        html(tag("h2", "How it works, on one vehicle of this store")).classes("intro")
        chosen = _chosen(reading)
        html(_steps(reading, *chosen) if chosen else NO_STILLS)


def _hero(journey: str | None) -> Markup:
    says = tag("ol", (tag("li", sentence) for sentence in _SENTENCES), class_="says")
    there = f"/follow?journey={journey}" if journey else "/follow"
    go = tag("a", "Follow a vehicle", href=there, class_="button main")
    more = tag("a", "What is stored", href="/privacy", class_="button")
    words = tag("div", tag("h1", "The same vehicle, camera after camera"), says, tag("div", go, more, class_="actions"))
    scene = Markup((STATIC / "scene.svg").read_text(encoding="utf-8"))
    return tag("section", words, scene, class_="hero")


def _chosen(reading: Reading) -> tuple[answers.Sighting, answers.Matching] | None:
    """Return the best seen vehicle among the most probable journeys, with its surest answer at a next camera."""
    seen = [journey.steps[0].tracklet for journey in reading.journeys(limit=_JOURNEYS_TRIED)]
    for tracklet in sorted(seen, key=lambda item: -item.quality):
        ahead = [one for one in reading.matches(tracklet.id, top=_NEAREST) if one.way == "next" and one.candidates]
        surest = max(ahead, key=lambda one: one.candidates[0].probability, default=None)
        if surest and surest.candidates[0].probability > surest.p_none:
            return reading.tracklet(tracklet.id), surest
    return None


def _steps(reading: Reading, sighting: answers.Sighting, matching: answers.Matching) -> Markup:
    box = largest(sighting)
    return tag(
        "div",
        _step("1", "Detect", "find the box", _detected(reading.frame(box.frame), box)),
        _step("2", "Embed", "turn the box into numbers", _embedded(reading, box)),
        _step("3", "Match", "compare with those who may be the same", _matched(reading, matching)),
        class_="chain-steps",
    )


def _step(number: str, name: str, what: str, content: Markup) -> Markup:
    summary = tag("summary", tag("h2", f"{number}. {name}"), tag("span", what, class_="soft"))
    return tag("details", summary, content, class_="panel", open=True)


def _detected(frame: answers.Frame, box: answers.Detection) -> Markup:
    still = boxed(frame.id, box.box, (frame.width, frame.height), "The still with the box of the vehicle")
    told = f"A {box.type}, score {box.score:.0%}: one of {len(frame.detections)} boxes in this still."
    width, height = round(box.box[2] - box.box[0]), round(box.box[3] - box.box[1])
    source = f"/api/v1/tracklets/{box.tracklet}/crop"
    true = tag(
        "figure",
        tag("img", src=source, alt="The box at true size"),
        tag("p", f"{width} {TIMES} {height} px", class_="small soft"),
    )
    large = tag(
        "figure",
        tag("img", src=source, alt="The box enlarged", class_="large"),
        tag("p", "the same, enlarged", class_="small soft"),
    )
    return tag("div", still, tag("p", told), tag("div", true, large, class_="sizes"))


def _embedded(reading: Reading, box: answers.Detection) -> Markup:
    try:
        vector = reading.vector(box.id)
    except MissingError as error:
        return empty(str(error))
    told = f"{len(vector)} numbers, each a stripe: the stronger the colour the larger, accent above zero, dark below."
    note = "They say how the vehicle looks: colour, shape, light. They do not say who is in it, and no plate is read."
    return tag("div", strip("The vector as a strip of colours", vector), tag("p", told), tag("p", note, class_="soft"))


def _matched(reading: Reading, matching: answers.Matching) -> Markup:
    camera, clock = reading.camera(matching.camera), Clock(reading.timezone)
    rows = [
        tag(
            "li",
            tag("img", src=f"/api/v1/tracklets/{one.tracklet.id}/crop", alt="", data_crop=True),
            tag("span", _arrival(one, clock)),
            tag("b", share(one.probability)),
        )
        for one in matching.candidates
    ]
    rows.append(tag("li", tag("span"), tag("span", "not seen there"), tag("b", share(matching.p_none))))
    told = f"At {camera.name}, the smaller the distance the more alike:"
    return tag("div", tag("p", told), tag("ol", rows, class_="nearest"))


def _arrival(one: answers.Candidate, clock: Clock) -> str:
    seen = one.tracklet
    return f"{seen.type} {clock.time(seen.first_time)}, {duration(one.lag_s)} later, distance {one.distance:.2f}"
