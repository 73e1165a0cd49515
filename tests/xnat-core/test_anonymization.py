"""Whether a server rewrites what it imports, as far as it says so."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.sandbox import XNAT
from xnat_core.client import XNATClient
from xnat_core.services.anonymization import anonymizes

SITE, PROJECT = "/xapi/anonymize/site", "/xapi/anonymize/projects/P1"
SCRIPT = 'version "6.3"\n(0010,0010) := "X"'


@pytest.mark.parametrize(
    ("answers", "expected"),
    [
        ({f"{SITE}/enabled": "false", f"{PROJECT}/enabled": "false"}, False),
        ({f"{SITE}/enabled": "true", SITE: SCRIPT, f"{PROJECT}/enabled": "false"}, True),
        ({f"{SITE}/enabled": "true", SITE: 'version "6.3"', f"{PROJECT}/enabled": "false"}, False),
        ({f"{SITE}/enabled": "false", f"{PROJECT}/enabled": "true", PROJECT: SCRIPT}, True),
        ({f"{SITE}/enabled": "true", f"{PROJECT}/enabled": "false"}, True),
        ({f"{PROJECT}/enabled": "false"}, None),
        ({f"{SITE}/enabled": "false"}, None),
    ],
    ids=[
        *("nothing in force", "a script of the site", "a script that does nothing"),
        *("a script of the project", "a script that may not be read"),
        *("the site does not say", "the project does not say"),
    ],
)
def test_it_is_told_by_what_is_in_force(
    xnat: XNAT, client: XNATClient, answers: dict[str, str], expected: bool | None
) -> None:
    xnat.has_project("P1")

    def answer(request: Request) -> Response | None:
        if not request.path.startswith("/xapi/anonymize"):
            return None
        text = answers.get(request.path)
        return Response(status=403) if text is None else Response(text, mimetype="text/plain")

    xnat.before(answer)
    assert anonymizes(client, "P1") is expected
