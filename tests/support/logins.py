"""Requests that need a login, made by one client or by many at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

from xnat_core.client import XNATClient

LOGIN = ("POST", "/data/JSESSION")


def projects(client: XNATClient) -> list[str]:
    """The identifiers of the projects: a request that needs a login."""
    return [row["ID"] for row in client.rows("/data/projects")]


def together(*works: Callable[[], object]) -> list[object]:
    """Run all at the same moment and return what each returned or raised."""
    results: list[object] = [None] * len(works)
    gate = threading.Barrier(len(works))

    def run(index: int) -> None:
        gate.wait()
        try:
            results[index] = works[index]()
        except Exception as error:
            results[index] = error

    threads = [threading.Thread(target=run, args=(index,)) for index in range(len(works))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    return results
