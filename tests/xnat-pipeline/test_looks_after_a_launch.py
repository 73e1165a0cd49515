"""Once something has been launched, a look that gets no answer does not make it fail."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.answers import Run
from support.sandbox import XNAT

PAGE = "<html><body>Down for maintenance</body></html>"


@pytest.mark.parametrize(("status", "body"), [(200, PAGE), (403, "")])
def test_a_page_or_a_refusal_is_passed_over(run: Run, xnat: XNAT, status: int, body: str) -> None:
    launched: list[Request] = []
    left = [2]

    def hook(request: Request) -> Response | None:
        if request.method == "POST" and request.path.endswith("/launch"):
            launched.append(request)
        elif launched and left[0] and "/services/workflows/" in request.path:
            left[0] -= 1
            return Response(body, status)
        return None

    xnat.before(hook)
    answer = run("run", "demo-session", "-P", "P1", "-E", "E1")
    assert (answer.status, answer.values("outcome"), len(launched)) == (0, ["done"], 1), answer.err
