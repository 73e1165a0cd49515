"""A client in a process that was forked: data loaders begin their workers so."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from support.sandbox import XNAT
from support.scripted import answer, scripted

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")

# In a process of its own: the servers of a test are threads, beside which nothing should fork.
BEGIN = """
import os, sys, threading
from xnat_core.client import XNATClient

def forked(work):
    child = os.fork()
    if not child:
        work()
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0
"""


def run(program: str, url: str) -> str:
    words = [sys.executable, "-W", "error", "-c", BEGIN + program, url]
    done = subprocess.run(words, capture_output=True, text=True)
    assert done.stderr == ""
    return done.stdout


def test_it_does_not_read_the_answers_to_the_other_process() -> None:
    program = """
client = XNATClient(sys.argv[1])
client.get("/data/one")
forked(lambda: client.get("/data/two"))
client.get("/data/three")
"""
    with scripted(answer(b"all")) as server:
        run(program, server.url)
        assert server.requests == ["GET /data/one", "GET /data/two", "GET /data/three"]
        assert server.connections == 2


def test_its_end_does_not_end_the_session_of_the_other_process(xnat: XNAT) -> None:
    program = """
with XNATClient(sys.argv[1], "admin", "admin") as client:
    client.whoami()
    forked(client.close)
    print(client.whoami()["username"])
"""
    assert run(program, xnat.url) == "admin\n"
    assert len(xnat.requests("POST", "/data/JSESSION")) == 1
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 1


def test_a_session_that_it_has_got_itself_is_ended(xnat: XNAT) -> None:
    program = """
client = XNATClient(sys.argv[1], "admin", "admin")

def work():
    client.whoami()
    client.close()

forked(work)
"""
    run(program, xnat.url)
    assert len(xnat.requests("DELETE", "/data/JSESSION")) == 1


def test_a_login_that_goes_on_in_another_thread_is_not_waited_for(xnat: XNAT) -> None:
    program = """
client = XNATClient(sys.argv[1], "admin", "admin")
held, done = threading.Event(), threading.Event()

def hold():
    with client._authenticator._lock, client._lock:
        held.set()
        done.wait()

threading.Thread(target=hold).start()
held.wait()
import warnings
warnings.simplefilter("ignore", DeprecationWarning)
forked(client.whoami)
done.set()
"""
    run(program, xnat.url)
