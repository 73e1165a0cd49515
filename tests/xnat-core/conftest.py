"""Clients of the sandbox and of scripted servers, and how they log in."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from pytest_httpserver import HTTPServer

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.prearchive import Prearchive
from xnat_core.services.resources import ResourceService


@pytest.fixture
def client(xnat: XNAT) -> Iterator[XNATClient]:
    """Logged in at the first request; tries everything once, so that failures are quick."""
    with XNATClient(xnat.url, *xnat.admin, max_retries=0) as client:
        yield client


@pytest.fixture
def credentials(xnat: XNAT, monkeypatch: pytest.MonkeyPatch) -> None:
    """The environment names the sandbox and its administrator; it has the project P1."""
    xnat.has_project("P1")
    monkeypatch.setenv("XNAT_URL", xnat.url)
    monkeypatch.setenv("XNAT_USER", "admin")
    monkeypatch.setenv("XNAT_PASS", "admin")


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is tried again is tried at once."""
    monkeypatch.setattr("xnat_core.http.retries.FIRST_PAUSE", 0)


@pytest.fixture
def server(httpserver: HTTPServer) -> HTTPServer:
    """A server that answers what a test has told it."""
    return httpserver


@pytest.fixture
def resources(client: XNATClient) -> ResourceService:
    """The service of resources, on the sandbox."""
    return ResourceService(client)


@pytest.fixture
def prearchive(client: XNATClient) -> Prearchive:
    """The prearchive of the sandbox."""
    return Prearchive(client)
