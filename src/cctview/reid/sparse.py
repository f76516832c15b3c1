"""Sparse reconstruction (lasso) of many vectors from few, all problems at once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from cctview.errors import InputError

__all__ = ["lasso", "reconstruction_residuals"]

Floats = NDArray[np.floating[Any]]

_SWEEPS, _ROUNDS = 20, 250
_OPTIMAL = 1e-10
_RIDGE = 1e-13
_BLOCK = 4_000_000
_CANCELLED = 1e-6


def lasso(gram: Floats, inner: Floats, alpha: float) -> NDArray[np.float64]:
    """Return the weights ``(P, K)`` that minimise ``|y - w D|^2 / 2 + alpha |w|_1`` for P problems.

    ``gram`` is ``D D^T`` (P, K, K), ``inner`` is ``D y`` (P, K). Cyclic coordinate descent (Friedman,
    Hastie, Tibshirani 2010) finds which weights are not zero; with these known their values follow
    from linear equations, which are solved exactly and kept where the optimality conditions hold.
    Raises InputError when alpha is not positive.
    """
    if not alpha > 0:
        raise InputError(f"lasso: alpha is {alpha}; choose a penalty above 0")
    weight = np.zeros(inner.shape)
    left = np.arange(len(inner))
    for _ in range(_ROUNDS):
        if not len(left):
            break
        weight[left] = _descended(gram[left], inner[left], weight[left], alpha)
        exact, optimal = _solved(gram[left], inner[left], weight[left], alpha)
        weight[left[optimal]] = exact[optimal]
        left = left[~optimal]
    return weight


def reconstruction_residuals(vectors: Floats, tracks: Floats, alpha: float) -> NDArray[np.float64]:
    """Return how much of each vector ``(N, D)`` each track ``(T, K, D)`` cannot reconstruct: ``(N, T)``.

    The Euclidean length of ``y - w D`` for the weights that ``lasso`` finds, by inner products, and by
    the difference itself where these cancel.
    """
    count, size = tracks.shape[:2]
    gram = np.einsum("tkd,tld->tkl", tracks, tracks, optimize=True)
    inner = np.einsum("nd,tkd->ntk", vectors, tracks, optimize=True)
    each = np.broadcast_to(gram, (len(vectors), count, size, size)).reshape(-1, size, size)
    weight = lasso(each, inner.reshape(-1, size), alpha).reshape(inner.shape)
    whole = np.einsum("nd,nd->n", vectors, vectors)[:, None]
    explained = np.einsum("ntk,ntk->nt", weight, 2 * inner - np.einsum("tkl,ntl->ntk", gram, weight, optimize=True))
    squares = np.maximum(whole - explained, 0.0)
    rows, places = np.nonzero(squares < _CANCELLED * whole)
    for part in np.array_split(np.arange(len(rows)), 1 + len(rows) * tracks[0].size // _BLOCK):
        row, track = rows[part], places[part]
        rest = vectors[row] - np.einsum("pk,pkd->pd", weight[row, track], tracks[track])
        squares[row, track] = np.einsum("pd,pd->p", rest, rest)
    return np.sqrt(squares)


def _descended(gram: Floats, inner: Floats, weight: Floats, alpha: float) -> Floats:
    """Return the weights after some sweeps over all coordinates."""
    size = np.einsum("pkk->pk", gram)
    for k in np.tile(np.arange(inner.shape[1]), _SWEEPS).tolist():
        pull = inner[:, k] - np.einsum("pk,pk->p", gram[:, k], weight) + size[:, k] * weight[:, k]
        shrunk = np.sign(pull) * np.maximum(np.abs(pull) - alpha, 0)
        weight[:, k] = np.divide(shrunk, size[:, k], out=np.zeros_like(shrunk), where=size[:, k] > 0)
    return weight


def _solved(gram: Floats, inner: Floats, weight: Floats, alpha: float) -> tuple[Floats, NDArray[np.bool_]]:
    """Return the exact weights for the present signs, and for which problems they are optimal."""
    sign = np.sign(weight)
    used = sign != 0
    together = used[:, :, None] & used[:, None, :]
    ridge = _RIDGE * np.maximum(np.einsum("pkk->pk", gram).max(axis=1), 1.0)
    system = np.where(together, gram, 0.0) + np.eye(inner.shape[1]) * np.where(used, ridge[:, None], 1.0)[:, None, :]
    exact = np.linalg.solve(system, np.where(used, inner - alpha * sign, 0.0)[:, :, None])[:, :, 0]
    slope = inner - np.einsum("pkl,pl->pk", gram, exact)
    allowed = _OPTIMAL * np.maximum(np.abs(inner).max(axis=1, keepdims=True), alpha)
    wanted = np.where(used, np.abs(slope - alpha * sign), np.abs(slope) - alpha)
    return exact, np.all((exact * sign >= 0) & (wanted <= allowed), axis=1)
