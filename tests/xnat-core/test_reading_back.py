"""Files of which the server lists neither size nor MD5 are read, with as few requests as may be."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.files import size_and_md5
from xnat_core.models import ResourceFile
from xnat_core.services.homes import Home
from xnat_core.services.reading_back import told
from xnat_core.services.stored import stored_files

HOME = Home.of_project("P1")
MD5 = "900150983cd24fb0d6963f7d28e17f72"
OTHER = "0" * 32
FILES = {f"{folder}/{n}.txt": f"{folder}{n}".encode() * 999 for folder in "ab" for n in range(3)}


def silent(xnat: XNAT, client: XNATClient, home: Home = HOME) -> dict[str, ResourceFile]:
    """The files of a resource as a server lists them that tells nothing of them."""
    files = stored_files(client, home, "R")
    return {name: replace(file, size=None, digest=None) for name, file in files.items()}


def facts(files: dict[str, ResourceFile]) -> dict[str, tuple[int | None, str | None]]:
    return {name: (file.size, file.digest) for name, file in files.items()}


def real(files: dict[str, bytes]) -> dict[str, tuple[int, str]]:
    return {name: size_and_md5([data]) for name, data in files.items()}


def asked(xnat: XNAT) -> list[str]:
    """What was asked of the files: forms of archives, and names."""
    requests = [one for one in xnat.requests("GET") if one.args.get("format") != "json"]
    return [
        one.args.get("format") or one.path.partition("/files/")[2]
        for one in requests
        if "/files" in one.path
    ]


@pytest.fixture
def listed(xnat: XNAT, client: XNATClient) -> dict[str, ResourceFile]:
    xnat.has_resource(xnat.has_project("P1"), "R", FILES)
    return silent(xnat, client)


def test_a_file_of_which_nothing_is_told_is_read(xnat: XNAT, client: XNATClient) -> None:
    """And no other: neither one of which something is told, nor one that is not wanted."""
    project = xnat.has_project("P1")
    names = ("bare", "sized", "digested", "unwanted", "gone", "nameless")
    xnat.has_resource(project, "R", {name: b"abc" for name in names if name != "gone"})
    facts: dict[str, dict[str, Any]] = {"sized": {"size": 3}, "digested": {"digest": OTHER}}
    files = {
        name: ResourceFile(
            name=name,
            path=name,
            uri=None if name == "nameless" else f"/data/projects/P1/resources/R/files/{name}",
            **facts.get(name, {}),
        )
        for name in names
    }
    read = told(client, files, [*(name for name in names if name != "unwanted"), "not listed"])
    changed = {name: (file.size, file.digest) for name, file in read.items() if file != files[name]}
    assert changed == {"bare": (3, MD5)}
    assert read.keys() == files.keys()
    fetched = [one.path for one in xnat.requests("GET") if "/files/" in one.path]
    assert [path.rpartition("/")[2] for path in fetched] == ["bare", "gone"]


def test_many_come_by_one_request(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile]
) -> None:
    assert facts(told(client, listed, listed)) == real(FILES)
    assert asked(xnat) == ["zip"]


def test_under_other_keys_they_are_known_by_their_paths(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile]
) -> None:
    other = {f"x{name}": file for name, file in listed.items()}
    wanted = {f"x{name}": fact for name, fact in real(FILES).items()}
    assert facts(told(client, other, other)) == wanted
    assert asked(xnat) == ["zip"]


def test_one_whose_name_is_written_otherwise_in_an_archive_is_asked_for(
    xnat: XNAT, client: XNATClient
) -> None:
    """Which of several it is would be a guess."""
    session = xnat.has_session("P1", "S1", "MR1", {"1": {"x.dcm": b"x"}})
    (scan,) = xnat.store.items.scans(session.id)
    files = {f"{folder}/a ä.txt": folder.encode() for folder in ("0", "1", f"{session.id}-x", "z")}
    xnat.has_resource(scan, "R", files)
    home = Home(("experiments", session.id, "scans", "1"), ("scan", "MR1/1"))
    assert facts(told(client, silent(xnat, client, home), files)) == real(files)
    assert asked(xnat) == ["zip", "1/a ä.txt", f"{session.id}-x/a ä.txt"]


def test_what_is_gone_stays_as_it_is(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile]
) -> None:
    (lost,) = xnat.data.rglob("a/1.txt")
    lost.unlink()
    wanted: dict[str, Any] = {**real(FILES), "a/1.txt": (None, None)}
    assert facts(told(client, listed, listed)) == wanted
    assert asked(xnat) == ["zip", "a/1.txt"]


@pytest.mark.parametrize(("status", "forms"), [(400, ["zip", "tar"]), (404, ["zip"])])
def test_a_server_that_makes_no_archives_gives_files(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile], status: int, forms: list[str]
) -> None:
    def refuse(request: Request) -> Response | None:
        return Response("no", status) if request.args.get("format") in ("zip", "tar") else None

    xnat.before(refuse)
    assert facts(told(client, listed, listed)) == real(FILES)
    assert asked(xnat) == [*forms, *FILES]


def test_what_an_archive_that_is_cut_does_not_bring_is_asked_for(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile]
) -> None:
    def cut(request: Request, response: Response) -> None:
        if request.args.get("format") == "zip":
            response.set_data(response.get_data()[:4000])

    xnat.app.after(cut)
    assert facts(told(client, listed, listed)) == real(FILES)
    assert asked(xnat) == ["zip", *[*FILES][1:]]


@pytest.mark.parametrize("size", [None, 1 << 30])
def test_nothing_large_passes_for_a_few(
    xnat: XNAT, client: XNATClient, listed: dict[str, ResourceFile], size: int | None
) -> None:
    """Nor what may be large."""
    listed["b/2.txt"] = replace(listed["b/2.txt"], size=size)
    wanted = [name for name in FILES if name != "b/2.txt"]
    read = facts(told(client, listed, wanted))
    assert {name: read[name] for name in wanted} == {name: real(FILES)[name] for name in wanted}
    assert asked(xnat) == wanted
