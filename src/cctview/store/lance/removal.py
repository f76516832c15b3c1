"""Take rows and stills out of the files of a store, and prove that they are gone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa

from cctview.errors import StoreError
from cctview.store.contract import Forgotten, Proof
from cctview.store.doomed import HELD, Doomed, changes_of, exposed, left_of
from cctview.store.lance.packs import PackWriter, pack_path, read_packed
from cctview.store.lance.tables import Snapshot, Transaction
from cctview.store.layouts import contained, ids_of
from cctview.store.proof import Needles, files_below, search_files

__all__ = ["drop_stills", "remove"]

_PLACE = ["id", "pack", "offset", "length"]


def remove(tx: Transaction, doomed: Doomed) -> Forgotten:
    """Write every touched table and pack anew, commit, delete the old files, and search what is left.

    Raise StoreError when any of it is still found.
    """
    view = tx.snapshot()
    needles = _needles(tx.path, view, doomed)
    files = files_below(tx.path)
    before = search_files(tx.path, needles)
    rows, pixels, touched = _rewritten(tx, doomed)
    tx.sweep()
    after = search_files(tx.path, needles)
    stale = files & files_below(tx.path) & touched
    _require_gone(tx, doomed, after.found, stale)
    proof = Proof(
        files=after.pieces,
        bytes=after.bytes,
        needles=len(needles),
        found_before=before.found,
        found=after.found,
        files_replaced=len(files - files_below(tx.path)),
    )
    return Forgotten(rows=rows, pixels=pixels, proof=proof)


def _rewritten(tx: Transaction, doomed: Doomed) -> tuple[dict[str, int], int, set[Path]]:
    """Return the rows each table lost, the stills lost, and the data files that must now be gone."""
    rows: dict[str, int] = {}
    touched: set[Path] = set()
    pixels = 0
    if len(doomed.frames) or len(doomed.pixels):
        rows["frames"], pixels, packs = drop_stills(tx, doomed)
        touched |= packs | _data_files(tx.path, "frames")
    for name, change in changes_of(doomed).items():
        if tx.snapshot().has(name):
            touched |= _data_files(tx.path, name)
            rows[name] = tx.rewrite(name, change)
    return {name: count for name, count in rows.items() if count}, pixels, touched


def drop_stills(tx: Transaction, doomed: Doomed) -> tuple[int, int, set[Path]]:
    """Write the frames and every pack that holds a removed still anew; return rows lost, stills lost, old packs."""
    losing = np.union1d(doomed.frames, doomed.pixels)
    held = tx.snapshot().rows_among("frames", ["pack"], losing, (HELD,))
    packs = np.unique(held.column("pack").to_numpy())
    old = tx.commit.packs
    writer = PackWriter(tx.path, {n: size for n, size in old.items() if n not in packs}, closed=max(old, default=0))

    def moved(batch: pa.RecordBatch) -> pa.RecordBatch:
        batch = batch.filter(pa.array(~contained(ids_of(batch.column("id")), doomed.frames)))
        place = {name: batch.column(name).to_numpy(zero_copy_only=False).copy() for name in _PLACE}
        place["length"][contained(place["id"], losing)] = 0
        copied = np.flatnonzero(np.isin(place["pack"], packs) & (place["length"] > 0))
        pack, offset, length = (place[name][copied] for name in _PLACE[1:])
        moving = list(read_packed(tx.path, pack, offset, length, tx.commit.unsealed))
        place["pack"][copied], place["offset"][copied], _ = writer.put(moving)
        for name in _PLACE[1:]:
            index = batch.schema.get_field_index(name)
            batch = batch.set_column(index, batch.schema.field(index), pa.array(place[name]))
        return batch

    removed = tx.rewrite("frames", moved)
    tx.keep(writer)
    return removed, held.num_rows, {pack_path(tx.path, number) for number in packs.tolist()}


def _needles(folder: Path, view: Snapshot, doomed: Doomed) -> Needles:
    """Return what must not be found: the removed ids, and the stills no other frame shows as well."""
    if not len(doomed.frames) and not len(doomed.pixels):
        return Needles.of(doomed.ids, [])
    lost = exposed(view, doomed, _PLACE[1:]).sort_by([("pack", "ascending"), ("offset", "ascending")])
    places = [lost.column(name).to_numpy() for name in _PLACE[1:]]
    found = read_packed(folder, places[0], places[1], places[2], view.commit.unsealed)
    return Needles.of(doomed.ids, (packed.still for packed in found))


def _require_gone(tx: Transaction, doomed: Doomed, found: int, stale: set[Path]) -> None:
    left = left_of(tx.snapshot(), doomed)
    if found or stale or left:
        raise StoreError(
            f"{tx.path}: not everything is gone: {left} rows, {found} ids or stills in the bytes of its files, "
            f"{len(stale)} old files; end every program that has this store open and run the same command again"
        )


def _data_files(path: Path, name: str) -> set[Path]:
    return files_below(path / f"{name}.lance" / "data")
