"""What must go when something is forgotten or too old: the rows named, and all that was made from them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from cctview.errors import InputError, MissingError
from cctview.privacy import Kept, Policy, expires_before
from cctview.store.contract import Forgotten
from cctview.store.layouts import LAYOUTS, Term, View, condition, contained, ids_of
from cctview.table import RaggedColumn
from cctview.types import Matches

__all__ = ["HELD", "Change", "Doomed", "changes_of", "chosen", "counted", "doomed_by_age", "exposed", "left_of"]

Ids = NDArray[np.int64]
Change = Callable[[pa.RecordBatch], pa.RecordBatch]
HELD = Term("length", ">", 0)


def _none() -> Ids:
    return np.zeros(0, np.int64)


@dataclass(frozen=True, eq=False, kw_only=True)
class Doomed:
    """The sorted ids of what must go.

    ``pixels`` are frames that lose their stills only, ``embeddings`` the detections that lose
    theirs, ``members`` the detections whose tracklets must go. ``camera`` names one whose matches
    go even where they list no candidate; ``camera`` and ``before`` say which travel times go.
    """

    frames: Ids = field(default_factory=_none)
    pixels: Ids = field(default_factory=_none)
    detections: Ids = field(default_factory=_none)
    embeddings: Ids = field(default_factory=_none)
    members: Ids = field(default_factory=_none)
    tracklets: Ids = field(default_factory=_none)
    passages: Ids = field(default_factory=_none)
    journeys: Ids = field(default_factory=_none)
    camera: str = ""
    before: np.datetime64 | None = None

    @property
    def ids(self) -> Ids:
        """The ids that must be found nowhere afterwards."""
        return np.concatenate([self.frames, self.detections, self.tracklets, self.passages, self.journeys])

    @property
    def rows(self) -> bool:
        """Whether rows go too, or stills only: those leave all that was made from them as it is."""
        return not replace(self, pixels=_none()).empty

    @property
    def empty(self) -> bool:
        """Whether there is nothing to remove."""
        return not any(len(value) for value in vars(self).values() if isinstance(value, np.ndarray | str)) and (
            self.before is None
        )


def chosen(view: View, before: np.datetime64 | None, camera: str | None, ids: NDArray[np.int64] | None) -> Doomed:
    """Return what is to be forgotten; raise InputError for a request that is empty or contradicts itself."""
    if before is None and camera is None and ids is None:
        raise InputError("forget what? give before, camera or ids")
    if ids is None:
        return doomed_where(view, before, camera)
    if before is not None or camera is not None:
        raise InputError("forget either by ids, or by before and camera; not both in one call")
    return doomed_by_ids(view, np.asarray(ids, np.int64))


def doomed_where(view: View, before: np.datetime64 | None, camera: str | None) -> Doomed:
    """Return all rows of a camera, of a time, or both."""

    def found(name: str) -> Ids:
        return view.ids(name, condition(LAYOUTS[name], camera=camera, before=before))

    detections = found("detections")
    return _with_derived(
        view,
        Doomed(
            frames=found("frames"),
            detections=detections,
            embeddings=found("embeddings"),
            members=detections,
            tracklets=found("tracklets"),
            camera=camera if camera is not None and before is None else "",
            before=before if camera is None and _told_before(view, before) else None,
        ),
    )


def _told_before(view: View, before: np.datetime64 | None) -> bool:
    """Return whether travel times or breaks tell of a time before this one."""
    return before is not None and any(
        view.has(name) and view.rows(name, [time], condition(LAYOUTS[name], before=before)).num_rows > 0
        for name, time in (("travel_times", "start"), ("breaks", "time"))
    )


def doomed_by_ids(view: View, ids: Ids) -> Doomed:
    """Return what these frames, detections, tracklets and journeys stand for; raise MissingError for an unknown id."""
    ids = np.unique(ids)
    named = {name: ids[contained(ids, view.ids(name))] for name in ("frames", "detections", "tracklets", "journeys")}
    strange = np.setdiff1d(ids, np.concatenate(list(named.values())))
    if len(strange):
        raise MissingError(f"no frame, detection, tracklet or journey has the id {strange[0]}; nothing was removed")
    tracklets = np.union1d(named["tracklets"], _members(view, "journeys", named["journeys"]))
    direct = np.union1d(named["detections"], _members(view, "tracklets", tracklets))
    owners = _pairs(view, "detections", "frame")
    detections = np.union1d(direct, owners[0][contained(owners[1], named["frames"])])
    shown = np.unique(owners[1][contained(owners[0], direct)])
    return _with_derived(
        view,
        Doomed(
            frames=named["frames"],
            pixels=np.setdiff1d(shown, named["frames"]),
            detections=detections,
            embeddings=detections,
            members=detections,
            tracklets=tracklets,
            journeys=named["journeys"],
        ),
    )


def doomed_by_age(view: View, policy: Policy, now: np.datetime64) -> Doomed:
    """Return what the policy no longer allows."""
    column = "time" if policy.expiry_from == "capture" else "imported"

    def older(name: str, *kinds: Kept) -> Ids:
        limit = min(expires_before(policy, kept, now) for kept in kinds)
        return view.ids(name, (Term(column, "<", limit),))

    frames = older("frames", "frames", "detections")
    held = view.ids("frames", (HELD,))
    return _with_derived(
        view,
        Doomed(
            frames=frames,
            pixels=np.setdiff1d(held[contained(held, older("frames", "frames"))], frames),
            detections=older("detections", "detections"),
            embeddings=older("embeddings", "embeddings"),
            members=np.union1d(older("detections", "journeys"), older("embeddings", "embeddings")),
        ),
    )


def counted(view: View, doomed: Doomed) -> Forgotten:
    """Return how many rows each table would lose, and how many stills their pixels."""
    rows = {"frames": len(doomed.frames)}
    for name, change in changes_of(doomed).items():
        if name in ("matches", "travel_times", "breaks"):
            parts = view.batches(name, list(LAYOUTS[name].read)) if view.has(name) else ()
            rows[name] = sum(part.num_rows - change(part).num_rows for part in parts)
        else:
            ids: Ids = getattr(doomed, name)
            rows[name] = int(contained(ids, view.ids(name)).sum())
    held = view.ids("frames", (HELD,))
    pixels = int(contained(np.union1d(doomed.frames, doomed.pixels), held).sum())
    return Forgotten(rows={name: count for name, count in rows.items() if count}, pixels=pixels)


def changes_of(doomed: Doomed) -> dict[str, Change]:
    """Return by table what takes the doomed rows out of a batch of it; frames are up to the store."""
    changes: dict[str, Change] = {}
    for name, ids in (
        ("detections", doomed.detections),
        ("embeddings", doomed.embeddings),
        ("tracklets", doomed.tracklets),
        ("passages", doomed.passages),
        ("journeys", doomed.journeys),
    ):
        if len(ids):
            changes[name] = _dropping(LAYOUTS[name].id, ids)
    if doomed.camera or doomed.before is not None:
        changes["travel_times"] = lambda batch: _pruned(batch, doomed, "start", "origin", "target")
        changes["breaks"] = lambda batch: _pruned(batch, doomed, "time", "camera")
    if len(doomed.tracklets) or doomed.camera:
        changes["matches"] = lambda batch: _pruned_matches(batch, doomed)
    return changes


def _dropping(key: str, ids: Ids) -> Change:
    return lambda batch: batch.filter(pa.array(~contained(ids_of(batch.column(key)), ids)))


def _pruned_matches(batch: pa.RecordBatch, doomed: Doomed) -> pa.RecordBatch:
    """Drop queries that are gone, and candidates that are gone from the lists of the others."""
    lists = batch.column("candidates")
    keep = ~contained(ids_of(lists.flatten()), doomed.tracklets)
    lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
    row = np.repeat(np.arange(len(lengths)), lengths)
    left = np.bincount(row[keep], minlength=len(lengths))
    offsets = np.concatenate([[0], np.cumsum(left)])
    for name in (name for name, column in Matches.columns.items() if isinstance(column, RaggedColumn)):
        place = batch.schema.get_field_index(name)
        values = batch.column(name).flatten().filter(pa.array(keep))
        batch = batch.set_column(place, batch.schema.field(place), pa.LargeListArray.from_arrays(offsets, values))
    emptied = (left == 0) & (lengths > 0)
    mentioned = _mentions(batch, doomed.camera, "query_camera", "camera")
    gone = contained(ids_of(batch.column("query")), doomed.tracklets) | emptied | mentioned
    return batch.filter(pa.array(~gone))


def _pruned(batch: pa.RecordBatch, doomed: Doomed, time: str, *cameras: str) -> pa.RecordBatch:
    """Drop what is told of a camera, or of a time before; nothing else in these rows names a vehicle."""
    gone = _mentions(batch, doomed.camera, *cameras)
    if doomed.before is not None:
        start = batch.column(time).cast(pa.int64()).to_numpy()
        gone |= start < doomed.before.astype("datetime64[ns]").astype(np.int64)
    return batch.filter(pa.array(~gone))


def _mentions(batch: pa.RecordBatch, camera: str, *columns: str) -> NDArray[np.bool_]:
    """Return which rows name the camera in one of these columns."""
    named = [np.array(batch.column(name).to_pylist(), np.str_) == camera for name in columns]
    return np.logical_or.reduce(named)


def exposed(view: View, doomed: Doomed, columns: list[str]) -> pa.Table:
    """Return these columns of the frames whose stills go and which no other frame shows as well."""
    losing = np.union1d(doomed.frames, doomed.pixels)
    lost = view.rows_among("frames", ["digest", *columns], losing, (HELD,))
    shown = view.rows("frames", ["id", "digest"], (HELD,))
    others = np.unique(shown.column("digest").to_numpy()[~contained(ids_of(shown.column("id")), losing)])
    return lost.filter(pa.array(~contained(lost.column("digest").to_numpy(), others))).select(columns)


def left_of(view: View, doomed: Doomed) -> int:
    """Return how many of the doomed rows are still there."""
    return sum(
        int(contained(view.ids(name), getattr(doomed, name)).sum())
        for name in ("frames", "detections", "embeddings", "tracklets", "passages", "journeys")
    )


def _with_derived(view: View, doomed: Doomed) -> Doomed:
    """Add the tracklets made from doomed detections, and the passages and journeys made from those."""
    tracklets = np.union1d(doomed.tracklets, _holding(view, "tracklets", doomed.members))
    journeys = np.union1d(doomed.journeys, _holding(view, "journeys", tracklets))
    passages = _holding(view, "passages", tracklets)
    return replace(doomed, tracklets=tracklets, passages=passages, journeys=journeys)


def _holding(view: View, name: str, members: Ids) -> Ids:
    """Return the rows of a derived table that have one of these members."""
    found = [_none()]
    if view.has(name) and len(members):
        for batch in view.batches(name, ["id", "members"]):
            lists = batch.column("members")
            lengths = lists.value_lengths().to_numpy(zero_copy_only=False)
            hit = contained(ids_of(lists.flatten()), members)
            found.append(np.repeat(ids_of(batch.column("id")), lengths)[hit])
    return np.unique(np.concatenate(found))


def _members(view: View, name: str, ids: Ids) -> Ids:
    """Return the members of these rows of a derived table."""
    if not len(ids):
        return _none()
    lists = view.rows_among(name, ["members"], ids).column("members")
    return np.unique(np.concatenate([ids_of(chunk.flatten()) for chunk in lists.chunks]))


def _pairs(view: View, name: str, column: str) -> tuple[Ids, Ids]:
    if not view.has(name):
        return _none(), _none()
    rows = view.rows(name, ["id", column])
    return ids_of(rows.column("id")), ids_of(rows.column(column))
