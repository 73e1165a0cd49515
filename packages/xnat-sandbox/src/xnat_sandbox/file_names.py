"""What the server makes of the rest of a URL after `/files/`."""

from __future__ import annotations

from collections.abc import Iterator
from urllib.parse import unquote_plus


def stored_name(raw: str) -> str:
    """The name under which an upload to this URL is kept.

    Decoded only if it contains %20 or %2B, and then as a form: a plus becomes a space. Any other
    percent-encoding stays in the name.
    """
    if "%20" in raw or "%2B" in raw.upper():
        return unquote_plus(raw)
    return raw


def lookup_names(raw: str) -> Iterator[str]:
    """The names that a download from this URL may mean: as it stands, then decoded as a form."""
    yield raw
    decoded = unquote_plus(raw)
    if decoded != raw:
        yield decoded
