"""A source that does not make the form of archive that is asked for first."""

from __future__ import annotations

import pytest
from werkzeug.wrappers import Request, Response

from support.transfers import Transfer, everything

ANSWERS = [(b"no", 400), (b"no", 501), (b'{"ResultSet":{"Result":[]}}', 200)]


@pytest.mark.parametrize(("body", "status"), ANSWERS)
@pytest.mark.parametrize(("refused", "other"), [("tar", "zip"), ("zip", "tar")])
def test_it_is_asked_for_the_other_one_and_no_more_for_that(
    transfer: Transfer, refused: str, other: str, body: bytes, status: int
) -> None:
    files = {f"{n}.txt": bytes([n]) * 3000 for n in range(9)}
    transfer.has_session("S1", "S1_MR1", "MR", "MR", resources={"NOTES": files})
    wanted = everything(transfer.source, "A")
    if refused == "zip":
        transfer.source.store.database.execute("UPDATE file SET digest=''")

    def refuse(request: Request) -> Response | None:
        is_refused = request.args.get("format") == refused
        return Response(body, status, mimetype="application/json") if is_refused else None

    transfer.source.before(refuse)
    ran = transfer("--config", transfer.config(scan_workers=1))
    assert ran.status == 0, ran.err
    assert everything(transfer.dest, "B") == wanted
    forms = [request.args.get("format") for request in transfer.source.requests("GET")]
    archives = [form for form in forms if form in (refused, other)]
    assert archives == [refused, other, other, other]
