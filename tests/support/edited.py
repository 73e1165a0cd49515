"""What the tests of xnat-edit start from, and what they look at."""

from __future__ import annotations

from typing import Any

from support.sandbox import XNAT


def changes(xnat: XNAT) -> list[str]:
    """What was asked of the server beside reading and logging in."""
    return [
        f"{request.method} {request.path}"
        for request in xnat.requests()
        if request.method != "GET" and "JSESSION" not in request.path
    ]


def furnished(xnat: XNAT) -> Any:
    """P1/S1/MR1 with two scans of three files, a resource of one, and a note of the subject."""
    session = xnat.has_session(
        "P1",
        "S1",
        "MR1",
        scans={"1": {"a.dcm": b"a", "b.dcm": b"b"}, "2": {"c.dcm": b"c"}},
        resources={"NOTES": {"n.txt": b"n"}},
    )
    xnat.has_resource(xnat.has_subject("P1", "S1"), "CONSENT", {"c.pdf": b"c"})
    return session


def record(xnat: XNAT, kind: str, **known: Any) -> dict[str, Any]:
    """A record of this kind, as xnat-ls prints it."""
    return {"kind": kind, "server": xnat.url, **known}


def labels(xnat: XNAT, project: str = "P1") -> list[str]:
    """The labels of a project's subjects."""
    return sorted(subject.label for subject in xnat.store.items.subjects_of_project(project))


def subjects(xnat: XNAT, *names: str) -> None:
    """Subjects with these labels, in P1."""
    xnat.has_project("P1")
    with xnat.store.database.transaction():
        for name in names:
            xnat.has_subject("P1", name)


def puts(xnat: XNAT) -> int:
    """How often something was written."""
    return len(xnat.requests("PUT"))
