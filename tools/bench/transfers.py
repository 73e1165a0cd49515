"""Uploads, downloads and listings beside curl and other clients, each run in turn.

Usage: python tools/bench/transfers.py [ROW]...

ROW is upload, gradual, download, scans, large or listing; all without. A sandbox is filled and
asked once; then `replay.py` stands for it, so that what is measured is the client. BENCH_TURNS (5)
runs count, BENCH_FILES (1000) is the number of 512 KiB files. BENCH_PEERS is the `bin` of an
environment with the packages `xnatctl` and `xnat` of PyPI; without it only curl is compared with.

BENCH_LINK gives all connections together so many MB/s, as a network does (118: a gigabit);
BENCH_STREAM gives each of them so many, as a server does that packs each archive as it sends it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from measure import Contender, compare, folder_emptied, run
from replay import Book, recording, replaying
from werkzeug.wrappers import Request

from xnat_sandbox.app import Sandbox
from xnat_sandbox.httpd import listen
from xnat_sandbox.samples import write_series
from xnat_sandbox.settings import Settings

BIN = sysconfig.get_path("scripts")
TURNS = int(os.environ.get("BENCH_TURNS", "5"))
FILES = int(os.environ.get("BENCH_FILES", "1000"))
PEERS = os.environ.get("BENCH_PEERS", "")
LINK = float(os.environ.get("BENCH_LINK", "0")) or None
STREAM = float(os.environ.get("BENCH_STREAM", "0")) or None
SCANS = 8
SESSIONS = 50_000
TO = "-P P1 -S S1 -E E1"
IMPORT = (
    "data/services/import?import-handler=DICOM-zip&inbody=true&project=P1&subject=S1&session=E1"
)
LOGIN = {"XNAT_USER": "admin", "XNAT_PASS": "admin"}


class Bench:
    """A folder with data, and a sandbox that is filled as the rows need it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._books = 0

    def incoming(self, name: str, files: int) -> Path:
        """A study of 512 KiB files in eight series."""
        folder = self.folder / name
        if not folder.exists():
            for series in range(1, SCANS + 1):
                write_series(
                    folder / str(series), series=series, instances=files // SCANS, rows=512
                )
        return folder

    @contextmanager
    def sandbox(self) -> Iterator[tuple[Sandbox, int]]:
        """A new server and its port."""
        with tempfile.TemporaryDirectory(dir=self.folder) as data:
            app = Sandbox(Path(data), Settings())
            app.add_user("admin", "admin")
            server = listen(Request.application(app.respond), "127.0.0.1", 0)
            threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
            try:
                yield app, server.port
            finally:
                server.shutdown()
                app.close()

    def learnt(self, contender: Contender, fill: Callable[[Sandbox], object]) -> Book:
        """What a sandbox answers to a client, once."""
        self._books += 1
        with (
            self.sandbox() as (app, port),
            recording(port, self.folder / f"book{self._books}") as recorder,
        ):
            fill(app)
            run(contender, {**LOGIN, "XNAT_URL": recorder.url, "URL": recorder.url})
            return recorder.book

    def race(
        self,
        title: str,
        contenders: Sequence[Contender],
        fill: Callable[[Sandbox], object],
    ) -> None:
        """Show a sandbox to each client, merge what was learnt, and let them run in turn."""
        book = Book(self.folder)
        for contender in contenders:
            for key, pages in self.learnt(contender, fill).pages.items():
                book.pages.setdefault(key, pages)
        for rate, whose in ((LINK, "in all"), (STREAM, "each connection")):
            title += f", {rate:g} MB/s {whose}" if rate else ""
        with replaying(book, LINK, STREAM) as server:
            compare(title, contenders, {**LOGIN, "XNAT_URL": server.url, "URL": server.url}, TURNS)
            if server.unknown:
                sys.stdout.write(f"(not in the book: {sorted(set(server.unknown))[:5]})\n")


def project(app: Sandbox) -> None:
    """An empty project."""
    app.store.items.create_project("P1")


def upload(bench: Bench) -> None:
    """A session as a tar, beside curl that sends a tar made before."""
    folder = bench.incoming("incoming", FILES)
    tar = bench.folder / "ready.tar"
    subprocess.run(["tar", "cf", str(tar), "-C", str(folder), "."], check=True)
    post = f"-H 'Content-Type: application/x-tar' -X POST -T {tar} \"$URL/{IMPORT}\""
    contenders = [
        Contender("xnat-upload", f"{BIN}/xnat-upload dicom {folder} {TO}"),
        Contender("xnat-upload -w 1", f"{BIN}/xnat-upload dicom {folder} {TO} -w 1"),
        *peers_uploading(folder, "tar"),
        Contender("curl, ready-made tar", f"curl -sfu admin:admin {post}"),
    ]
    bench.race(f"Upload of {FILES} x 512 KiB", contenders, project)


def gradual(bench: Bench) -> None:
    """One request per file, beside curl that does the same over one connection."""
    count = max(SCANS, FILES // 5)
    folder = bench.incoming("gradual", count)
    config = bench.folder / "curl.config"
    params = "import-handler=gradual-DICOM&inbody=true&PROJECT_ID=P1&SUBJECT_ID=S1&EXPT_LABEL=E1"
    ours = f"{BIN}/xnat-upload dicom {folder} {TO} --mode gradual"
    make = (
        f"for f in {folder}/*/*; do printf 'next\\nsilent\\nfail\\nuser=admin:admin\\n"
        'header="Content-Type: application/dicom"\\nrequest=POST\\nupload-file=%s\\n'
        f'url="%s/data/services/import?{params}"\\n\' "$f" "$URL"; done | tail -n +2 > {config}'
    )
    contenders = [
        Contender("xnat-upload", ours),
        Contender("xnat-upload -w 1", f"{ours} -w 1"),
        *peers_uploading(folder, "gradual"),
        Contender("curl, one connection", f"{make}; curl -K {config}"),
    ]
    bench.race(f"Upload of {count} x 512 KiB, one request each", contenders, project)


def peers_uploading(folder: Path, mode: str) -> list[Contender]:
    """The same by the `xnatctl` of PyPI."""
    return their_xnatctl(f"session upload {folder} {TO} --mode {mode}")


def their_xnatctl(command: str, before: Callable[[], object] = lambda: None) -> list[Contender]:
    """A command of the `xnatctl` of PyPI, where it is installed."""
    if not PEERS:
        return []
    config = (
        "mkdir -p ~/.config/xnatctl;"
        " printf 'default_profile: d\\nprofiles:\\n  d:\\n    url: %s\\n' \"$URL\""
        " > ~/.config/xnatctl/config.yaml"
    )
    return [Contender("xnatctl 0.6.0 of PyPI", f"{config}; {PEERS}/xnatctl {command}", before)]


def their_xnatpy(script: str, before: Callable[[], object] = lambda: None) -> list[Contender]:
    """Python with an open connection of xnatpy as `peer`, where it is installed."""
    if not PEERS:
        return []
    opening = "import os, xnat; peer = xnat.connect(os.environ['URL'], loglevel='ERROR'"
    login = "user='admin', password='admin')"
    line = f'{PEERS}/python -c "{opening}, {login}; {script}; peer.disconnect()"'
    return [Contender("xnat of PyPI", line, before)]


def session(app: Sandbox, scans: int = SCANS) -> None:
    """A session of so many scans on the server; files as large as those of the upload."""
    from xnat_sandbox.model import Owner

    items, resources = app.store.items, app.store.resources
    items.create_project("P1")
    subject = items.create_subject("P1", "S1", fields={})
    found = items.create_experiment(
        "P1", "E1", "xnat:mrSessionData", subject_id=subject.id, fields={}
    )
    for number in range(1, scans + 1):
        scan = items.create_scan(found.id, str(number), "xnat:mrScanData", fields={"type": "T1"})
        resource = resources.ensure(Owner.of(scan), "DICOM", format="DICOM", content="RAW")
        for instance in range(FILES // scans):
            resources.put_bytes(resource, f"{number}-{instance:04}.dcm", os.urandom(512 << 10))


def download(bench: Bench) -> None:
    """Eight scans, beside eight tars through curl."""
    fetch(bench, range(1, SCANS + 1), session)


def scans(bench: Bench) -> None:
    """One of eight scans, beside one tar through curl."""
    fetch(bench, range(1, 2), session)


def large(bench: Bench) -> None:
    """One scan that has all the files."""
    fetch(bench, range(1, 2), partial(session, scans=1), FILES)


def fetch(
    bench: Bench,
    wanted: Sequence[int],
    fill: Callable[[Sandbox], object],
    each_scan: int = FILES // SCANS,
) -> None:
    """Ours and curl into new folders."""
    out = bench.folder / "out"
    url = '"$URL/data/experiments/XNAT_E00001/scans/%s/resources/DICOM/files?format=tar"'
    each = "; ".join(f"curl -sfu admin:admin {url % number} | tar -x -C {out}" for number in wanted)
    names = ",".join(map(str, wanted))
    ours = f"{BIN}/xnat-download session -P P1 -E E1 --out {out} -s {names}"
    theirs = f"scan download -P P1 -E E1 --scans {names} -r DICOM"
    emptied = folder_emptied(out)
    contenders = [
        Contender("xnat-download", ours, emptied),
        Contender("xnat-download -w 4", f"{ours} -w 4", emptied),
        *their_xnatctl(f"{theirs} --out {out} --extract", emptied),
        *their_xnatpy(
            f"[peer.experiments['XNAT_E00001'].scans[str(n)].download_dir('{out}', verbose=False)"
            f" for n in {list(wanted)}]",
            emptied,
        ),
        Contender("curl \\| tar -x, one after the other", each, emptied),
    ]
    title = f"{len(wanted)} scan{'s' * (len(wanted) > 1)} of {each_scan} x 512 KiB"
    bench.race(f"Download of {title}", contenders, fill)
    shutil.rmtree(out)


def many_sessions(app: Sandbox) -> None:
    """50,000 sessions in a project."""
    items = app.store.items
    items.create_project("P1")
    subject = items.create_subject("P1", "S1", fields={})
    with app.store.database.transaction():
        for number in range(SESSIONS):
            items.create_experiment(
                "P1", f"E{number}", "xnat:mrSessionData", subject_id=subject.id, fields={}
            )


def listing(bench: Bench) -> None:
    """50,000 sessions as records, beside curl and jq that make lines of the same columns."""
    columns = "ID,label,project,subject_ID,subject_label,xsiType,date,insert_date"
    url = f'"$URL/data/projects/P1/experiments?columns={columns}&format=json"'
    contenders = [
        Contender("xnat-ls sessions", f"{BIN}/xnat-ls sessions -P P1"),
        *their_xnatctl("session list -P P1 -o json"),
        Contender("curl \\| jq", f"curl -sfu admin:admin {url} | jq -c '.ResultSet.Result[]'"),
    ]
    bench.race(f"Listing of {SESSIONS} sessions", contenders, many_sessions)


ROWS = {
    "upload": upload,
    "gradual": gradual,
    "download": download,
    "scans": scans,
    "large": large,
    "listing": listing,
}


def main() -> None:
    """Measure what was named."""
    with tempfile.TemporaryDirectory() as folder:
        bench = Bench(Path(folder))
        for row in sys.argv[1:] or ROWS:
            ROWS[row](bench)


if __name__ == "__main__":
    main()
