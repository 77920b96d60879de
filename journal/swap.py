"""Exchanging two folders in one step, so that a stack being replaced is never missing."""

from __future__ import annotations

import ctypes
import errno
import os
from pathlib import Path

_AT_FDCWD = -100
_RENAME_EXCHANGE = 2
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.ENOTSUP, errno.EPERM, errno.EXDEV)


def swap(one: Path, two: Path) -> None:
    """Exchange two existing folders of one file system.

    Linux does it atomically. Where it cannot (an old kernel, a file system without it, another system), three renames
    do, with a moment between them in which `two` is missing.
    """
    try:
        _exchange(one, two)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        aside = one.with_name(one.name + "~")
        two.rename(aside)
        one.rename(two)
        aside.rename(one)


def _exchange(one: Path, two: Path) -> None:
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError) as error:
        raise OSError(errno.ENOSYS, "no renameat2 in this C library") from error
    if rename(_AT_FDCWD, os.fsencode(one), _AT_FDCWD, os.fsencode(two), _RENAME_EXCHANGE) != 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code), str(two))
