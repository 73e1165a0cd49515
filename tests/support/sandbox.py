"""An XNAT for tests: the sandbox mounted in pytest-httpserver.

    def test_something(xnat):
        xnat.has_session("P1", "S1", "MR1", scans={"1": {"a.dcm": b"..."}})
        ...
        assert xnat.requests("POST", "/data/services/import")

Faults go in front: `xnat.before(hook)` asks `hook(request)` first and takes its response,
`xnat.fails("GET", "/data/projects", 503)` and `xnat.cuts("GET", path, 1000)` are the common ones,
and `xnat.server.expect_oneshot_request(...)` of pytest-httpserver answers before the sandbox does.
"""

from __future__ import annotations

import io
import json
import re
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import requests
from pytest_httpserver import HTTPServer
from werkzeug.wrappers import Request, Response

from xnat_sandbox.app import Sandbox
from xnat_sandbox.httpd import listen
from xnat_sandbox.model import Experiment, Owner, Project, Resource, Scan, Subject
from xnat_sandbox.settings import Settings
from xnat_sandbox.store import Store

Files = Mapping[str, bytes]
Scans = Mapping[str, Files]
KEPT_BODY = 1 << 20
FAST = Settings(rebuild_idle=0.2, rebuild_repeat=0.05, container_seconds=0.1, archive_timeout=10)


class SandboxServer(HTTPServer):
    """pytest-httpserver with the sandbox behind its own expectations; bodies stay streams."""

    def __init__(self, app: Sandbox) -> None:
        super().__init__("127.0.0.1", 0, threaded=True)
        self.app = app

    def start(self) -> None:
        """Listen with the sandbox's own HTTP front, which keeps connections alive."""
        self.server = listen(Request.application(self.application), self.host, 0)
        self.port = self.server.port
        self.server_thread = threading.Thread(target=self.thread_target, daemon=True)
        self.server_thread.start()

    def thread_target(self) -> None:
        """Serve, looking often whether it is time to stop."""
        assert self.server is not None
        self.server.serve_forever(0.01)

    def application(self, request: Request) -> Response:
        """Answer from the expectations if one matches, otherwise from the sandbox."""
        _keep_small_body(request)
        expected = (*self.ordered_handlers, *self.oneshot_handlers, *self.handlers)
        if any(handler.matcher.match(request) for handler in expected):
            response = self.dispatch(request)
        else:
            response = self.app.respond(request)
        self.log.append((request, response))
        return response


class XNAT:
    """A running sandbox and the means to furnish it."""

    admin = ("admin", "admin")

    def __init__(self, data: Path, settings: Settings | None = None) -> None:
        self.data = data
        self.app = Sandbox(data, settings or replace(FAST))
        self.server = SandboxServer(self.app)
        self.server.start()
        self.url = f"http://127.0.0.1:{self.server.port}"

    def stop(self) -> None:
        """Stop listening and close the store."""
        self.server.stop()
        self.app.close()

    @property
    def store(self) -> Store:
        """The data, for looking and for furnishing past the API."""
        return self.app.store

    @property
    def settings(self) -> Settings:
        """The settings, which may be changed while it runs."""
        return self.app.settings

    def call(
        self, method: str, path: str, *, user: tuple[str, str] | None = admin, **options: Any
    ) -> requests.Response:
        """One request without redirects; `user=None` is a stranger."""
        return requests.request(
            method, f"{self.url}{path}", auth=user, allow_redirects=False, timeout=60, **options
        )

    def rows(self, path: str, **options: Any) -> list[dict[str, str]]:
        """The rows of a listing."""
        answer = self.call("GET", path, **options)
        assert answer.status_code == 200, answer.text
        found: list[dict[str, str]] = answer.json()["ResultSet"]["Result"]
        return found

    def fields(self, path: str, **options: Any) -> dict[str, Any]:
        """The data fields of a single item."""
        answer = self.call("GET", f"{path}?format=json", **options)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()["items"][0]["data_fields"]
        return found

    # Faults and observations

    def before(self, hook: Callable[[Request], Response | None]) -> None:
        """Ask `hook` first; a response that it gives is the answer."""
        self.app.before(hook)

    def fails(
        self, method: str, path: str, status: int, times: int = 1, body: str = "pretend failure"
    ) -> None:
        """Answer the next `times` requests of this method under this path with `status`."""
        left = [times]

        def hook(request: Request) -> Response | None:
            if left[0] and request.method == method and request.path.startswith(path):
                left[0] -= 1
                return Response(body, status)
            return None

        self.before(hook)

    def loses(self, method: str, path: str, status: int = 502, times: int = 1) -> None:
        """Do what the next `times` such requests ask for, and answer `status` all the same."""
        left = [times]

        def hook(request: Request, response: Response) -> None:
            if left[0] and request.method == method and request.path.startswith(path):
                left[0] -= 1
                response.status_code = status
                response.data = b"pretend proxy"

        self.app.after(hook)

    def cuts(
        self, method: str, path: str, size: int, times: int = 1, *, quietly: bool = False
    ) -> None:
        """End the next `times` answers to this method under this path after `size` bytes.

        The connection is dropped, or with `quietly` the chunked stream ends as if it were whole,
        which is what a failure in the middle of a zip looks like.
        """
        left = [times]

        def hook(request: Request, response: Response) -> None:
            if left[0] and request.method == method and request.path.startswith(path):
                left[0] -= 1
                response.response = _beginning(response.response, size, quietly)
                response.direct_passthrough = False
                if quietly:
                    response.headers.remove("Content-Length")

        self.app.after(hook)

    def lags(self, listing: str, after: str, times: int = 2, shows: bytes | None = None) -> None:
        """Answer listings as they were, empty unless `shows` says how, `times` times.

        Those whose path the pattern `listing` is in, once a request with `after` in it has come.
        """
        begun, left = [False], [times]
        old = shows or json.dumps({"ResultSet": {"Result": []}}).encode()

        def hook(request: Request) -> Response | None:
            begun[0] |= after in f"{request.method} {request.full_path}"
            listed = request.method == "GET" and re.search(listing, request.path)
            if not (begun[0] and listed and left[0]):
                return None
            left[0] -= 1
            return Response(old, 200, content_type="application/json")

        self.before(hook)

    def expires_sessions(self) -> None:
        """End every login, as the timeout would."""
        self.app.sessions.expire_all()

    def requests(self, method: str = "", path: str = "") -> list[Request]:
        """The requests received, oldest first; `path` is a beginning."""
        return [
            request
            for request, _ in self.server.log
            if request.method == (method or request.method) and request.path.startswith(path)
        ]

    def body(self, request: Request) -> bytes:
        """The body of a logged request, if it was at most 1 MiB of known length."""
        kept: bytes = request.environ["xnat.body"]
        return kept

    # Furnishing

    def has_user(self, login: str, password: str = "", **roles: str) -> tuple[str, str]:
        """A user, with roles in projects: `has_user("bob", P1="member")`."""
        password = password or f"{login}-password"
        self.app.add_user(login, password)
        for project, role in roles.items():
            self.store.accounts.join(login, f"{project}_{role}")
        return login, password

    def has_project(self, id: str, *, accessibility: str = "private", code: int = 0) -> Project:
        """A project, made if it does not exist; `code` is its prearchive code."""
        found = self.store.items.project(id)
        return found or self.store.items.create_project(
            id, accessibility=accessibility, prearchive_code=code
        )

    def has_subject(self, project: str, label: str, **fields: str) -> Subject:
        """A subject, made if it does not exist."""
        self.has_project(project)
        found = self.store.items.subject_in(project, label)
        return found or self.store.items.create_subject(project, label, fields=fields)

    def has_session(
        self,
        project: str,
        subject: str,
        label: str,
        scans: Scans | None = None,
        *,
        resources: Scans | None = None,
        xsi_type: str = "xnat:mrSessionData",
        **fields: str,
    ) -> Experiment:
        """A session; `scans` maps scan ids to the files of their DICOM resource."""
        owner = self.has_subject(project, subject)
        items = self.store.items
        with self.store.database.transaction():
            session = items.experiment_in(project, label) or items.create_experiment(
                project, label, xsi_type, subject_id=owner.id, fields=fields
            )
            for id, files in (scans or {}).items():
                self.has_scan(session, id, files)
            for resource, files in (resources or {}).items():
                self.has_resource(session, resource, files)
        return session

    def has_scan(
        self,
        session: Experiment,
        id: str,
        files: Files | None = None,
        *,
        type: str = "T1w",
        resource: str = "DICOM",
    ) -> Scan:
        """A scan of a session, its type following the session's."""
        xsi_type = session.xsi_type.replace("SessionData", "ScanData")
        scan = self.store.items.scan(session.id, id) or self.store.items.create_scan(
            session.id, id, xsi_type, fields={"type": type, "quality": "usable"}
        )
        if files is not None:
            self.has_resource(scan, resource, files, format="DICOM", content="RAW")
        return scan

    def has_resource(
        self,
        item: Project | Subject | Experiment | Scan,
        label: str,
        files: Files | None = None,
        *,
        format: str = "",
        content: str = "",
    ) -> Resource:
        """A resource with these files."""
        resources = self.store.resources
        found = resources.ensure(Owner.of(item), label, format=format, content=content)
        for path, data in (files or {}).items():
            resources.put_bytes(found, path, data)
        return found

    def files(self, item: Project | Subject | Experiment | Scan, label: str) -> dict[str, bytes]:
        """The files that a resource holds, by path; empty when there is no such resource."""
        found = self.store.resources.labelled(Owner.of(item), label)
        if found is None:
            return {}
        entries = self.store.resources.files(found)
        return {e.path: self.store.resources.path(found, e.path).read_bytes() for e in entries}


def _beginning(body: Iterable[bytes | str], size: int, quietly: bool) -> Iterator[bytes]:
    for block in body:
        data = block.encode() if isinstance(block, str) else block
        yield data[:size]
        size -= len(data)
        if size <= 0:
            break
    if not quietly:
        raise ConnectionResetError("pretend failure")


def _keep_small_body(request: Request) -> None:
    length = request.content_length
    if length is not None and length <= KEPT_BODY:
        data = request.environ["wsgi.input"].read(length) if length else b""
        request.environ["xnat.body"] = data
        request.environ["wsgi.input"] = io.BytesIO(data)
