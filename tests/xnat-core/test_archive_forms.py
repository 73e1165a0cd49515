"""Which form of archive a server is asked for, and what its refusals teach."""

from __future__ import annotations

import pytest

from xnat_core.archive_forms import ArchiveForms, NoArchive
from xnat_core.errors import (
    ClientRequestError,
    DownloadError,
    NetworkError,
    ResourceNotFoundError,
    ServerError,
    XNATCtlError,
)

REFUSALS = [
    NoArchive("a listing"),
    ClientRequestError("GET", "no", {"status_code": 406}),
    ServerError("GET", "no", {"status_code": 501}),
]
OTHERS = [
    DownloadError("cut"),
    NetworkError("https://x"),
    ResourceNotFoundError("resource", "R"),
    ServerError("GET", "no", {"status_code": 500}),
]


class Server:
    """Answers with these errors, by the form; notes what it was asked for."""

    def __init__(self, **errors: XNATCtlError) -> None:
        self._errors = errors
        self.asked: list[str] = []

    def __call__(self, form: str) -> str:
        self.asked.append(form)
        if form in self._errors:
            raise self._errors[form]
        return f"a {form}"


@pytest.mark.parametrize(("has_digests", "form"), [(True, "tar"), (False, "zip")])
def test_without_digests_a_zip_is_asked_for(has_digests: bool, form: str) -> None:
    server = Server()
    assert ArchiveForms().take(server, has_digests=has_digests) == f"a {form}"
    assert server.asked == [form]


@pytest.mark.parametrize("error", REFUSALS)
def test_a_form_that_is_refused_is_asked_for_once(error: XNATCtlError) -> None:
    forms, server = ArchiveForms(), Server(tar=error)
    assert [forms.take(server, has_digests=True) for _ in range(2)] == ["a zip", "a zip"]
    assert server.asked == ["tar", "zip", "zip"]


@pytest.mark.parametrize("error", REFUSALS)
def test_when_none_is_made_the_last_refusal_tells_and_one_is_tried_each_time(
    error: XNATCtlError,
) -> None:
    forms, server = ArchiveForms(), Server(tar=error, zip=error)
    for _ in range(2):
        with pytest.raises(type(error)) as raised:
            forms.take(server, has_digests=True)
        assert raised.value is error
    assert server.asked == ["tar", "zip", "zip"]


@pytest.mark.parametrize("error", OTHERS)
def test_what_is_no_refusal_is_raised_and_forgotten(error: XNATCtlError) -> None:
    forms = ArchiveForms()
    with pytest.raises(type(error)):
        forms.take(Server(tar=error), has_digests=True)
    assert forms.take(Server(), has_digests=True) == "a tar"
