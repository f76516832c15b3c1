"""From rows of the index and of the store to the records that are answered."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.aggregates import lag_shares, stills_span
from cctview.errors import MissingError, PolicyError
from cctview.matching.sides import expected_heading
from cctview.network import CameraNetwork, Link
from cctview.seams import Store
from cctview.types import HEADINGS, OBJECT_TYPES, REASONS, Detections, Frames, Tracklets, rows_of
from cctview.web.model import answers
from cctview.web.model.boxes import detections_of, owners
from cctview.web.model.columns import Keys, give_back_memory
from cctview.web.model.index import Index
from cctview.web.model.moments import from_micros
from cctview.web.model.names import Names

__all__ = ["Records"]

Rows = NDArray[np.int64]


class Records:
    """Tell what stands in one index: ids become names, codes words, microseconds times."""

    def __init__(self, store: Store, last: Index | None = None) -> None:
        self._store = store
        self.network = store.network or CameraNetwork()
        self.policy = store.policy
        self.names = Names(store)
        self.index = Index.read(store, self.network, last)
        give_back_memory()

    def frame_row(self, ident: int, name: str) -> int:
        """Return the row of a frame; raise MissingError when it is not there."""
        return _found(self.index.frames.keys, ident, f"frame {name!r}")

    def tracklet_row(self, name: str) -> int:
        """Return the row of a tracklet; raise MissingError when it is not there."""
        return _found(self.index.tracklets.keys, self.names.id(name, "tracklet"), f"tracklet {name!r}")

    def journey_row(self, name: str) -> int:
        """Return the row of a journey; raise MissingError when it is not there."""
        return _found(self.index.journeys.keys, self.names.id(name, "journey"), f"journey {name!r}")

    @cached_property
    def _places(self) -> dict[str, int]:
        return {name: number for number, name in enumerate(self.network.cameras.id.tolist())}

    def camera(self, number: int) -> answers.Camera:
        """Tell of a camera by its number."""
        name = self.index.cameras[number]
        low, high = self.index.frame_range(name)
        time = self.index.frames.time[low:high]
        steps = np.diff(time) / 1e6
        place, known = self._places.get(name), self.network.cameras
        low_t, high_t = self.index.tracklets.starts[number : number + 2]
        return answers.Camera(
            id=name,
            name=name if place is None else str(known.name[place]),
            lon=None if place is None or not known.placed[place] else float(known.lon[place]),
            lat=None if place is None or not known.placed[place] else float(known.lat[place]),
            heading_deg=None if place is None or not known.aimed[place] else float(known.heading_deg[place]),
            frames=int(high - low),
            tracklets=int(high_t - low_t),
            passages=self._told_passages(name),
            first_time=from_micros(time[0]) if len(time) else None,
            last_time=from_micros(time[-1]) if len(time) else None,
            last_frame=self.names.out(self.index.frames.id[high - 1 : high])[0] if len(time) else None,
            interval_s=float(np.median(steps)) if len(steps) else None,
            longest_gap_s=float(steps.max()) if len(steps) else None,
        )

    def _told_passages(self, camera: str) -> int | None:
        """Return how many passages a camera saw, None of fewer than the minimum group."""
        passages = int(np.sum(self.index.passages.camera == camera))
        return passages if passages >= self.policy.minimum_group else None

    def spans(self) -> dict[str, tuple[np.datetime64, np.datetime64]]:
        """Return the times of the first and the last still of each camera that has some."""
        frames, names = self.index.frames, np.array(self.index.cameras, np.str_)
        return stills_span(names[frames.camera], frames.time.astype("datetime64[us]"))

    def traffic(self, link: int, after: int, before: int) -> answers.Traffic | None:
        """Tell what set out over a link in ``[after, before)`` microseconds; None of fewer than the minimum group."""
        found = self.index.crossings.of(link, after, before)
        shares = lag_shares(found.seconds, found.weight, least=self.policy.minimum_group)
        if shares is None:
            return None
        p10, _, median, _, p90 = shares.tolist()
        return answers.Traffic(
            after=from_micros(max(after, int(found.departed[0]))),
            before=from_micros(min(before, int(found.departed[-1]) + 1)),
            vehicles=len(found.seconds),
            p10_s=p10,
            median_s=median,
            p90_s=p90,
            speed=self.index.links[link].metres / median if median and self.index.links[link].measured else None,
        )

    def link(self, link: Link, now: answers.Traffic | None) -> answers.Link:
        """Tell of a link and the traffic on it."""
        return answers.Link(
            origin=link.origin,
            target=link.target,
            direction_deg=link.direction_deg,
            metres=link.metres,
            min_s=link.min_s,
            max_s=link.max_s,
            now=now,
        )

    def stills(self, rows: Rows) -> tuple[answers.Still, ...]:
        """Tell of rows of frames."""
        camera = np.searchsorted(self.index.frames.starts, rows, side="right") - 1
        return tuple(
            answers.Still(id=name, camera=self.index.cameras[code], time=from_micros(time))
            for name, code, time in zip(
                self.names.out(self.index.frames.id[rows]), camera.tolist(), self.index.frames.time[rows], strict=True
            )
        )

    def tracklets(self, rows: Rows) -> tuple[answers.Tracklet, ...]:
        """Tell of rows of tracklets."""
        chosen = self.index.tracklets
        return tuple(
            answers.Tracklet(
                id=name,
                camera=self.index.cameras[chosen.camera[row]],
                first_time=from_micros(chosen.first[row]),
                last_time=from_micros(chosen.last[row]),
                type=OBJECT_TYPES[chosen.type[row]],
                heading=HEADINGS[chosen.heading[row]],
                quality=float(chosen.quality[row]),
            )
            for name, row in zip(self.names.out(chosen.id[rows]), rows.tolist(), strict=True)
        )

    def detections(self, rows: Detections, still: str = "", owner: str = "") -> tuple[answers.Detection, ...]:
        """Answer with these boxes; a readable ``still`` or an ``owner`` that is known is not looked up."""
        stills = [still] * len(rows) if still else self._still_names(rows)
        belongs = [owner] * len(rows) if owner else self._owner_names(rows)
        return detections_of(rows, self.names, stills, belongs)

    def _still_names(self, rows: Detections) -> list[str]:
        frames = self._store.columns(Frames, ["id", "name"], ids=rows.frame)
        names: list[str] = (
            frames.column("name").to_numpy()[rows_of(frames.column("id").to_numpy(), rows.frame)].tolist()
        )
        return names

    def _owner_names(self, rows: Detections) -> list[str | None]:
        owned = owners(self._store, self.index, rows)
        names = self.names.out(owned)
        return [name if ident >= 0 else None for name, ident in zip(names, owned.tolist(), strict=True)]

    def members(self, tracklet: int, name: str) -> Rows:
        """Return the ids of a tracklet's detections."""
        rows = self._store.columns(Tracklets, ["members"], ids=np.array([tracklet]))
        if not rows.num_rows:
            raise MissingError(f"tracklet {name!r} is no longer stored; tracklets are made anew at the end of a run")
        members: Rows = rows.column("members").combine_chunks().flatten().to_numpy()
        return members

    def still(self, frame: int) -> bytes:
        """Return the JPEG bytes of a frame; raise PolicyError when its pixels are not kept."""
        try:
            return self._store.pixels(np.array([frame], np.int64))[0]
        except PolicyError as error:
            raise PolicyError(
                "the pixels of this still are not kept: by the policy, or expired or forgotten"
            ) from error
        except MissingError as error:
            raise MissingError("this still is no longer stored; it may have expired") from error

    def best(self, name: str) -> Detections:
        """Return the largest box that a name stands for: a tracklet's, or the detection itself."""
        if "--" not in name:
            tracklet = self.names.id(name, "tracklet or detection")
            if self.index.tracklets.keys.rows(np.array([tracklet]))[0] >= 0:
                boxes = self._store.scan(Detections, ids=self.members(tracklet, name))
                size = boxes.box[:, 2:] - boxes.box[:, :2]
                best = int(np.argmax(size[:, 0] * size[:, 1]))
                return boxes[best : best + 1]
        rows = self._store.scan(Detections, ids=np.array([self.names.detection(name)], np.int64))
        if not len(rows):
            raise MissingError(f"neither a tracklet nor a detection {name!r} is stored; it may have expired")
        return rows

    def next(self, row: int, top: int) -> list[answers.Matching]:
        """Tell for each camera down a link who a tracklet may be there."""
        matches = self.index.matches
        camera = self.index.cameras[self.index.tracklets.camera[row]]
        links = {(link.origin, link.target): number for number, link in enumerate(self.index.links)}
        answered = []
        for place in matches.of(row).tolist():
            target = self.index.cameras[matches.camera[place]]
            found = matches.entries(place, place + 1)
            found = found[found["candidate"] >= 0][:top]
            link = links.get((camera, target))
            window = None if link is None else self.index.window(row, link, onwards=True)
            candidates = self._candidates(found, found["candidate"].astype(np.int64))
            answered.append(_matching(target, "next", window, float(matches.p_none[place]), candidates))
        return answered

    def previous(self, row: int, top: int) -> list[answers.Matching]:
        """Tell for each camera up a link who a tracklet may have been there: whose candidate it is."""
        camera = self.index.cameras[self.index.tracklets.camera[row]]
        answered = []
        for number, link in enumerate(self.index.links):
            if link.target != camera or self._against(row, link):
                continue
            rows, found = self.index.matches.listing(row, *self.index.arrivals_from(number, row))
            none = max(0.0, 1.0 - float(found["probability"].sum()))
            candidates = self._candidates(found[:top], rows[:top])
            answered.append(
                _matching(link.origin, "previous", self.index.window(row, number, onwards=False), none, candidates)
            )
        return answered

    def _against(self, row: int, link: Link) -> bool:
        """Return whether a tracklet was seen to go against a link that ends at its camera."""
        way = expected_heading(self.network, link.target, link)
        heading = HEADINGS[self.index.tracklets.heading[row]]
        return {way, heading} == {"towards", "away"}

    def _candidates(self, found: NDArray[Any], rows: Rows) -> tuple[answers.Candidate, ...]:
        """Tell of tracklet ``rows`` what the entries of matches say."""
        return tuple(
            answers.Candidate(
                rank=number + 1,
                tracklet=tracklet,
                distance=float(entry["distance"]),
                probability=float(entry["probability"]),
                lag_s=float(entry["lag_s"]),
                reasons={name: float(entry[name]) for name in REASONS},
            )
            for number, (tracklet, entry) in enumerate(zip(self.tracklets(rows), found, strict=True))
        )

    def journeys(self, rows: Rows) -> tuple[answers.Journey, ...]:
        """Tell of rows of journeys."""
        names = self.names.out(self.index.journeys.id[rows])
        return tuple(self._journey(row, name) for row, name in zip(rows.tolist(), names, strict=True))

    def _journey(self, row: int, name: str) -> answers.Journey:
        chains = self.index.journeys
        flat = np.arange(chains.members.offsets[row], chains.members.offsets[row + 1])
        stations = self.tracklets(chains.members.values[flat])
        steps = tuple(
            answers.Step(
                tracklet=tracklet,
                time=from_micros(chains.time[place]),
                lon=float(chains.lon[place]),
                lat=float(chains.lat[place]),
                speed=float(chains.speed[place]),
                seconds=float(chains.time[place] - chains.time[place - 1]) / 1e6 if number else None,
            )
            for number, (place, tracklet) in enumerate(zip(flat.tolist(), stations, strict=True))
        )
        return answers.Journey(id=name, probability=float(chains.probability[row]), steps=steps)


def _matching(
    camera: str,
    way: str,
    window: tuple[int, int] | None,
    none: float,
    candidates: tuple[answers.Candidate, ...],
) -> answers.Matching:
    return answers.Matching(
        camera=camera,
        way=way,
        earliest=None if window is None else from_micros(window[0]),
        latest=None if window is None else from_micros(window[1]),
        p_none=none,
        candidates=candidates,
    )


def _found(keys: Keys, ident: int, what: str) -> int:
    row = int(keys.rows(np.array([ident], np.int64))[0])
    if row < 0:
        raise MissingError(f"{what} is not stored; it may have expired, or another run made these anew")
    return row
