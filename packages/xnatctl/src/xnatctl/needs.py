"""Library names whose tool may not be installed."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def needs(distribution: str) -> Iterator[None]:
    """Say which distribution to install when the import inside fails for want of it."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != distribution.replace("-", "_"):
            raise
        raise ImportError(f"{distribution} is not installed: pip install {distribution}") from None
