"""A threaded HTTP/1.1 front for the WSGI application.

werkzeug's development server closes every connection and waits for stray bytes after each answer;
this one keeps connections alive, because clients reuse them and benchmarks would measure the wait.
"""

from __future__ import annotations

import io
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from werkzeug.serving import (
    BaseWSGIServer,
    WSGIRequestHandler,
    make_server,
    select_address_family,
)

from .disk import BLOCK

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

IDLE_SECONDS = 60
DRAIN = 1 << 30


class FileBody:
    """Bytes `start` to `stop` of a file, sent by the kernel where that is possible."""

    def __init__(self, path: Path, start: int, stop: int) -> None:
        self.file = path.open("rb")
        self.start = start
        self.stop = stop

    def __iter__(self) -> Iterator[bytes]:
        self.file.seek(self.start)
        left = self.stop - self.start
        while left and (block := self.file.read(min(left, BLOCK))):
            left -= len(block)
            yield block

    def close(self) -> None:
        """Close the file; the WSGI server calls it."""
        self.file.close()


class Limited(io.RawIOBase):
    """A request body of known length."""

    def __init__(self, source: io.BufferedIOBase, length: int) -> None:
        self._source = source
        self.left = length

    def readable(self) -> bool:
        """Always."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill the buffer; a client that went away is an error, not an end."""
        view = memoryview(buffer)[: self.left]
        if not len(view):
            return 0
        count = self._source.readinto(view)
        if not count:
            raise ConnectionResetError("the client left in the middle of the body")
        self.left -= count
        return count


class Handler(WSGIRequestHandler):
    """One connection, any number of requests."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    timeout = IDLE_SECONDS
    rbufsize = 1 << 16

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Requests are not logged."""

    def log_error(self, format: str, *args: Any) -> None:
        """Neither are idle connections that time out."""

    def run_wsgi(self) -> None:
        """Answer one request and leave the connection ready for the next."""
        environ = self.make_environ()
        body = self._body(environ)
        environ["wsgi.input"] = body
        environ["wsgi.input_terminated"] = True
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.wfile.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        started: list[Any] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Any:
            started[:] = [status, headers]
            return None

        result = self.server.app(environ, start_response)
        try:
            self._send(started[0], started[1], result)
        except OSError:
            self.close_connection = True
        except Exception as error:
            self.close_connection = True
            self.server.log("error", "%s", error)
        finally:
            if hasattr(result, "close"):
                result.close()
        self._drain(body)

    def _body(self, environ: dict[str, Any]) -> io.RawIOBase:
        if environ.get("wsgi.input_terminated"):
            chunked: io.RawIOBase = environ["wsgi.input"]
            return chunked
        length = environ.get("CONTENT_LENGTH", "")
        return Limited(self.rfile, int(length) if length.isdigit() else 0)

    def _send(self, status: str, headers: list[tuple[str, str]], result: Any) -> None:
        code = int(status.split()[0])
        names = {name.lower() for name, _ in headers}
        bodiless = self.command == "HEAD" or code in (204, 304) or code < 200
        chunked = not bodiless and "content-length" not in names
        if chunked and self.request_version == "HTTP/1.0":
            self.close_connection, chunked = True, False
        self.send_response(code, status.partition(" ")[2])
        for name, value in headers:
            self.send_header(name, value)
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
        if self.close_connection:
            self.send_header("Connection", "close")
        self.end_headers()
        if not bodiless:
            self._send_body(result, chunked=chunked)

    def _send_body(self, result: Any, *, chunked: bool) -> None:
        if isinstance(result, FileBody):
            count = result.stop - result.start
            if count and self.connection.sendfile(result.file, result.start, count) < count:
                raise ConnectionResetError("the file became shorter")
            return
        for block in result:
            if block:
                self.wfile.write(b"%x\r\n%b\r\n" % (len(block), block) if chunked else block)
        if chunked:
            self.wfile.write(b"0\r\n\r\n")

    def _drain(self, body: io.RawIOBase) -> None:
        """Swallow what the application did not read, so that the client gets to see the answer."""
        if self.close_connection and isinstance(body, Limited) and not body.left:
            return
        swallowed = 0
        try:
            while block := body.read(BLOCK):
                swallowed += len(block)
                if swallowed > DRAIN:
                    self.close_connection = True
                    return
        except OSError:
            self.close_connection = True


class WebServer:
    """The application listening on a port, in a thread of its own."""

    def __init__(self, app: WSGIApplication, host: str = "127.0.0.1", port: int = 0) -> None:
        self._server = listen(app, host, port)
        self.host = host
        self.port = self._server.port
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.daemon = True

    @property
    def url(self) -> str:
        """Where clients find it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening; answers under way are not waited for."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def listen(app: WSGIApplication, host: str, port: int) -> BaseWSGIServer:
    """A listening server that `serve_forever()` runs; port 0 picks a free one."""
    # werkzeug would write to standard error and end the program when the port is taken.
    try:
        family = select_address_family(host, port)
        # `create_server` would tell by a number alone that there is no such host.
        socket.getaddrinfo(host, port, family)
        listening = socket.create_server((host, port), family=family)
    except socket.gaierror as error:
        raise OSError(f"{host}: {error.strerror}") from error
    except OSError as error:
        raise OSError(f"port {port} of {host}: {os.strerror(error.errno or 0)}") from error
    with listening:
        return make_server(
            host,
            listening.getsockname()[1],
            app,
            threaded=True,
            request_handler=Handler,
            fd=listening.fileno(),
        )
