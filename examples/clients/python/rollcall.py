"""A client of Rollcall. It needs Python 3.9 or later, and no package."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

# A request is sent at most this often.
TRIES = 5
# The longest wait before it is sent again, in seconds. If the server asks for more, it is an error.
WAIT_MAX = 60
# The longest silence of the server, in seconds.
TIMEOUT = 60
# The most groups in one answer, and the most that all pages show.
PAGE = 1_000
GROUPS_MAX = 10_000


class RollcallError(Exception):
    """Rollcall refused a request. `status` is that of HTTP."""

    def __init__(self, status: int, detail: str):
        super().__init__(f"{status}: {detail}")
        self.status = status


class Rollcall:
    def __init__(self, url: str, token: str):
        """The token is a viewer's or an admin's to ask, and an ingest token to send."""
        self._url = url.rstrip("/")
        self._token = token

    def ask(self, question: str, **parameters: object) -> dict:
        """Asks a question, as `ask("top-paths", timeRange="7d", limit=20)`."""
        with self._request(f"/admin/{question}?{urlencode(parameters)}") as answer:
            return json.load(answer)

    def ips(self, **filters: object) -> Iterator[dict]:
        """Every IP, the one with the most hits first, page by page: at most 10,000."""
        for offset in range(0, GROUPS_MAX, PAGE):
            page = self.ask("breakdown", by="ip", limit=PAGE, offset=offset, **filters)
            yield from page["groups"]
            if offset + PAGE >= page["totalGroups"]:
                return

    def export(self, **parameters: object) -> Iterator[dict]:
        """A row for each IP and path, as the server sends them.

        If the server cannot finish the export, this raises `http.client.IncompleteRead`.
        """
        query = urlencode({"format": "ndjson", **parameters})
        with self._request(f"/admin/export?{query}") as answer:
            rest = b""
            # Reading by lines would not tell that an export broke off. Reading by bytes does.
            while part := answer.read(65_536):
                *lines, rest = (rest + part).split(b"\n")
                yield from map(json.loads, lines)

    def send(self, hits: list[dict]) -> dict | None:
        """Sends a batch. It counts once, even if it has to be sent again.

        `None`: every hit was accepted. Else the answer says which ones were not, or were changed.
        """
        headers = {"Content-Type": "application/json", "Idempotency-Key": str(uuid.uuid4())}
        with self._request("/collect", json.dumps(hits).encode(), headers) as answer:
            return json.loads(answer.read() or b"null")

    def _request(
        self, target: str, body: bytes | None = None, headers: dict[str, str] | None = None
    ) -> HTTPResponse:
        """Sends a request, and again if the server is busy or does not answer."""
        headers = {"Authorization": f"Bearer {self._token}", **(headers or {})}
        for tries in range(1, TRIES + 1):
            try:
                return urlopen(Request(self._url + target, body, headers), timeout=TIMEOUT)
            except HTTPError as error:
                asked = error.headers.get("Retry-After", "")
                wait = int(asked) if asked.isdigit() else 2**tries
                if error.code not in (429, 503) or tries == TRIES or wait > WAIT_MAX:
                    raise RollcallError(error.code, _detail(error)) from None
            except (OSError, HTTPException):
                if tries == TRIES:
                    raise
                wait = 2**tries
            time.sleep(wait)
        raise AssertionError("the last try returns or raises")


def _detail(error: HTTPError) -> str:
    """The words of a problem document (RFC 9457)."""
    try:
        problem = json.load(error)
        return problem.get("detail") or problem["title"]
    except (ValueError, KeyError, AttributeError):
        return error.reason
