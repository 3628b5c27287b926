# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""What the tests of indexes share: a real HTTP server on loopback, and short forms to fetch from it."""

from __future__ import annotations

import base64
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._source.index import fetch_indexes
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy


class Server:
    """An HTTP server whose answers are functions of the request handler, by path; it remembers what was asked."""

    def __init__(self, context=None):
        self.answers = {}
        self.requests = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.requests.append((self.path, dict(self.headers)))
                outer.answers.get(self.path, lambda handler: reply(handler, b"", status=404))(self)

            def log_message(self, *_arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.stopping = threading.Event()
        self.port = self._server.server_address[1]
        if context is not None:
            self._server.socket = context.wrap_socket(self._server.socket, server_side=True)
        self.origin = f"http{'s' if context else ''}://127.0.0.1:{self.port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def serve(self, path, content, **kwargs):
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        self.answers[path] = lambda handler: reply(handler, body, **kwargs)
        return f"{self.origin}{path}"

    def redirect(self, path, location):
        return self.serve(path, b"", status=302, headers={"Location": location})

    def close(self):
        self._server.stopping.set()
        self._server.shutdown()
        self._server.server_close()


def reply(handler, body, status=200, headers=None):
    try:
        handler.send_response(status)
        for name, value in {"Content-Length": str(len(body)), **(headers or {})}.items():
            handler.send_header(name, value)
        handler.end_headers()
        handler.wfile.write(body)
    except OSError:
        pass


def fetch(*urls, proxy=None, ca_bundle=None, seconds=20.0, **kwargs):
    return fetch_indexes(urls, proxy=proxy or Proxy(), ca_bundle=ca_bundle, deadline=Deadline(seconds), **kwargs)


def index_of(**packs):
    return {"metadata": {"generated_ts": 1, "hash": "0"}, "packs": packs}


def pack(ref, version="1.0.0", **more):
    return {"name": ref, "repo_url": f"https://github.com/org/stackstorm-{ref}", "version": version, **more}


def only_status(indexes):
    (status,) = indexes.statuses
    return status


def basic(username, password):
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode()


def guarded(server, path, username, password, content):
    """Serve content to who has the credentials, 401 to others."""
    body = json.dumps(content).encode()

    def answer(handler):
        if handler.headers.get("Authorization") == basic(username, password):
            reply(handler, body)
        else:
            reply(handler, b"", status=401, headers={"WWW-Authenticate": 'Basic realm="i"'})

    server.answers[path] = answer
    return f"{server.origin}{path}"
