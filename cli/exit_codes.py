"""How commands end: the same few exit codes everywhere."""

from __future__ import annotations

FAILED = 1
USAGE = 2
UNAVAILABLE = 3
"""Also where a server refuses the login, or lacks the virtual host or the database."""
DEFECT = 70
"""Warren itself is wrong (EX_SOFTWARE of sysexits.h)."""
INTERRUPTED = 130
"""Ctrl-C ended a command before it was done."""

MEANINGS = {
    0: "done",
    FAILED: "failed, or faults found",
    USAGE: "wrong usage or settings",
    UNAVAILABLE: "a server is away, or refuses",
    DEFECT: "a defect in Warren",
    INTERRUPTED: "interrupted",
}
"""What each says in general; a command's own help says what it means there."""
