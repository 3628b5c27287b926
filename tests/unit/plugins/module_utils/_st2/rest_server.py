# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of the API share: an HTTP server on loopback that answers by route, and what it was asked."""

from __future__ import annotations

import json
import time
import typing as t
from urllib.parse import parse_qsl, urlsplit

from infrastructure.servers.http_base import Handler, HttpServer

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._libraries import require
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.api_client import ApiClient
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.host import read_host

require("requests")  # The first time takes seconds.


class Asked(t.NamedTuple):
    """One request as the server got it."""

    method: str
    path: str
    params: t.Dict[str, str]
    headers: t.Mapping[str, str]
    body: t.Any


class _Handler(Handler):
    def _do(self):
        parts = urlsplit(self.path)
        content = self.read_body()
        asked = Asked(
            self.command,
            parts.path,
            dict(parse_qsl(parts.query)),
            self.headers,
            json.loads(content) if content else None,
        )
        self.owner.asked.append(asked)
        answers = self.owner.answers.get((self.command, parts.path), [fault(404, "The resource could not be found.")])
        # The last answer is given again and again.
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        if callable(answer):
            answer = answer(self, asked)
        if answer is not None:
            status, body, headers = answer
            raw = body if isinstance(body, bytes) else json.dumps(body).encode()
            self.reply(status, raw, {"Content-Type": "application/json", **headers})

    do_GET = do_POST = do_PUT = do_DELETE = _do


class RestServer(HttpServer):
    """Answers C(method, path) with what L(on) says; 404 as StackStorm does for anything else."""

    handler = _Handler

    def __init__(self, **kwargs):
        self.asked = []
        self.answers = {}
        super().__init__(**kwargs)

    @property
    def api(self):
        """The URL that clients are given."""
        return f"{self.url}/v1"

    def on(self, method, path, *answers):
        """Answer a route: with bodies (status 200), L(fault), L(answer) or functions; one after the other."""
        self.answers[(method, f"/v1{path}")] = [
            one if callable(one) or isinstance(one, tuple) else answer(one) for one in answers
        ]

    def routes(self):
        """Method and path of every request, in order."""
        return [(one.method, one.path[len("/v1") :]) for one in self.asked]

    def bodies(self, path):
        """The bodies of all requests for a path."""
        return [one.body for one in self.asked if one.path == f"/v1{path}"]


def answer(body, status=200, **headers):
    return status, body, {name.replace("_", "-"): value for name, value in headers.items()}


def fault(status, words):
    """An error in StackStorm's form."""
    return status, {"faultstring": words}, {}


def paged(items):
    """Answers a list page by page, as StackStorm does."""

    def give(_handler, asked):
        offset, limit = int(asked.params.get("offset", 0)), int(asked.params.get("limit", 100))
        assert 0 < limit <= 100
        return 200, items[offset : offset + limit], {"X-Total-Count": str(len(items)), "X-Limit": str(limit)}

    return give


class EndingDeadline(Deadline):
    """A deadline that ends when a test says so, however slow the machine is."""

    def __init__(self):
        super().__init__(60)

    def end(self):
        self._end = time.monotonic()


def client_of(server, seconds=20.0, **kwargs):
    return ApiClient(server.api, deadline=Deadline(seconds), **kwargs)


def scratch_host(directory, **settings):
    """A host whose st2.conf has C([system] base_path) in a directory of the test."""
    conf = directory / "etc/st2/st2.conf"
    conf.parent.mkdir(parents=True, exist_ok=True)
    conf.write_text(f"[system]\nbase_path = {directory}\n[content]\nsystem_packs_base_path = {directory}/packs\n")
    return read_host(str(conf), settings)
