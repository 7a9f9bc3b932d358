"""Tells every open page what changed: at most twenty frames a second, and only what differs from what it has.

A page that reads slowly costs no more than one that does not: nothing is queued for it. When it has taken a frame, the
next holds whatever differs by then.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager

from jinja2 import Environment

from dashboards.operator.boards import Boards
from dashboards.operator.changes import Changes
from dashboards.operator.fragments import Fragment, View, noted, render
from dashboards.operator.frames import Frames
from dashboards.operator.metrics import Metrics
from dashboards.operator.notices import Notice, Notices
from dashboards.operator.reads import Reads
from dashboards.operator.rows import Board, Standing
from pipelines.engine.stores.instances import InstanceName
from schemas.errors import StoreError
from schemas.streams import partition_of

log = logging.getLogger(__name__)

FRAME_SECONDS = 0.05
"""The least time between two frames, and no less than what CPU the last one took: half of the process is for others."""

CHECK_SECONDS = 1.0
"""How often the checkpoints are looked at, so that a change is seen even if nobody announced it."""

REDRAW_SECONDS = 2.0
"""How often the board is drawn anew though no order changed: some become stuck by time alone, and outboxes report."""

NARROWED_SECONDS = 1.0
"""How often boards of some orders only are drawn."""


class Client:
    """One open page. `wake` is set when there may be something for it; `sent` is what it has, by fragment."""

    def __init__(self, view: View | None, order_id: str | None) -> None:
        self.view = view
        self.order_id = order_id
        self.sent: dict[str, Hashable] = {}
        self.order_changed = False
        self.wake = asyncio.Event()

    def take(self, drawn: Mapping[str, Fragment]) -> list[Fragment]:
        """Return the fragments that differ from what the page has, which it is then taken to have."""
        fragments = [fragment for fragment in drawn.values() if self.sent.get(fragment.id) != fragment.version]
        self.sent.update((fragment.id, fragment.version) for fragment in fragments)
        return fragments


class Live:
    """All open pages. `run` keeps them up to date until it is cancelled; `close` lets them go."""

    def __init__(
        self, reads: Reads, boards: Boards, notices: Notices, environment: Environment, metrics: Metrics
    ) -> None:
        self._reads = reads
        self._notices = notices
        self._boards = boards
        self._environment = environment
        self._metrics = metrics
        self._clients: set[Client] = set()
        self._drawn: dict[View, dict[str, Fragment]] = {}
        self._shown: Board | None = None
        self._instance: InstanceName | None = None
        self._offsets: dict[int, int] = {}
        self._drawn_at = 0.0
        self._changed = asyncio.Event()
        self.closing = False
        self.frames = Frames()

    @contextmanager
    def joined(self, *, view: View | None = None, order_id: str | None = None) -> Iterator[Client]:
        """A client for a board's `view` or for one order's page."""
        client = Client(view, order_id)
        self._clients.add(client)
        self._metrics.clients.set(len(self._clients))
        client.wake.set()
        self._changed.set()
        try:
            yield client
        finally:
            self._clients.discard(client)
            self._metrics.clients.set(len(self._clients))
            if view is not None and all(other.view != view for other in self._clients):
                self._drawn.pop(view, None)

    def drawn(self, view: View) -> Mapping[str, Fragment]:
        """The fragments of `view` as they were drawn last; empty before that."""
        return self._drawn.get(view, {})

    def tell(self, changes: Changes) -> None:
        """Say what the pipeline announced."""
        if changes.partition is not None:
            self._offsets[changes.partition] = max(changes.offset, self._offsets.get(changes.partition, 0))
        self._wake_orders(lambda order_id: changes.orders is None or order_id in changes.orders)
        self._changed.set()

    def close(self) -> None:
        """Let every page go. Idempotent."""
        self.closing = True
        for client in self._clients:
            client.wake.set()

    async def run(self) -> None:
        """Keep all pages up to date until cancelled."""
        while True:
            announced = await self._announced()
            begun = time.process_time()
            if self._clients:
                try:
                    if announced or await self._unannounced():
                        await self._draw_all()
                except StoreError as error:
                    log.warning("the board has nothing to show: %s", error)
                    self._say(await self._notices.now())
                except Exception:
                    log.exception("drawing the board failed; trying again")
            await asyncio.sleep(0)  # all that were woken have taken theirs when this goes on
            await asyncio.sleep(max(FRAME_SECONDS, time.process_time() - begun))

    async def run_narrowed(self) -> None:
        """Keep the boards of some orders only up to date until cancelled: one after the other, as each costs the
        database a walk for every lane, and no other page is to wait for them."""
        while True:
            await asyncio.sleep(NARROWED_SECONDS)
            for view in [view for view in self._views() if view.question.narrows]:
                try:
                    await self._draw(view)
                except StoreError:
                    pass  # `run` says so
                except Exception:
                    log.exception("drawing a board of some orders failed; trying again")

    async def _announced(self) -> bool:
        try:
            async with asyncio.timeout(CHECK_SECONDS):
                await self._changed.wait()
        except TimeoutError:
            return False
        self._changed.clear()
        return True

    async def _unannounced(self) -> bool:
        """Look at the checkpoints; wake order pages whose partition moved on unannounced. True: draw the boards."""
        standing = await self._reads.standing()
        if standing.instance != self._instance:
            self._instance, self._offsets = standing.instance, {}
        moved = [p for p in standing.positions if p.next_offset > self._offsets.get(p.partition, 0)]
        self._offsets.update((position.partition, position.next_offset) for position in moved)
        homes = {position.partition for position in moved}
        self._wake_orders(lambda order_id: partition_of(order_id, len(standing.positions)) in homes)
        due = asyncio.get_running_loop().time() >= self._drawn_at + REDRAW_SECONDS
        return due or self._shown is None or not _has_all_of(self._shown, standing)

    async def _draw_all(self) -> None:
        for view in [view for view in self._views() if not view.question.narrows]:
            self._shown = await self._draw(view)
        self._drawn_at = asyncio.get_running_loop().time()

    def _views(self) -> set[View]:
        return {client.view for client in self._clients if client.view is not None}

    async def _draw(self, view: View) -> Board:
        outboxes, said = await self._reads.outboxes(), await self._notices.now()
        board = await self._boards.board(view.question, view.stages, view.limit)
        if view in self._views():  # somebody still looks at it
            self._drawn[view] = render(self._environment, view, board, outboxes, said, self._drawn.get(view))
            self._wake_boards(view)
        return board

    def _say(self, said: Sequence[Notice]) -> None:
        for view, fragments in self._drawn.items():
            self._drawn[view] = {**fragments, "notices": noted(self._environment, view, said)}
            self._wake_boards(view)
        self._shown = None

    def _wake_orders(self, concerns: Callable[[str], bool]) -> None:
        for client in self._clients:
            if client.order_id is not None and concerns(client.order_id):
                client.order_changed = True
                client.wake.set()

    def _wake_boards(self, view: View) -> None:
        for client in self._clients:
            if client.view == view:
                client.wake.set()


def _has_all_of(board: Board, standing: Standing) -> bool:
    """Whether the board shows all that had taken effect when `standing` was read."""
    shown = board.standing
    return (
        shown.instance == standing.instance
        and all(board.offsets.get(p.partition, -1) >= p.next_offset for p in standing.positions)
        and (shown.quarantined, shown.parked_events) == (standing.quarantined, standing.parked_events)
    )
