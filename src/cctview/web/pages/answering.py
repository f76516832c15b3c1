"""The right side of Follow: where the vehicle may be next, who it may be there, and why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

from cctview.svg.charts import empty, meter
from cctview.svg.markup import Markup, fragment, tag
from cctview.web.model import answers
from cctview.web.model.chain import largest
from cctview.web.model.wording import Clock, duration, factor, share

__all__ = ["nothing_chosen", "problem", "seen_once", "told", "waiting"]

_WORTH_SAYING = log(1.2)
_REASONS_SHOWN = 3


def nothing_chosen(journeys: Sequence[answers.Journey], cameras: Mapping[str, answers.Camera], clock: Clock) -> Markup:
    """Return what stands here before a vehicle was chosen: what to do, and journeys to begin with."""
    hint = empty("Choose a vehicle: press one of the boxes in the still, or the V key and then Enter.")
    if not journeys:
        return hint
    rows = (tag("li", _journey(journey, cameras, clock)) for journey in journeys)
    return fragment(hint, tag("h3", "Or open a journey", class_="apart"), tag("ul", rows))


def seen_once() -> Markup:
    """Return the answer for a box that belongs to no vehicle followed over several stills."""
    return empty("This box was seen in one still only, so there is nothing to compare it with. Choose another one.")


def waiting() -> Markup:
    """Return what stands here while answers are on their way."""
    ghost = tag("div", tag("span", class_="thumb"), class_="candidate none")
    return tag("div", tag("p", "Comparing", class_="soft", role="status"), ghost, ghost, ghost)


def problem(message: str) -> Markup:
    """Return a sentence on what went wrong."""
    return tag("p", message, class_="problem", role="alert")


def _journey(journey: answers.Journey, cameras: Mapping[str, answers.Camera], clock: Clock) -> Markup:
    first, last = journey.steps[0], journey.steps[-1]
    ends = f"{cameras[first.tracklet.camera].name} to {cameras[last.tracklet.camera].name}"
    told = f"{first.tracklet.type} {clock.time(first.time)}, {len(journey.steps)} cameras, {ends}"
    picture = tag("img", src=f"/api/v1/tracklets/{first.tracklet.id}/crop", alt="", loading="lazy", data_crop=True)
    sure = tag("span", share(journey.probability), class_="share")
    line = tag("span", f"{len(journey.steps)} cameras, {ends}", class_="line")
    name = tag("span", f"{first.tracklet.type} {clock.time(first.time)}")
    return tag(
        "a", picture, name, sure, line, href=f"/follow?journey={journey.id}", class_="candidate", aria_label=told
    )


def told(
    sighting: answers.Sighting,
    found: Sequence[answers.Matching],
    cameras: Mapping[str, answers.Camera],
    chosen: set[str],
    clock: Clock,
) -> Markup:
    """Return one answer per neighbouring camera, those ahead first."""
    seen = sighting.tracklet
    about = f"{seen.type} {_way(seen.heading)}, {cameras[seen.camera].name}, {clock.time(seen.first_time)}"
    alike = tag("a", "search for others like it", href=f"/search?detection={largest(sighting).id}")
    head = tag("p", f"{about}: ", alike, class_="soft")
    if not found:
        return fragment(head, empty("No link of the camera network leads on from here for a vehicle going this way."))
    order = sorted(range(len(found)), key=lambda n: found[n].way != "next")
    return fragment(head, (_answer(n, found[n], cameras[found[n].camera], chosen, clock) for n in order))


def _answer(number: int, matching: answers.Matching, camera: answers.Camera, chosen: set[str], clock: Clock) -> Markup:
    ahead = matching.way == "next"
    title = tag("h3", tag("span", "Next" if ahead else "Before", ": ", camera.name))
    listed = [
        _candidate(number, candidate, clock, chosen=candidate.tracklet.id in chosen)
        for candidate in matching.candidates
    ]
    listed.append(_not_seen(matching, ahead=ahead))
    return tag("section", title, _window(matching, clock), listed, class_="answer")


def _window(matching: answers.Matching, clock: Clock) -> Markup | None:
    if matching.earliest is None or matching.latest is None:
        return None
    verb = "Due" if matching.way == "next" else "Came by"
    words = f"{verb} between {clock.time(matching.earliest)} and {clock.time(matching.latest)}"
    return tag("p", words, class_="small soft")


def _candidate(number: int, found: answers.Candidate, clock: Clock, *, chosen: bool) -> Markup:
    seen = found.tracklet
    name = f"{seen.type} {clock.time(seen.first_time)}"
    told = f"{name}, {share(found.probability)} probable, {duration(found.lag_s)}, distance {found.distance:.2f}"
    return tag(
        "button",
        tag("img", src=f"/api/v1/tracklets/{seen.id}/crop", alt="", loading="lazy", data_crop=True),
        tag("span", name),
        tag("span", share(found.probability), class_="share"),
        meter(found.probability),
        tag("span", f"{duration(found.lag_s)} · distance {found.distance:.2f}", reasons(found.reasons), class_="line"),
        type="button",
        class_="candidate",
        data_emit=f"{number}:{found.rank}",
        aria_label=told,
        aria_pressed=str(chosen).lower(),
    )


def _not_seen(matching: answers.Matching, *, ahead: bool) -> Markup:
    words = "Not seen there" if ahead else "Not seen there before"
    name = tag("span", words)
    figure = tag("span", share(matching.p_none), class_="share")
    return tag("div", tag("span", class_="ghost"), name, figure, meter(matching.p_none), class_="candidate none")


def reasons(found: Mapping[str, float]) -> str:
    """Return the strongest reasons in words, strongest first."""
    strong = sorted(
        ((name, nats) for name, nats in found.items() if abs(nats) > _WORTH_SAYING), key=lambda item: -abs(item[1])
    )
    return "".join(f" · {factor(name, nats)}" for name, nats in strong[:_REASONS_SHOWN])


def _way(heading: str) -> str:
    return {"towards": "coming towards", "away": "driving away", "across": "crossing", "still": "standing"}[heading]
