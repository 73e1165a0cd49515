"""Progress is drawn where somebody looks, and nowhere else."""

from __future__ import annotations

import io
import os
import pty
import subprocess
import sys
import threading
from contextlib import suppress
from pathlib import Path

import pytest

from xnat_core.progress import DrawnProgress, Progress, reporter


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")


def used(progress: Progress) -> None:
    progress.start(total_bytes=4_000_000, total_items=2, what="upload S1")
    progress.advance(bytes=4_000_000, items=2)
    progress.close()


def test_a_terminal_shows_what_bytes_and_items() -> None:
    stream = Terminal()
    used(reporter(quiet=False, stream=stream))
    for text in ("upload S1", "4.0/4.0 MB", "2/2"):
        assert text in stream.getvalue()


def test_the_end_moves_when_work_comes_to_light_or_falls_away() -> None:
    stream = Terminal()
    progress = reporter(quiet=False, stream=stream)
    progress.expect(bytes=9_000_000)
    progress.expect(bytes=-4_000_000)
    progress.advance(bytes=5_000_000)
    progress.close()
    assert "5.0/5.0 MB" in stream.getvalue()


def test_items_are_measured_when_the_bytes_are_unknown() -> None:
    stream = Terminal()
    progress = reporter(quiet=False, stream=stream)
    progress.start(total_items=4, what="download")
    progress.advance(bytes=2_500_000)
    progress.advance(items=3)
    progress.close()
    for text in ("3/4", "2.5 MB"):
        assert text in stream.getvalue()


def test_nothing_is_drawn_where_nobody_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, quiet, dumb, ci = io.StringIO(), Terminal(), Terminal(), Terminal()
    used(reporter(quiet=False, stream=plain))
    used(reporter(quiet=True, stream=quiet))
    monkeypatch.setenv("TERM", "dumb")
    used(reporter(quiet=False, stream=dumb))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("CI", "true")
    used(reporter(quiet=False, stream=ci))
    assert [stream.getvalue() for stream in (plain, quiet, dumb, ci)] == [""] * 4


@pytest.mark.parametrize("stream", [io.StringIO, Terminal])
def test_a_note_is_a_line_with_its_brackets(stream: type[io.StringIO]) -> None:
    written = stream()
    progress = reporter(quiet=False, stream=written)
    progress.note("before")
    progress.start(what="upload")
    progress.note("[red]/data/x[0] :smile: failed")
    progress.close()
    progress.note("after")
    for line in ("before\n", "[red]/data/x[0] :smile: failed\n", "after\n"):
        assert line in written.getvalue()


@pytest.mark.parametrize("columns", ["8", "40", "80"])
@pytest.mark.parametrize("what", ["upload S1", "/incoming/" + "long name " * 20, "two\nlines"])
def test_a_bar_takes_one_line_and_no_other_is_taken_away(
    monkeypatch: pytest.MonkeyPatch, columns: str, what: str
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    stream = Terminal()
    progress = reporter(quiet=False, stream=stream)
    progress.start(total_bytes=961_700_000, total_items=12, what=what)
    progress.advance(bytes=100_000_000, items=3)
    with progress.aside():
        stream.write("a record\n")
    progress.close()
    one_line_up = "\x1b[1A"
    assert stream.getvalue().count(one_line_up) == 2


def test_the_cursor_stays_for_nobody_would_bring_it_back_after_a_kill() -> None:
    stream = Terminal()
    used(reporter(quiet=False, stream=stream))
    assert "\x1b[?25l" not in stream.getvalue()


def test_a_narrow_terminal_shows_how_far_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    progress = reporter(quiet=False, stream=stream)
    progress.start(total_bytes=4_000_000, what="/incoming/" + "long name " * 20)
    progress.advance(bytes=4_000_000)
    progress.close()
    for text in ("/incoming/", "4.0/4.0 MB"):
        assert text in stream.getvalue()


@pytest.mark.parametrize(
    ("words", "last"),
    [(["a", "-o", "json"], b"]"), (["a", "-o", "table"], b"a   []"), (["stop"], b"not found")],
)
def test_nothing_is_drawn_any_more_when_the_output_ends(words: list[str], last: bytes) -> None:
    ours, theirs = pty.openpty()
    subprocess.run(
        [sys.executable, "-m", "support.toy", "say", "draw", *words],
        stdout=theirs,
        stderr=theirs,
        cwd=Path(__file__).parents[1],
        check=False,
    )
    os.close(theirs)
    screen = b""
    with suppress(OSError):  # so ends a terminal that nobody writes to any more
        while block := os.read(ours, 10_000):
            screen += block
    os.close(ours)
    *_, drawing, written = screen.split(b"\x1b[1A\x1b[2K")
    assert b"drawn" in drawing
    assert written.splitlines()[-1].endswith(last)


def test_a_closed_stream_is_no_failure() -> None:
    stream = io.StringIO()
    progress = reporter(quiet=False, stream=stream)
    stream.close()
    progress.note("nobody reads this")


def test_many_threads_count_exactly() -> None:
    progress = DrawnProgress(Terminal())
    progress.start(total_bytes=80_000)

    def count() -> None:
        for _ in range(10_000):
            progress.advance(bytes=1, items=1)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    progress.close()
    assert (progress._bytes, progress._items) == (80_000, 80_000)


def test_rich_is_imported_only_to_draw() -> None:
    program = (
        "import sys; from xnat_core.progress import reporter; p = reporter(False);"
        "p.start(1, 1, 'x'); p.advance(1, 1); p.note('n'); p.close();"
        "print('rich' in sys.modules)"
    )
    for looked_at, expected in ((False, b"False"), (True, b"True")):
        ours, theirs = pty.openpty()
        run = subprocess.run(
            [sys.executable, "-c", program],
            stdout=subprocess.PIPE,
            stderr=theirs if looked_at else subprocess.DEVNULL,
            check=True,
        )
        os.close(theirs)
        os.close(ours)
        assert run.stdout.strip() == expected
