# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""A stand-in for StackStorm's API: it runs weather.forecast, and writes down what it was asked to run.

Arguments: a directory, for the files "port" and "asked". It ends when the directory is gone.
"""

from __future__ import annotations

import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

DIRECTORY = sys.argv[1]
PARAMETERS = {"place": {"type": "string", "required": True}, "token": {"type": "string", "secret": True}}
KNOWN = {
    "/v1/actions/weather.forecast": {"runner_type": "python-script", "enabled": True, "parameters": PARAMETERS},
    "/v1/actions/weather.off": {"runner_type": "python-script", "enabled": False},
    "/v1/runnertypes/python-script": {"runner_parameters": {"timeout": {"type": "integer"}}},
    "/v1/packs/weather": {"ref": "weather"},
}


class Api(BaseHTTPRequestHandler):
    """Answers by paths."""

    def answer(self, status, document):
        """Send JSON."""
        body = json.dumps(document).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        """What there is; an execution has ended at once, with what it was given as its result."""
        if self.path.startswith("/v1/executions/"):
            with open(os.path.join(DIRECTORY, "asked")) as stream:
                asked = json.loads(stream.readlines()[-1])
            result = {"result": asked["parameters"], "exit_code": 0, "stdout": "", "stderr": ""}
            self.answer(200, {"id": "1", "status": "succeeded", "result": result, "elapsed_seconds": 0.5})
        elif self.path in KNOWN:
            self.answer(200, KNOWN[self.path])
        else:
            self.answer(404, {"faultstring": "not found"})

    def do_POST(self):
        """Start an execution."""
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        with open(os.path.join(DIRECTORY, "asked"), "a") as stream:
            stream.write(asked + "\n")
        self.answer(201, {"id": "1", "status": "requested"})

    def log_message(self, *arguments):
        """Say nothing."""


server = HTTPServer(("127.0.0.1", 0), Api)
server.timeout = 1
with open(os.path.join(DIRECTORY, "port.new"), "w") as written:
    written.write(str(server.server_port))
os.rename(os.path.join(DIRECTORY, "port.new"), os.path.join(DIRECTORY, "port"))
while os.path.isdir(DIRECTORY):
    server.handle_request()
