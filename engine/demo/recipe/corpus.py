"""The training set: synthetic people, drawn until the time is over.

Knows how drawings and captions are gathered; who is drawn is `cast`'s affair.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context

import torch
from torch import Tensor

from engine.demo.recipe.cast import Described, Job, describe_all, list_jobs
from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.plan import People


@dataclass(frozen=True)
class Source:
    """How people are drawn and described; both functions can be sent to another process."""

    draw: Callable[..., Tensor]
    caption: Callable[..., str]


def real_people() -> Source:
    """The people of `engine.demo.people`."""
    from engine.demo.people.captions import caption
    from engine.demo.people.renderer import draw

    return Source(draw, caption)


def stand_ins() -> Source:
    """Ovals, for tests."""
    from engine.demo.recipe.stand_in import draw_oval, say

    return Source(draw_oval, say)


@dataclass
class Corpus:
    """Pictures (n, 3, h, w) uint8 with their captions; `names` tells whose name, if any."""

    pictures: Tensor
    captions: list[tuple[str, ...]]
    names: list[str | None]

    def all_captions(self) -> list[str]:
        return [text for texts in self.captions for text in texts]


def _describe_ahead(
    jobs: list[Job], people: People, caption: Callable[..., str]
) -> Iterator[list[tuple[Job, list[Described]]]]:
    """Describe groups of jobs in worker processes, a few groups ahead of the drawing."""
    size = max(people.chunk // people.views_unnamed, 1)
    groups = [jobs[i : i + size] for i in range(0, len(jobs), size)]
    if people.num_workers == 0:
        yield from (describe_all(group, people, caption) for group in groups)
        return
    pool = ProcessPoolExecutor(people.num_workers, mp_context=get_context("spawn"))
    waiting: list[Future[list[tuple[Job, list[Described]]]]] = []
    try:
        for group in groups:
            waiting.append(pool.submit(describe_all, group, people, caption))
            if len(waiting) > 6 * people.num_workers:
                yield waiting.pop(0).result()
        while waiting:
            yield waiting.pop(0).result()
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def draw_corpus(
    people: People, source: Source, size_px: int, device: torch.device, stage: Stage
) -> Corpus:
    """Draw until the stage is over or everything is drawn. Pictures stay on the device."""
    jobs = list_jobs(people)
    most = sum(job.num_views for job in jobs)
    pictures = torch.empty(most, 3, size_px, size_px, dtype=torch.uint8, device=device)
    captions: list[tuple[str, ...]] = []
    names: list[str | None] = []
    chunk = people.chunk
    for group in _describe_ahead(jobs, people, source.caption):
        flat = [(job.name, *described) for job, views in group for described in views]
        done = 0
        while done < len(flat):
            part = flat[done : done + chunk]
            try:
                pairs = [(identity, view) for _, identity, view, _ in part]
                drawn = source.draw(pairs, size_px=size_px, device=str(device))
            except torch.OutOfMemoryError:
                chunk = max(chunk // 2, 1)
                facts("drawing_chunk_halved", chunk=chunk)
                continue
            pictures[len(captions) : len(captions) + len(part)] = drawn.to(device)
            captions += [texts for _, _, _, texts in part]
            names += [name for name, _, _, _ in part]
            done += len(part)
        if stage.clock.is_time_to_log():
            facts("drawing", pictures=len(captions), of=most, at_s=stage.clock.now_s)
        if stage.is_over:
            break
    return Corpus(pictures[: len(captions)], captions, names)
