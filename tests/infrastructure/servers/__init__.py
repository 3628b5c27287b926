# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Real servers on free loopback ports. Each is a context manager, starts in well under a second and logs requests."""

from __future__ import annotations

from .certificates import CertificateAuthority
from .git_daemon import GitDaemon
from .git_https import Faults, GitHttpsServer
from .git_ssh import GitSshServer
from .http_base import HttpServer, Request
from .index_server import Document, IndexServer
from .package_index import PackageIndex, build_sdist, build_wheel
from .proxy import Proxy
from .ssh_server import SshServer
from .static_index import StaticPackageIndex

__all__ = [
    "CertificateAuthority",
    "Document",
    "Faults",
    "GitDaemon",
    "GitHttpsServer",
    "GitSshServer",
    "HttpServer",
    "IndexServer",
    "PackageIndex",
    "Proxy",
    "Request",
    "SshServer",
    "StaticPackageIndex",
    "build_sdist",
    "build_wheel",
]
