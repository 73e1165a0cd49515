"""Logging in, staying in, and being turned away."""

from __future__ import annotations

import re

import requests

from support.sandbox import XNAT


def test_a_stranger_gets_a_session_id_that_proves_nothing(xnat: XNAT) -> None:
    answer = requests.get(f"{xnat.url}/data/JSESSION")
    assert answer.status_code == 200
    assert re.fullmatch("[0-9A-F]{32}", answer.text)
    cookies = {"JSESSIONID": answer.text}
    assert requests.get(f"{xnat.url}/data/auth", cookies=cookies).status_code == 401


def test_a_connection_is_kept_alive(xnat: XNAT) -> None:
    with requests.Session() as session:
        for _ in range(3):
            session.get(f"{xnat.url}/data/auth", auth=xnat.admin)
    ports = {request.environ["REMOTE_PORT"] for request in xnat.requests()}
    assert len(ports) == 1
