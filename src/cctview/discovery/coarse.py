"""A first look at all pairs of flows of many cameras: which of them may exchange vehicles at all.

Vehicles are sorted into kinds by their looks, and those of one kind are counted by lag, for all pairs of flows at
once: the counts of a kind over time, as Fourier series, are multiplied (cross-correlation). The cost grows with the
square of the number of flows, but each pair costs microseconds.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.fft import irfft, next_fast_len, rfft
from scipy.ndimage import uniform_filter1d

from cctview.discovery.flows import HOUR_S, Flow
from cctview.discovery.priors import DiscoveryPriors

__all__ = ["likely_pairs"]

Floats = NDArray[np.floating[Any]]
Ints = NDArray[np.integer[Any]]
Pair = tuple[int, int]

_FLOWS = 32  # whose products with all others are held at a time, to bound memory
_ROUNDS = 5  # of k-means; kinds need not be the best ones


def likely_pairs(
    queries: Sequence[Flow], gallery: Sequence[Flow], pairs: Sequence[Pair], reach: int, priors: DiscoveryPriors
) -> list[Pair]:
    """Return the pairs of a query flow and a gallery flow that a coarse look does not rule out.

    All where there are few. Else, for each flow, the few partners that stand out most at a lag before and a lag after.
    """
    if len(queries) <= priors.coarse_above or not pairs:
        return list(pairs)
    step = priors.coarse_s
    kinds = _kinds(gallery, priors)
    size = next_fast_len(_length(gallery, reach, step) + reach // step + 1, real=True)
    before, after = (_series(flows, kinds, gallery, size, reach, priors) for flows in (queries, gallery))
    wanted = np.zeros((len(queries), len(gallery)), np.bool_)
    wanted[tuple(np.array(pairs).T)] = True
    earlier, later = (np.zeros(wanted.shape) for _ in range(2))
    for begin in range(0, len(queries), _FLOWS):
        part = slice(begin, begin + _FLOWS)
        earlier[part], later[part] = _standing_out(before[part], after, size, reach // step, priors)
    chosen = np.zeros(wanted.shape, np.bool_)
    for z in (earlier, later):
        told = np.where(wanted & (z > priors.coarse_z), z, -np.inf)
        chosen |= _among_best(told, priors.coarse_partners) & np.isfinite(told)
    return [(int(a), int(b)) for a, b in np.argwhere(chosen)]


def _among_best(z: Floats, most: int) -> NDArray[np.bool_]:
    """Return which values (Q, G) are among the ``most`` highest of their row or of their column."""
    rows, columns = (np.sort(z, axis=axis).take(-min(most, z.shape[axis]), axis=axis) for axis in (1, 0))
    return (z >= rows[:, None]) | (z >= columns[None, :])


def _kinds(flows: Sequence[Flow], priors: DiscoveryPriors) -> NDArray[np.float32]:
    """Return unit vectors (K, D) of kinds of vehicles, by k-means on some of all flows."""
    each = max(priors.coarse_sample // len(flows), 1)
    some = np.concatenate(
        [flow.vector[np.linspace(0, len(flow) - 1, min(len(flow), each)).astype(int)] for flow in flows if len(flow)]
    )
    centres = some[np.linspace(0, len(some) - 1, priors.coarse_kinds).astype(int)]
    for _ in range(_ROUNDS):
        own = np.argmax(some @ centres.T, axis=1)
        order = np.argsort(own, kind="stable")
        begin = np.flatnonzero(np.diff(own[order], prepend=-1))
        centres = np.add.reduceat(some[order], begin, axis=0)
        centres = centres / np.maximum(np.linalg.norm(centres, axis=1, keepdims=True), 1e-9)
    return centres


def _length(flows: Sequence[Flow], reach: int, step: int) -> int:
    return int(_places(flows, flows, reach, step)[-1].max()) + 1


def _places(flows: Sequence[Flow], clock: Sequence[Flow], reach: int, step: int) -> list[Ints]:
    """Return the bin of time of each vehicle; hours without any of ``clock`` are left out, but for the reach."""
    start = min(flow.time[0] for flow in clock if len(flow))
    hours = np.unique(np.concatenate([(flow.time - start) // HOUR_S for flow in clock]))
    length = HOUR_S if np.all(np.diff(hours) == 1) else HOUR_S + reach
    places = []
    for flow in flows:
        hour, rest = np.divmod(flow.time - start, HOUR_S)
        places.append(((np.searchsorted(hours, hour) * length + rest) // step).astype(np.intp))
    places.append(np.concatenate(places))
    return places


def _series(
    flows: Sequence[Flow],
    kinds: NDArray[np.float32],
    clock: Sequence[Flow],
    size: int,
    reach: int,
    priors: DiscoveryPriors,
) -> NDArray[np.complex64]:
    """Return the Fourier series (F, K + 1, size // 2 + 1) of how many of each kind pass; the last kind is all."""
    out = np.zeros((len(flows), len(kinds) + 1, size // 2 + 1), np.complex64)
    places = _places(flows, clock, reach, priors.coarse_s)
    for row, (flow, place) in enumerate(zip(flows, places[:-1], strict=True)):
        counts = np.zeros((len(kinds) + 1, size), np.float32)
        if len(flow):
            near = np.argpartition(-(flow.vector @ kinds.T), priors.coarse_near, axis=1)[:, : priors.coarse_near]
            np.add.at(counts, (near.ravel(), np.repeat(place, near.shape[1])), 1.0)
            counts[-1] = np.bincount(place, minlength=size)[:size]
        out[row] = rfft(counts, axis=1)
    return out


def _standing_out(
    before: NDArray[np.complex64], after: NDArray[np.complex64], size: int, reach: int, priors: DiscoveryPriors
) -> tuple[Floats, Floats]:
    """Return how far alike vehicles stand out at their best lag, earlier and later: two times (Q, G)."""
    turned = np.conj(before[:, :-1]).transpose(2, 0, 1)
    alike = _by_lag(turned @ after[:, :-1].transpose(2, 1, 0), size, reach)
    there = np.conj(before[:, -1]).T[:, :, None] @ after[:, -1].T[:, None, :]
    pairs = _by_lag(there, size, reach)
    width, ring = priors.coarse_width, priors.coarse_ring
    here, all_here = (uniform_filter1d(x, width, axis=0, mode="constant") * width for x in (alike, pairs))
    near, all_near = (uniform_filter1d(x, ring, axis=0, mode="constant") * ring for x in (alike, pairs))
    rate = np.maximum(near - here, 1.0) / np.maximum(all_near - all_here, 1.0)
    chance = rate * all_here + 1.0
    z = (here - chance) / np.sqrt(chance)
    return z[: reach + 1].max(axis=0), z[reach:].max(axis=0)


def _by_lag(spectrum: NDArray[np.complex64], size: int, reach: int) -> NDArray[np.float32]:
    """Return numbers by lag from -reach to reach bins, (2R + 1, Q, G), from a spectrum (S, Q, G)."""
    whole = irfft(spectrum, size, axis=0)
    return np.concatenate([whole[size - reach :], whole[: reach + 1]])
