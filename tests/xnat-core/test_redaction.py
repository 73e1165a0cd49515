"""What may be shown."""

from __future__ import annotations

import time

import pytest

from xnat_core.redaction import one_line, redact


@pytest.mark.parametrize(
    "text",
    [
        "GET https://alice:geheim@example.org/data",
        "GET https://alice:very@geheim@example.org/data",
        "/data/x?password=geheim&a=1",
        "/data/x?a=1&api_key=geheim",
        "/data/x?XNAT_CSRF=geheim",
        "Cookie: JSESSIONID=geheim; a=b",
        "Authorization: Basic geheim",
        "{'Authorization': 'Bearer geheim'}",
        "/data/services/tokens/validate/alias/geheim",
        "proxy-authorization: geheim",
    ],
)
def test_secrets_are_replaced(text: str) -> None:
    assert "geheim" not in redact(text)
    assert "***" in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "/data/experiments?project=P1&columns=ID",
        "https://example.org/data",
        "a tokenised text: a=b",
    ],
)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redact(text) == text


def test_a_message_is_one_line_without_control_characters() -> None:
    assert one_line("a\r\nb\x1b[31m\tc\u202ed ") == "a b [31m c d"


def test_a_long_message_is_cut() -> None:
    assert len(one_line("x" * 1000)) == 500


@pytest.mark.parametrize("text", ["a." * 20_000, "?" + "pass" * 10_000])
def test_a_long_text_takes_no_longer_than_its_length(text: str) -> None:
    begun = time.perf_counter()
    assert redact(text) == text
    assert time.perf_counter() - begun < 0.5
