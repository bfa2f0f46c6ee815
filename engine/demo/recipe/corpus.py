"""The training set: synthetic people, drawn until the time is over.

Knows how drawings and captions are gathered; who is drawn is `cast`'s affair.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass
from itertools import cycle
from multiprocessing import get_context
from typing import Any

import torch
from torch import Tensor

from engine.demo.recipe.cast import Job, describe_all, list_jobs
from engine.demo.recipe.clock import Stage, facts
from engine.demo.recipe.plan import People

_MEMORY_SHARE = 0.2
"""Of its GPU, for each process that draws: beside four of them pictures are gathered there."""


@dataclass(frozen=True)
class Source:
    """How people are drawn and described; the functions can be sent to another process."""

    draw: Callable[..., Tensor]
    faces: Callable[..., Tensor]
    caption: Callable[..., str]
    sentence: Callable[..., str]
    """What a captioner is taught to say; asked for as a caption is."""


def real_people() -> Source:
    """The people of `engine.demo.people`."""
    from engine.demo.people.captions import caption
    from engine.demo.people.face import face_boxes
    from engine.demo.people.renderer import draw
    from engine.demo.people.sentences import describe

    return Source(draw, face_boxes, caption, describe)


def stand_ins() -> Source:
    """Ovals, for tests."""
    from engine.demo.people.sentences import describe
    from engine.demo.recipe.stand_in import draw_oval, oval_boxes, say

    return Source(draw_oval, oval_boxes, say, describe)


@dataclass
class Corpus:
    """Pictures (n, 3, h, w) uint8, where their faces are (n, 4) in shares of a side, and their
    captions; `names` tells whose name, if any.
    """

    pictures: Tensor
    faces: Tensor
    captions: list[tuple[str, ...]]
    names: list[str | None]

    def all_captions(self) -> list[str]:
        return [text for texts in self.captions for text in texts]


Drawn = tuple[Any, Any, list[tuple[str, ...]], list[str | None]]
"""Pictures as a uint8 array (n, 3, h, w), faces (n, 4), captions, whose name they carry."""


def draw_group(jobs: list[Job], people: People, source: Source, size_px: int, device: str) -> Drawn:
    """Describe and draw some people."""
    described = describe_all(jobs, people, source.caption)
    flat = [(job.name, *views) for job, all_views in described for views in all_views]
    pairs = [(identity, view) for _, identity, view, _ in flat]
    try:
        pictures = source.draw(pairs, size_px=size_px, device=device)
    except torch.OutOfMemoryError:
        torch.cuda.empty_cache()
        halves = (pairs[: len(pairs) // 2], pairs[len(pairs) // 2 :])
        pictures = torch.cat([source.draw(h, size_px=size_px, device=device).cpu() for h in halves])
    pictures = pictures.cpu().numpy()
    faces = source.faces(pairs, device=device).cpu().numpy()
    return pictures, faces, [texts for *_, texts in flat], [name for name, *_ in flat]


def _draw_ahead(
    groups: list[list[Job]], people: People, source: Source, size_px: int, device: torch.device
) -> Iterator[Future[Drawn] | None]:
    """First None, once the work is on its way, then every group's pictures.

    Drawing waits for the host's launches far more than for the device, so several processes share
    it. One thread each: their small operations on the host gain nothing from more, and a machine
    with six times sixteen spinning threads compiles nothing beside them (see docs/log.md).
    """
    if people.num_workers == 0:
        yield None
        for group in groups:
            drawn: Future[Drawn] = Future()
            drawn.set_result(draw_group(group, people, source, size_px, str(device)))
            yield drawn
        return
    places = _places(device, people.num_workers)
    crews = [(where, _crew(where, num_workers)) for where, num_workers in places]
    turns = cycle([crew for crew, (_, size) in zip(crews, places, strict=True)
                   for _ in range(size)])  # fmt: skip
    try:
        work = [
            crew.submit(draw_group, group, people, source, size_px, where)
            for group, (where, crew) in zip(groups, turns, strict=False)
        ]
        yield None
        while work:
            yield work.pop(0)
    finally:
        for _, crew in crews:
            for process in list((crew._processes or {}).values()):
                process.terminate()
            crew.shutdown(wait=False, cancel_futures=True)


def _places(device: torch.device, num_workers: int) -> list[tuple[str, int]]:
    """Devices to draw on and how many processes on each: every GPU there is, with a process less on
    the one that gathers the pictures.
    """
    count = torch.cuda.device_count() if device.type == "cuda" else 0
    if count < 2:
        return [(str(device), num_workers)]
    own = device.index or 0
    return [(f"cuda:{n}", num_workers - (n == own)) for n in range(count)]


def _crew(where: str, num_workers: int) -> ProcessPoolExecutor:
    return ProcessPoolExecutor(
        num_workers, get_context("spawn"), initializer=_settle, initargs=(where,)
    )


def _settle(where: str) -> None:
    """What a process that draws does first."""
    torch.set_num_threads(1)
    if torch.device(where).type == "cuda":
        torch.cuda.set_device(where)
        torch.cuda.set_per_process_memory_fraction(_MEMORY_SHARE, where)


def draw_corpus(
    people: People,
    source: Source,
    size_px: int,
    device: torch.device,
    stage: Stage,
    meanwhile: Callable[[], None] = lambda: None,
) -> Corpus:
    """Draw until the stage is over or everything is drawn. Pictures stay on the device.

    `meanwhile` is called once the workers are busy: compiling costs nothing then.
    """
    jobs = list_jobs(people)
    most = sum(job.num_views for job in jobs)
    size = max(people.chunk // people.views_unnamed, 1)
    groups = [jobs[i : i + size] for i in range(0, len(jobs), size)]
    pictures = torch.empty(most, 3, size_px, size_px, dtype=torch.uint8, device=device)
    faces = torch.zeros(most, 4, device=device)
    captions: list[tuple[str, ...]] = []
    names: list[str | None] = []
    for group in _draw_ahead(groups, people, source, size_px, device):
        if group is None:
            meanwhile()
            facts("meanwhile_done", at_s=stage.clock.now_s)
            continue
        if stage.is_over and not group.done():
            continue
        drawn, where, texts, whose = group.result()
        rows = slice(len(captions), len(captions) + len(texts))
        pictures[rows] = torch.from_numpy(drawn).to(device)
        faces[rows] = torch.from_numpy(where).to(device)
        captions += texts
        names += whose
        if stage.clock.is_time_to_log():
            facts("drawing", pictures=len(captions), of=most, at_s=stage.clock.now_s)
        if stage.is_over and people.num_workers == 0:
            break
    return Corpus(pictures[: len(captions)], faces[: len(captions)], captions, names)
