"""One request to the import service, repeated where that makes sense."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from xnat_core.imports.answers import ImportRefused, Kind, Landing, landings_of
from xnat_core.parallel import check_stop

if TYPE_CHECKING:
    from xnat_core.bodies import Body
    from xnat_core.client import XNATClient

PATH = "/data/services/import"
MOST = {Kind.TRANSIENT: 5, Kind.UNCLEAR: 1, Kind.PERMANENT: 0}
FIRST_PAUSE = 2.0


def send(
    client: XNATClient,
    params: Mapping[str, str],
    body: Body,
    *,
    timeout: float | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Landing, ...]:
    """Send DICOM and return where it went; nothing when the server kept none of it.

    Doing it twice does no harm: an object replaces itself. So the client repeats what was cut or
    turned away, and here a refusal is repeated that is known to pass (five times, after about
    2, 4, 8, 16, 32 seconds) or that may (once). Raises ImportRefused with the last one.
    """
    from xnat_core.http.answers import message_of

    attempt = 0
    while True:
        response = client.post(
            PATH, params=params, body=body, repeatable=True, accept={400}, timeout=timeout
        )
        if response.status_code != 400:
            return landings_of(response.text)
        refusal = ImportRefused(message_of(response) or "no reason given")
        if attempt >= MOST[refusal.kind]:
            raise refusal
        check_stop()
        # Workers that collided must not come back together.
        sleep(FIRST_PAUSE * 2**attempt * random.uniform(0.5, 1.0))
        attempt += 1
