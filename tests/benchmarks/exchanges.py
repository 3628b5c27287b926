# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""(g) An own Exchange: repositories mirrored and listed, and many hosts that install from it at once."""

from __future__ import annotations

import contextlib
import gzip
import json
import os
import random
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import typing as t
from pathlib import Path

import yaml
from infrastructure.environment import clean_environment
from infrastructure.packs import PackTree
from infrastructure.real_data import real_data
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import CertificateAuthority, GitHttpsServer, IndexServer

from ansible_collections.stackstorm.st2.plugins.plugin_utils.exchange_program import write_program

from .indexes import AT_ONCE
from .world import Row, Table, timed

# The bare repositories of 90 packs of the Exchange have 34 MB.
BYTES = 380_000
PACKS_OF_A_HOST = 3
_NGINX = """\
user {user};
worker_processes 2;
pid {place}/nginx.pid;
error_log {place}/error.log;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    sendfile on;
    client_body_temp_path {place}/body;
    proxy_temp_path {place}/proxy;
    fastcgi_temp_path {place}/fastcgi;
    uwsgi_temp_path {place}/uwsgi;
    scgi_temp_path {place}/scgi;
    server {{ listen 127.0.0.1:{port}; root {root}; location /v1/ {{ root {root}/www; }} }}
}}
"""


class Shape(t.NamedTuple):
    """What a generated pack has: versions, the oldest first, and actions in the newest one."""

    ref: str
    versions: t.Sequence[str]
    actions: int


def real_shapes() -> t.Optional[t.List[Shape]]:
    """The shapes of the packs of the real Exchange; C(None) without ST2_TEST_DATA."""
    folder = real_data()
    if folder is None:
        return None
    packs = json.loads((folder / "exchange" / "index.json").read_text(encoding="utf-8"))["packs"]
    return [_real_shape(ref, entry) for ref, entry in sorted(packs.items())]


def _real_shape(ref: str, entry: t.Mapping[str, t.Any]) -> Shape:
    versions = [one for one in entry.get("versions") or [] if one.count(".") == 2 and one.replace(".", "").isdigit()]
    versions.sort(key=lambda one: [int(part) for part in one.split(".")])
    return Shape(ref, versions or ["1.0.0"], entry.get("content", {}).get("actions", {}).get("count", 0))


def small_shapes(count: int) -> t.List[Shape]:
    """A few shapes, for trying."""
    return [Shape(f"pack{number}", ("1.0.0", "1.1.0"), 3) for number in range(count)]


def measure_exchange(root: Path, shapes: t.Sequence[Shape], hosts: int) -> Table:
    """The table of the question (g)."""
    table = Table(
        f"(g) An own Exchange of {len(shapes)} repositories, {sum(shape.actions for shape in shapes)} actions"
    )
    repositories = [_repository(root / "upstream", shape) for shape in shapes]
    authority = CertificateAuthority(root / "ca")
    with contextlib.ExitStack() as stack:
        git = stack.enter_context(GitHttpsServer(root / "upstream", authority))
        index = stack.enter_context(IndexServer({"/v1/index.json": index_document(repositories, git.url)}))
        exchange = _Exchange(root / "exchange", f"{index.url}/v1/index.json", authority)
        _measure_updates(table, exchange, root, [f"{git.url}/{repository.path.name}" for repository in repositories])
    _weigh(table, exchange.root)
    _measure_hosts(table, exchange.root, root / "hosts", [shape.ref for shape in shapes], hosts)
    return table


def _repository(root: Path, shape: Shape) -> GitRepository:
    """A repository of a shape, in which what cannot be compressed gives it the size of a real one."""
    chance = random.Random(shape.ref)
    repository = GitRepository(root / f"{shape.ref}.git", "master")
    for version in shape.versions:
        is_newest = version == shape.versions[-1]
        tree = PackTree(shape.ref, version, action_count=shape.actions if is_newest else 0, minimal=not is_newest)
        tree.add("payload.bin", chance.randbytes(BYTES // len(shape.versions)))
        repository.release(tree)
    return repository.build()


class _Exchange:
    """An Exchange in a directory, and its program."""

    def __init__(self, place: Path, index_url: str, authority: CertificateAuthority) -> None:
        self.root = place / "data"
        for name in ("hosted", "triggers"):
            (self.root / name).mkdir(parents=True)
        self.ca_file = str(authority.ca_file)
        settings = {
            "url": "https://exchange.example.com",
            "root": str(self.root),
            "index_url": [index_url],
            "ca_bundle": self.ca_file,
        }
        (place / "exchange.yml").write_text(yaml.safe_dump(settings), encoding="utf-8")
        write_program(str(place / "st2-exchange.pyz"))
        self._command = [sys.executable, "-I", place / "st2-exchange.pyz", "--settings", place / "exchange.yml"]
        self._environment = {**clean_environment(place), "TMPDIR": str(place), "PATH": os.environ["PATH"]}

    def run(self, command: str) -> float:
        """Seconds of a command."""
        return timed([*self._command, command], self._environment)


def _processor_seconds() -> float:
    """Seconds that programs have used which ended, and their children."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _measure_updates(table: Table, exchange: _Exchange, root: Path, urls: t.Sequence[str]) -> None:
    (root / "urls").write_text("".join(f"{url} {root}/clones/{number}\n" for number, url in enumerate(urls)))
    (root / "addresses").write_text("".join(f"{url}\n" for url in urls))
    trusting = {"GIT_SSL_CAINFO": exchange.ca_file}
    at_once = ["-P", str(AT_ONCE)]
    clone = ["xargs", "-a", root / "urls", *at_once, "-L", "1", "git", "clone", "--quiet", "--mirror"]
    ask = ["xargs", "-a", root / "addresses", *at_once, "-n", "1", "git", "ls-remote"]
    used: t.List[float] = []

    def add(what: str, run: t.Callable[[], float], against: t.Optional[Row] = None) -> Row:
        before = _processor_seconds()
        row = table.add(what, run(), against)
        used.append(_processor_seconds() - before)
        return row

    cloned = add(f"floor: git clone --mirror of all, {AT_ONCE} at once", lambda: timed(clone, trusting))
    add("update, nothing there before", lambda: exchange.run("update"), cloned)
    asked = add(f"floor: git ls-remote of all, {AT_ONCE} at once", lambda: timed(ask, trusting))
    add("update again", lambda: exchange.run("update"), asked)
    add("build, as after a push", lambda: exchange.run("build"), asked)
    figures = ", ".join(f"{seconds:.1f}" for seconds in used)
    table.notes.append(
        f"Seconds of processors of these lines, with those of the git servers on the same machine: {figures}."
    )


def _weigh(table: Table, root: Path) -> None:
    """What is published, in bytes."""
    page = (root / "www" / "index.html").read_bytes()
    index = (root / "www" / "v1" / "index.json").read_bytes()
    packs = sorted(len(path.read_bytes()) for path in (root / "www" / "packs").glob("*/index.html"))
    git = sum(path.stat().st_size for path in (root / "git").rglob("*") if path.is_file())
    table.notes.append(
        f"index.html {_kilobytes(page)}, index.json {_kilobytes(index)}; page of a pack: median "
        f"{statistics.median(packs) / 1000:.0f} KB, largest {packs[-1] / 1000:.0f} KB; repositories {git / 1e6:.0f} MB."
    )


def _kilobytes(content: bytes) -> str:
    return f"{len(content) / 1000:.0f} KB ({len(gzip.compress(content)) / 1000:.0f} KB with gzip)"


def _measure_hosts(table: Table, root: Path, place: Path, refs: t.Sequence[str], hosts: int) -> None:
    """Hosts that clone packs at once, from nginx, which knows nothing of git."""
    place.mkdir()
    program = shutil.which("nginx", path=os.pathsep.join([os.environ["PATH"], "/usr/sbin"]))
    if not program:
        table.notes.append("There is no nginx here, so no hosts installed from it.")
        return
    with _nginx(program, root, place) as (url, used):
        _clone(url, place, "warm", refs, 1)
        one = table.add(f"one host clones {PACKS_OF_A_HOST} packs from nginx", _clone(url, place, "first", refs, 1))
        before = used()
        many = _clone(url, place, "all", refs, hosts)
        table.add(f"{hosts} hosts clone {PACKS_OF_A_HOST} packs each at once", many, one)
        table.notes.append(
            f"nginx used {used() - before:.2f} s of processors for {hosts * PACKS_OF_A_HOST} clones; git of the hosts "
            "used the rest, on the same machine."
        )


def _clone(url: str, place: Path, name: str, refs: t.Sequence[str], hosts: int) -> float:
    """Seconds until each host has the index and its packs."""
    lines = []
    for host in range(hosts):
        folder = place / f"{name}-{host}"
        folder.mkdir()
        chosen = [refs[(host * PACKS_OF_A_HOST + number) % len(refs)] for number in range(PACKS_OF_A_HOST)]
        commands = [f"git clone --quiet {url}/git/{ref}.git {folder}/{number}" for number, ref in enumerate(chosen)]
        lines.append(" && ".join(commands))
    (place / name).write_text("".join(f"{line}\0" for line in lines))
    return timed(["xargs", "-0", "-a", place / name, "-P", str(hosts), "-n", "1", "sh", "-c"], {})


@contextlib.contextmanager
def _nginx(program: str, root: Path, place: Path) -> t.Iterator[t.Tuple[str, t.Callable[[], float]]]:
    """nginx at a socket that is open already, so that nobody has to wait for it.

    :returns: Its address, and what tells the seconds of processors that it has used.
    """
    with socket.create_server(("127.0.0.1", 0), backlog=512) as listening:
        listening.setblocking(False)  # nginx leaves a socket that it inherits as it is, and would wait in accept
        port = listening.getsockname()[1]
        user = "root" if os.geteuid() == 0 else "nobody"
        (place / "nginx.conf").write_text(_NGINX.format(user=user, place=place, root=root, port=port), encoding="utf-8")
        number = listening.fileno()
        process = subprocess.Popen(
            [program, "-p", f"{place}/", "-e", f"{place}/error.log", "-c", f"{place}/nginx.conf", "-g", "daemon off;"],
            pass_fds=[number],
            env={**os.environ, "NGINX": f"{number};"},
        )
        try:
            yield f"http://127.0.0.1:{port}", lambda: _used_by(process.pid)
        finally:
            process.terminate()
            process.wait()


def _used_by(pid: int) -> float:
    """Seconds of processors that a process and its children have used."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    total = 0
    for one in (str(pid), *children):
        fields = Path(f"/proc/{one}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
        total += int(fields[11]) + int(fields[12])
    return total / os.sysconf("SC_CLK_TCK")
