"""What a vector must be near and far from: tracklets of its camera, matches in others.

Each tracklet has a remembered mean vector. A vector is drawn to its own tracklet and away
from tracklets that are surely other vehicles (far in time, or in the same still), and
drawn to its probable partners in a linked camera and away from all else there.
Camera-aware proxies: Wang et al., AAAI 2021; soft positives: Miech et al., CVPR 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from scipy.sparse import csr_matrix
from torch import Tensor
from torch.nn import functional as F
from training.embedder.data import Boxes, Floats, Ints
from training.embedder.mine import Link, Tracks
from training.embedder.score import mean_vectors

APART_S = 30.0
MOMENTUM = 0.5
TEACHER_TEMPERATURE = 0.06


@dataclass(frozen=True, kw_only=True)
class Aim:
    """Hold, for the tracklets of one camera, what to be near and what to be far from.

    `columns` are the tracklets of the camera looked into; `share` (A, C) is the log of each
    one's chance against the likeliest, `sure` (A) the chance that the partner is there.
    """

    columns: slice
    share: Tensor
    sure: Tensor


def _slices(camera: Ints) -> list[slice]:
    ends = np.searchsorted(camera, np.arange(camera.max() + 2))
    return [slice(int(a), int(b)) for a, b in pairwise(ends)]


def _rivals(boxes: Boxes, label: Ints, tracks: Tracks) -> list[Tensor]:
    """Mark (A, A), per camera, what is surely another vehicle: far in time, or in one still."""
    shape = len(tracks.time), int(boxes.frame.max()) + 1
    still = csr_matrix((np.ones(len(label)), (label, boxes.frame)), shape=shape)
    masks = []
    for own in _slices(tracks.camera):
        far = np.abs(tracks.time[own, None] - tracks.time[None, own]) > APART_S
        together = (still[own] @ still[own].T).toarray() > 0
        np.fill_diagonal(together, val=False)
        masks.append(torch.from_numpy(far | together))
    return masks


def _aims(tracks: Tracks, matches: list[tuple[Link, csr_matrix]]) -> list[list[Aim]]:
    slices = _slices(tracks.camera)
    aims: list[list[Aim]] = [[] for _ in slices]
    for link, chance in matches:
        q = chance[slices[link.source]][:, slices[link.target]].toarray().astype(np.float32)
        aims[link.source].append(_aim(slices[link.target], torch.from_numpy(q)))
        aims[link.target].append(_aim(slices[link.source], torch.from_numpy(q.T.copy())))
    return aims


def _aim(columns: slice, chance: Tensor) -> Aim:
    best = chance.amax(dim=1, keepdim=True).clamp_min(1e-6)
    share = torch.log((chance / best).clamp_min(1e-9))
    return Aim(columns=columns, share=share, sure=chance.sum(dim=1).clamp_max(1.0))


def _within(likeness: Tensor, rows: Tensor, own: slice, rivals: Tensor) -> Tensor:
    x = likeness[:, own]
    others = x.masked_fill(~rivals[rows], -1e4)
    return F.softplus(torch.logsumexp(others, dim=1) - x[torch.arange(len(rows)), rows]).sum()


def _across(likeness: Tensor, rows: Tensor, aim: Aim) -> Tensor:
    """Pull each anchor to its probable partners, away from all else in that camera."""
    x = likeness[:, aim.columns]
    good = torch.logsumexp(x + aim.share[rows], dim=1)
    return (aim.sure[rows] * (torch.logsumexp(x, dim=1) - good)).sum()


def _distil(likeness: Tensor, teacher: Tensor) -> Tensor:
    """Return the cross entropy of the likenesses in one camera against the teacher's."""
    return -(F.softmax(teacher, dim=1) * F.log_softmax(likeness, dim=1)).sum()


def _align(vectors: Tensor, camera: Tensor) -> Tensor:
    """Return how far the mean vectors of the cameras lie apart.

    Linked cameras see the same vehicles, so what tells their means apart is the camera.
    """
    share = F.one_hot(camera).float()
    share = share[:, share.sum(dim=0) > 1]
    means = (share / share.sum(dim=0)).T @ vectors
    return (means - means.mean(dim=0)).square().sum(dim=1).mean()


class Goals:
    """Hold the remembered tracklets of some boxes and what each one is drawn to.

    `teacher` (N, T) are unit vectors of the boxes by which likenesses are judged.
    """

    def __init__(
        self,
        boxes: Boxes,
        label: Ints,
        tracks: Tracks,
        matches: list[tuple[Link, csr_matrix]],
        teacher: Floats,
    ) -> None:
        self.label, self.size, self.camera = label, boxes.size, tracks.camera
        self.slices = _slices(tracks.camera)
        self.rivals = _rivals(boxes, label, tracks)
        self.aims = _aims(tracks, matches)
        self.weight = _weights(boxes, label, tracks, matches)
        self.memory = torch.zeros(0)
        self.teacher = torch.from_numpy(teacher)
        self.taught = torch.from_numpy(mean_vectors(teacher, label, boxes.size))

    def draw(self, count: int, rng: np.random.Generator) -> Ints:
        """Return that many rows, those with a probable partner more often."""
        return np.asarray(rng.choice(len(self.label), count, p=self.weight, replace=False))

    def remember(self, vectors: Floats) -> None:
        """Set each tracklet's vector to the mean of its boxes' vectors (N, D)."""
        self.memory = torch.from_numpy(mean_vectors(vectors, self.label, self.size))

    def update(self, vectors: Tensor, rows: Ints) -> None:
        """Move the tracklets of `rows` towards their new vectors."""
        at = torch.from_numpy(self.label[rows])
        moved = F.normalize(MOMENTUM * self.memory[at] + (1 - MOMENTUM) * vectors)
        self.memory = self.memory.index_copy(0, at, moved)

    def losses(self, vectors: Tensor, rows: Ints, temperature: float) -> Tensor:
        """Return the mean losses (4,): within cameras, across cameras, distil, align."""
        anchors = self.label[rows]
        total = vectors.new_zeros(3)
        for camera, own in enumerate(self.slices):
            some = np.flatnonzero(self.camera[anchors] == camera)
            if len(some):
                at = torch.from_numpy(anchors[some] - own.start)
                likeness = vectors[torch.from_numpy(some)] @ self.memory.T / temperature
                within = _within(likeness, at, own, self.rivals[camera])
                teacher = self.teacher[torch.from_numpy(rows[some])] @ self.taught.T
                total = total + torch.stack([within, *self._across(likeness, teacher, at, camera)])
        align = _align(vectors, torch.from_numpy(self.camera[anchors]))
        return torch.cat([total / len(rows), align[None]])

    def _across(self, likeness: Tensor, teacher: Tensor, at: Tensor, camera: int) -> tuple[Tensor, Tensor]:
        across = distil = likeness.new_zeros(())
        for aim in self.aims[camera]:
            across = across + _across(likeness, at, aim)
            want = teacher[:, aim.columns] / TEACHER_TEMPERATURE
            distil = distil + _distil(likeness[:, aim.columns], want)
        return across, distil


def _weights(boxes: Boxes, label: Ints, tracks: Tracks, matches: list[tuple[Link, csr_matrix]]) -> Floats:
    sure = np.zeros(len(tracks.time))
    for _, q in matches:
        sure += np.asarray(q.sum(axis=1)).ravel() + np.asarray(q.sum(axis=0)).ravel()
    weight = 0.3 + 0.3 * (tracks.count > 1) + np.minimum(sure, 1.5)
    weight = weight[label] / np.sqrt(tracks.count[label])
    weight = weight * np.clip(boxes.size / 28, 0.4, 1.2)
    return np.asarray(weight / weight.sum())
