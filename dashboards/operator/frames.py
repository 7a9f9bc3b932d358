"""Server-sent events as they go out: of pages that need the same, made once."""

from __future__ import annotations

from collections.abc import Sequence

from dashboards.operator.fragments import Fragment

_KEPT = 16


class Frames:
    """The frames made last. Most pages of one view have the same, and so need the same."""

    def __init__(self) -> None:
        self._made: dict[tuple[int, ...], tuple[Sequence[Fragment], bytes]] = {}

    def board(self, fragments: Sequence[Fragment]) -> bytes:
        """Return the event named `board` that holds these fragments."""
        key = tuple(map(id, fragments))  # what is kept is alive, so nothing else can have its identity
        if key not in self._made:
            while len(self._made) >= _KEPT:
                del self._made[next(iter(self._made))]
            self._made[key] = fragments, frame("board", "".join(map(_partial, fragments)))
        return self._made[key][1]


def frame(name: str, data: str) -> bytes:
    """Return one event."""
    lines = "".join(f"data: {line}\n" for line in data.splitlines())
    return f"event: {name}\n{lines}\n".encode()


def _partial(fragment: Fragment) -> str:
    return f'<hx-partial hx-target="#{fragment.id}" hx-swap="outerMorph">{fragment.html}</hx-partial>'
