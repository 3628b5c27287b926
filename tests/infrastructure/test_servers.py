# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The servers of the tests, asked by real git, curl's place taken by urllib, and real pip."""

from __future__ import annotations

import contextlib
import gzip
import http.client
import json
import os
import shutil
import ssl
import subprocess
import sys
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository
from infrastructure.servers import (
    CertificateAuthority,
    Document,
    Faults,
    GitDaemon,
    GitHttpsServer,
    GitSshServer,
    IndexServer,
    PackageIndex,
    Proxy,
)
from infrastructure.servers.ssh_server import find_sshd


@pytest.fixture(scope="module")
def ca(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> GitRepository:
    root = tmp_path_factory.mktemp("srv")
    (root / "group").mkdir()
    repository = GitRepository(root / "group" / "demo.git")
    repository.release(PackTree("demo", "1.0.0"))
    repository.release(PackTree("demo", "1.1.0"))
    return repository.build()


def root_of(repository: GitRepository) -> Path:
    return repository.path.parent.parent


class Git:
    """git as a client would run it, in a directory of its own."""

    def __init__(self, directory: Path, **environment: str) -> None:
        self.directory = directory
        self.environment = clean_environment(GIT_TERMINAL_PROMPT="0", **environment)
        self.stderr = ""

    def __call__(self, *arguments: str, timeout: float = 60) -> bool:
        command = ["git", *arguments]
        done = subprocess.run(
            command,
            cwd=self.directory,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        self.stderr = done.stderr
        return done.returncode == 0


def test_https_serves_full_and_partial_fetches_to_git(
    ca: CertificateAuthority, served: GitRepository, tmp_path: Path
) -> None:
    git = Git(tmp_path, GIT_SSL_CAINFO=str(ca.ca_file))
    with GitHttpsServer(root_of(served), ca) as server:
        assert git("clone", "-q", f"{server.url}/group/demo", "one"), git.stderr
        assert git("-c", "protocol.version=0", "clone", "-q", f"{server.url}/group/demo.git", "two"), git.stderr
        assert git("clone", "-q", "--depth=1", f"{server.url}/group/demo", "three"), git.stderr
        assert git("clone", "-q", "--filter=blob:none", f"{server.url}/group/demo", "four"), git.stderr
        assert git("-C", "three", "fetch", "-q", "origin", served.tags["v1.0.0"].sha), git.stderr
        assert not git("clone", "-q", f"{server.url}/group/nothing", "five")
        assert {request.status for request in server.requests} == {200, 404}
        assert {request.authenticated for request in server.requests} == {False}
        assert set(server.fetches) == {"group/demo", "group/demo.git"} and not server.quiet
        server.clear()
        assert server.quiet and server.fetches == []
        assert not Git(tmp_path)("clone", "-q", f"{server.url}/group/demo", "six"), "its certificate is unknown"
        assert server.connections and not server.requests
    for name in ("one", "two", "three", "four"):
        assert (tmp_path / name / "pack.yaml").read_text() == served.head.files["pack.yaml"].content.decode()


def test_compressed_and_chunked_requests_are_taken(ca: CertificateAuthority, served: GitRepository) -> None:
    # git sends these when a request is long; here it is the listing of refs in protocol 2, short.
    listing = b"0014command=ls-refs\n0001" + b"001bref-prefix refs/heads/\n" + b"0000"
    headers = {"Content-Type": "application/x-git-upload-pack-request", "Git-Protocol": "version=2"}
    with GitHttpsServer(root_of(served), ca) as server:
        connection = http.client.HTTPSConnection("127.0.0.1", server.port, context=ca.client_context())
        bodies: t.List[t.Tuple[t.Any, t.Dict[str, str]]] = [
            (listing, {}),
            (gzip.compress(listing), {"Content-Encoding": "gzip"}),
            (iter([listing[:9], listing[9:]]), {"Transfer-Encoding": "chunked"}),
        ]
        for body, more in bodies:
            chunked = "Transfer-Encoding" in more
            path = "/group/demo/git-upload-pack"
            connection.request("POST", path, body, {**headers, **more}, encode_chunked=chunked)
            answer = connection.getresponse()
            assert served.head.sha.encode() in answer.read() and answer.status == 200
        connection.close()
        assert server.connections == 1 and len(server.fetches) == 3


def test_https_asks_for_a_password(ca: CertificateAuthority, served: GitRepository, tmp_path: Path) -> None:
    git = Git(tmp_path, GIT_SSL_CAINFO=str(ca.ca_file))
    with GitHttpsServer(root_of(served), ca, "reader", "s3cret") as server:
        address = f"127.0.0.1:{server.port}/group/demo"
        assert not git("clone", "-q", f"https://{address}", "a") and "could not read Username" in git.stderr
        assert not git("clone", "-q", f"https://reader:wrong@{address}", "a") and "Authentication failed" in git.stderr
        assert git("clone", "-q", f"https://reader:s3cret@{address}", "a"), git.stderr
        statuses = [(request.status, request.authenticated) for request in server.requests]
        assert statuses.count((401, False)) == 3 and (401, True) in statuses and (200, True) in statuses
    with GitHttpsServer(root_of(served), ca, "u", "p", private=lambda path: "/secret" in path) as server:
        assert git("clone", "-q", f"{server.url}/group/demo", "b"), git.stderr


def test_https_fails_on_demand(ca: CertificateAuthority, served: GitRepository, tmp_path: Path) -> None:
    git = Git(tmp_path, GIT_SSL_CAINFO=str(ca.ca_file))
    with GitHttpsServer(root_of(served), ca) as server, GitHttpsServer(root_of(served), ca) as other:
        url = f"{server.url}/group/demo"
        server.faults.die_after = 1000
        assert not git("clone", "-q", url, "a") and "early EOF" in git.stderr
        assert git("ls-remote", "-q", url), "only the answer with the pack is cut"
        server.faults = Faults(status=503)
        assert not git("clone", "-q", url, "a") and "503" in git.stderr
        server.faults = Faults(status=503, applies_to=lambda path: "elsewhere" in path)
        assert git("ls-remote", "-q", url)
        server.faults = Faults(status=503, times=1)
        assert not git("ls-remote", "-q", url) and git("ls-remote", "-q", url)
        server.faults = Faults(redirect_to=other.url)
        git("clone", "-q", url, "a")
        assert other.requests and other.requests[0].path.startswith("/group/demo/info/refs")
        server.faults = Faults(delay=0.5)
        started = time.monotonic()
        assert git("ls-remote", "-q", url) and time.monotonic() - started > 0.5
        server.faults = Faults(hang=True)
        with pytest.raises(subprocess.TimeoutExpired):
            git("ls-remote", "-q", url, timeout=1)
    # Here the server has ended, with a request that waits for ever.


def test_ssh_lets_in_the_deploy_key_to_read(served: GitRepository, tmp_path: Path) -> None:
    if find_sshd() is None:
        pytest.skip("sshd is missing: install openssh-server")
    with GitSshServer(root_of(served), tmp_path / "ssh") as server:
        command = server.client_command()
        git = Git(tmp_path, GIT_SSH_COMMAND=command)
        assert server.connections == 0
        assert git("clone", "-q", f"{server.url}/group/demo", "a"), git.stderr
        assert server.fetches == ["group/demo"] and server.connections == 1
        assert not git("-C", "a", "push", "-q", "origin", "HEAD:other") and "only git-upload-pack" in git.stderr
        assert not git("clone", "-q", f"{server.url}/../{tmp_path.name}", "b") and "no such repository" in git.stderr
        shell = subprocess.run(
            [*command.split(), "-p", str(server.port), f"{server.user}@127.0.0.1", "id"],
            capture_output=True,
            text=True,
            check=False,
        )
        assert shell.returncode == 128 and "uid=" not in shell.stdout
        stranger = Git(tmp_path, GIT_SSH_COMMAND=command.replace(str(server.key_file), str(server.stranger_key_file)))
        assert not stranger("clone", "-q", f"{server.url}/group/demo", "b") and "Permission denied" in stranger.stderr
        wrong = command.replace(str(server.known_hosts_file), str(server.wrong_known_hosts_file))
        unknown = Git(tmp_path, GIT_SSH_COMMAND=wrong)
        assert not unknown("clone", "-q", f"{server.url}/group/demo", "b")
        assert "Host key verification failed" in unknown.stderr
        port = server.port
    assert not git("ls-remote", f"ssh://127.0.0.1:{port}/group/demo"), "it has stopped"


def test_git_daemon_serves(served: GitRepository, tmp_path: Path) -> None:
    git = Git(tmp_path)
    with GitDaemon(root_of(served), tmp_path) as server:
        url = f"{server.url}/group/demo"
        assert server.fetches == []
        assert git("clone", "-q", url, "a"), git.stderr
        assert server.fetches == ["group/demo"]
    assert not git("ls-remote", url)


def get(
    url: str, ca: t.Optional[CertificateAuthority] = None, timeout: float = 20, **headers: str
) -> t.Tuple[int, bytes]:
    """Return status and body; an answer that is cut off raises."""
    handlers: t.List[t.Any] = [urllib.request.ProxyHandler({})]
    if ca:
        handlers.append(urllib.request.HTTPSHandler(context=ca.client_context()))
    opener = urllib.request.build_opener(*handlers)
    try:
        with contextlib.closing(opener.open(urllib.request.Request(url, headers=headers), timeout=timeout)) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read()


BASIC = "Basic cmVhZGVyOnMzY3JldA=="  # reader:s3cret


def test_an_index_is_served_with_and_without_password(ca: CertificateAuthority) -> None:
    index = {"packs": {"demo": {"version": "1.0.0"}}}
    with IndexServer(
        {"/v1/index.json": index, "/text": "{}", "/call": lambda request: {"path": request.path}}
    ) as server:
        assert json.loads(get(f"{server.url}/v1/index.json")[1]) == index
        assert get(f"{server.url}/text") == (200, b"{}") and get(f"{server.url}/none")[0] == 404
        assert json.loads(get(f"{server.url}/call?a=1")[1]) == {"path": "/call?a=1"}
        server.documents["/text"] = b"changed"
        assert get(f"{server.url}/text") == (200, b"changed")
    with IndexServer({"/": index}, ca, "reader", "s3cret") as server:
        assert server.url.startswith("https://")
        assert get(server.url, ca)[0] == 401 and get(server.url, ca, Authorization="Basic bm8=")[0] == 401
        assert get(server.url, ca, Authorization=BASIC)[0] == 200
        assert [(r.status, r.authenticated) for r in server.requests] == [(401, False), (401, True), (200, True)]
        with pytest.raises(urllib.error.URLError):
            get(server.url)


def test_a_client_that_speaks_the_wrong_protocol_breaks_nothing(ca: CertificateAuthority) -> None:
    with IndexServer({"/": {}}) as plain, IndexServer({"/": {}}, ca) as secure:
        with pytest.raises(urllib.error.URLError):
            get(plain.url.replace("http:", "https:"), ca)
        with pytest.raises((OSError, http.client.HTTPException)):
            get(secure.url.replace("https:", "http:"))
        assert get(plain.url)[0] == 200 and get(secure.url, ca)[0] == 200
        assert plain.requests[-1].status == 200 and len(secure.requests) == 1


def test_an_index_misbehaves_on_demand() -> None:
    documents = {
        "/slow": Document({}, delay=0.3),
        "/drip": Document("0123456789", drip=0.05, drip_size=5),
        "/hang": Document({}, hang=True),
        "/cut": Document("0123456789", truncate=5),
        "/error": Document("no", status=503, content_type="text/html"),
        "/huge": Document({}, filler=5_000_000),
        "/away": Document(redirect_to="/drip"),
    }
    with IndexServer(documents) as server:
        started = time.monotonic()
        assert get(f"{server.url}/slow") == (200, b"{}") and time.monotonic() - started > 0.3
        assert get(f"{server.url}/drip") == (200, b"0123456789")
        assert get(f"{server.url}/away") == (200, b"0123456789")
        assert get(f"{server.url}/error") == (503, b"no")
        assert len(get(f"{server.url}/huge")[1]) == 5_000_002
        with pytest.raises(Exception, match="IncompleteRead"):
            get(f"{server.url}/cut")
        with pytest.raises(OSError, match="timed out"):
            get(f"{server.url}/hang", timeout=0.3)
    # Here the server has ended, with a request that waits for ever.


def test_a_certificate_can_be_over_or_for_another(ca: CertificateAuthority) -> None:
    for names, days in ((("localhost", "127.0.0.1"), 0), (("elsewhere.example.com",), 30)):
        with IndexServer({"/": {}}) as server:
            server.tls = ca.server_context(names, days)
            time.sleep(1.1 if days == 0 else 0)
            with pytest.raises(urllib.error.URLError) as error:
                get(server.url, ca)
            assert isinstance(error.value.reason, ssl.SSLCertVerificationError)


def test_a_proxy_tunnels_and_forwards(ca: CertificateAuthority, served: GitRepository, tmp_path: Path) -> None:
    with GitHttpsServer(root_of(served), ca) as server, IndexServer({"/i": {}}) as index:
        routes = {"github.com:443": ("127.0.0.1", server.port)}
        with Proxy("me", "pw", routes) as proxy:
            git = Git(tmp_path, GIT_SSL_CAINFO=str(ca.ca_file), https_proxy=proxy.authenticated_url)
            assert git("clone", "-q", "https://github.com/group/demo", "a"), git.stderr
            assert proxy.destinations == ["github.com:443"] and server.fetches
            assert not Git(tmp_path, https_proxy=proxy.url)("ls-remote", "https://github.com/group/demo")
            opener = urllib.request.build_opener(urllib.request.ProxyHandler({"http": proxy.authenticated_url}))
            assert opener.open(f"{index.url}/i", timeout=20).read() == b"{}"
            assert proxy.destinations[-1] == f"127.0.0.1:{index.port}"
            proxy.refused.add("github.com:443")
            assert not git("ls-remote", "https://github.com/group/demo") and "403" in git.stderr
            assert {(r.method, r.status) for r in proxy.requests} == {
                *(("CONNECT", 200), ("CONNECT", 407), ("CONNECT", 403)),
                *(("GET", 200),),
            }


def test_pip_and_uv_install_from_the_package_index(tmp_path: Path) -> None:
    with PackageIndex(tmp_path / "packages") as index:
        index.add("fresh", "0.1.0", requires=["tinydep<2"], code="ANSWER = 42\n")
        environment = clean_environment(tmp_path, **index.environment())
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-cache-dir", "--target"]
        run = subprocess.run
        run([*pip, str(tmp_path / "a"), "fresh", "six>=1.9.0,<2.0"], env=environment, check=True)
        assert {path.name for path in (tmp_path / "a").glob("*.py")} == {"fresh.py", "tinydep.py", "six.py"}
        assert '"1.0.0"' in (tmp_path / "a" / "tinydep.py").read_text()
        missing = run(
            [*pip, str(tmp_path / "b"), "nosuchdep"], env=environment, capture_output=True, text=True, check=False
        )
        assert missing.returncode and "No matching distribution found for nosuchdep" in missing.stderr
        conflict = run(
            [*pip, str(tmp_path / "c"), "conflictdep", "tinydep==2.0.0"],
            env=environment,
            capture_output=True,
            check=False,
        )
        assert conflict.returncode and b"ResolutionImpossible" in conflict.stderr
        assert any(request.path == "/simple/fresh/" for request in index.requests)
        uv = shutil.which("uv", path=os.path.dirname(sys.executable)) or shutil.which("uv")
        if uv:
            run([uv, "pip", "install", "-q", "--target", str(tmp_path / "d"), "middledep"], env=environment, check=True)
            assert '"2.0.0"' in (tmp_path / "d" / "tinydep.py").read_text()
    with PackageIndex(tmp_path / "packages", username="reader", password="s3cret") as index:
        assert get(index.index_url)[0] == 401 and get(index.index_url, Authorization=BASIC)[0] == 200
