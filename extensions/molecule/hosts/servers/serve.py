# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that StackStorm hosts ask: git, an index and a package index by HTTPS; or a proxy.

C(serve.py content) serves all three with certificates of an authority of its own, C(/srv/authority/ca.pem), for the
names that the containers' network gives this host. C(serve.py proxy) is a plain proxy with a user name and a password.
Each request becomes a line of JSON in C(/var/log/requests.jsonl): which server, from where, method, path, status.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import sys
import threading
import typing as t
from pathlib import Path

from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import CertificateAuthority, GitHttpsServer, IndexServer, PackageIndex, Proxy
from packs import RELEASES

ROOT = Path("/srv")
LOG = Path("/var/log/requests.jsonl")
NAMES = ("git.example.test", "index.example.test", "packages.example.test")
GIT_PORT, INDEX_PORT, PACKAGES_PORT, PROXY_PORT = 8443, 8444, 8445, 3128

_writing = threading.Lock()


def reachable(server: t.Type[t.Any], name: str, port: int) -> t.Type[t.Any]:
    """Return a server's class that other hosts can reach, and that writes the log."""
    base = server.handler

    class Logging(base):  # type: ignore[misc, valid-type]  # The class is chosen at run time.
        def note(self, status: int) -> None:
            super().note(status)
            line = {"server": name, "client": self.client_address[0], "method": self.command, "path": self.path}
            with _writing, LOG.open("a") as log:
                log.write(json.dumps({**line, "status": status}) + "\n")

    return type(server.__name__, (server,), {"handler": Logging, "interface": "0.0.0.0", "own_port": port})


def serve_content() -> None:
    """Start the three servers of packs."""
    authority = _authority()
    served = ROOT / "git"
    repositories = []
    for name, trees in RELEASES.items():
        path = served / "packs" / f"stackstorm-{name}.git"
        path.parent.mkdir(parents=True, exist_ok=True)
        repository = GitRepository(path)
        for tree in trees:
            repository.release(tree)
        repositories.append(repository if (path / "HEAD").exists() else repository.build())
    git = f"https://{NAMES[0]}:{GIT_PORT}"
    documents = {"/v1/index.json": index_document(repositories, git, served)}
    reachable(GitHttpsServer, "git", GIT_PORT)(served, authority)
    reachable(IndexServer, "index", INDEX_PORT)(documents, authority)
    packages = reachable(PackageIndex, "packages", PACKAGES_PORT)(ROOT / "packages", authority)
    # What an Exchange serves in any case.
    for name in ("pip", "setuptools", "wheel"):
        packages.add(name, "1.0.0")


def serve_proxy() -> None:
    """Start the proxy that looks into nothing."""
    reachable(Proxy, "proxy", PROXY_PORT)("st2", "s3cret@proxy")


def _authority() -> CertificateAuthority:
    authority = CertificateAuthority(ROOT / "authority", "Authority of example.test")
    context = authority.server_context
    authority.server_context = lambda *_names: context(NAMES)  # type: ignore[method-assign]  # Of this object alone.
    return authority


def main(what: str) -> None:
    """Serve until SIGTERM."""
    stop = (signal.SIGTERM, signal.SIGINT)
    signal.pthread_sigmask(signal.SIG_BLOCK, stop)
    LOG.touch()
    {"content": serve_content, "proxy": serve_proxy}[what]()
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.sendto(b"READY=1", os.environ["NOTIFY_SOCKET"])
    signal.sigwait(stop)


if __name__ == "__main__":
    main(sys.argv[1])
