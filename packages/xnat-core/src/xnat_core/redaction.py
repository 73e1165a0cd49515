"""Text that may be shown: one line, no control characters, no secrets."""

from __future__ import annotations

import re

# Nothing here repeats without a bound what it then goes back over: the text may be a whole page.
_SECRET_WORD = (
    r"[\w.-]{0,80}(?:pass(?:word|wd|phrase)?|secret|token|api_?key|csrf|signature|credential)"
    r"[\w.-]{0,80}"
)
_RULES = (
    (re.compile(r"(?i)\b([a-z][a-z0-9+.-]{0,40}://)[^/\s'\"]+@"), r"\1***@"),
    (re.compile(rf"(?i)([?&;]{_SECRET_WORD}=)[^&#\s'\"]+"), r"\1***"),
    (re.compile(r"(?i)\b(JSESSIONID(?:SSO)?\s*[=:]\s*)[^;,\s'\"]+"), r"\1***"),
    (
        re.compile(r"(?i)\b((?:proxy-)?authorization['\"]?\s*[:=]\s*['\"]?)(?:\w+ )?[^\s'\",]+"),
        r"\1***",
    ),
    (re.compile(r"(?i)\b(basic |bearer )[a-z0-9+/_.~-]{8,}=*"), r"\1***"),
    (re.compile(r"(?i)(/services/tokens/(?:validate|invalidate)/)[^\s?'\"]+"), r"\1***"),
)
_INVISIBLE = re.compile(r"[\s\x00-\x1f\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069]+")


def redact(text: str) -> str:
    """Return the text with everything that looks like a secret replaced by `***`.

    Covers users in URLs, secret-looking query values, session cookies, Authorization headers and
    alias tokens in paths.
    """
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    return text


def one_line(text: str, limit: int = 500) -> str:
    """Return the text redacted, without line ends and control characters, cut at `limit`."""
    line = _INVISIBLE.sub(" ", redact(text)).strip()
    return line if len(line) <= limit else line[: limit - 1] + "…"
