"""How a process that runs for months gives back what large mails took."""

from __future__ import annotations

import ctypes
import sys

LARGE = 1 << 20
"""Bytes of a block that goes back to the system as soon as it is free."""

KEPT = 4 << 20
"""Bytes that may lie free behind the last small block before they go back."""

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD = -1, -3  # <malloc.h>


def give_back() -> None:
    """Have large blocks given back when they are free; for processes of long life, at their start.

    By itself glibc maps the first large block alone, but lays the next ones, up to 32 MB, among the small
    ones once one has been freed: a large mail that is gone then keeps its place (mallopt(3), 'dynamic mmap
    threshold'). Other systems' libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        mallopt(_M_MMAP_THRESHOLD, LARGE)
        mallopt(_M_TRIM_THRESHOLD, KEPT)
