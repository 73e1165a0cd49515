"""How the cost of an upload grows with the number of files, as an SVG.

Usage: python tools/bench/growth.py FILE.svg [COUNT]...

Files are 2 KiB, so that it is their number that costs. `--dry-run` finds, reads and sorts them as
an upload does, which is what grows; 100, 1000, 10000 and 100000 files unless told otherwise.
"""

from __future__ import annotations

import sys
import sysconfig
import tempfile
from pathlib import Path

from measure import Contender, Cost, run
from transfers import LOGIN, TO, Bench, project

from xnat_sandbox.samples import write_series

TURNS = 3
WIDTH, HEIGHT, EDGE = 560, 320, 60


def main() -> None:
    """Measure, print, draw."""
    target, *counts = sys.argv[1:]
    found: dict[int, Cost] = {}
    with tempfile.TemporaryDirectory() as temporary:
        bench = Bench(Path(temporary))
        folder = Path(temporary) / "files"
        with bench.sandbox() as (app, port):
            project(app)
            url = f"http://127.0.0.1:{port}"
            made = 0
            for count in map(int, counts or ("100", "1000", "10000", "100000")):
                for series in range(made // 100 + 1, count // 100 + 1):
                    write_series(
                        folder / str(series), series=series, instances=100, study_uid="1.2.3"
                    )
                made = count
                tool = f"{sysconfig.get_path('scripts')}/xnat-upload"
                contender = Contender("upload", f"{tool} dicom {folder} {TO} --dry-run")
                costs = [run(contender, {**LOGIN, "XNAT_URL": url}) for _ in range(TURNS)]
                found[count] = min(costs, key=lambda cost: cost.processor)
                sys.stdout.write(
                    f"{count:7} files {found[count].processor:7.2f} s of processor"
                    f" {found[count].memory >> 20:5} MiB\n"
                )
                sys.stdout.flush()
    Path(target).write_text(drawing(found))


def drawing(found: dict[int, Cost]) -> str:
    """Seconds of processor over files, both in powers of ten, and the memory beside each point."""
    from math import log10

    most = max(found)

    def x(count: int) -> float:
        return EDGE + (log10(count) - 2) / max(1, log10(most) - 2) * (WIDTH - 2 * EDGE)

    def y(seconds: float) -> float:
        return HEIGHT - EDGE - (log10(seconds) + 1) / 3.5 * (HEIGHT - 2 * EDGE)

    points = [(x(n), y(cost.processor), n, cost) for n, cost in found.items()]
    line = " ".join(f"{a:.0f},{b:.0f}" for a, b, _, _ in points)
    marks = "".join(
        f'<circle cx="{a:.0f}" cy="{b:.0f}" r="4"/>'
        f'<text x="{a:.0f}" y="{b - 12:.0f}">{cost.processor:.1f} s, {cost.memory >> 20} MiB</text>'
        f'<text x="{a:.0f}" y="{HEIGHT - EDGE + 20}">{n}</text>'
        for a, b, n, cost in points
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}"'
        ' font-family="sans-serif" font-size="12" text-anchor="middle">'
        f'<rect width="{WIDTH}" height="{HEIGHT}" fill="white"/>'
        f'<polyline points="{line}" fill="none" stroke="#1769aa" stroke-width="2"/>'
        f'<g fill="#123">{marks}<text x="{WIDTH // 2}" y="{HEIGHT - 12}">files of 2 KiB</text>'
        f'<text x="{WIDTH // 2}" y="24">xnat-upload dicom: seconds of processor, peak memory</text>'
        "</g></svg>\n"
    )


if __name__ == "__main__":
    main()
