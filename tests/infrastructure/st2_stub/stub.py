# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""`StackStormStub`: a server that answers as StackStorm 3.9.0 does, and what tests read and order of it."""

from __future__ import annotations

import typing as t
from pathlib import Path

from ..repositories import GitRepository
from ..servers import CertificateAuthority
from .accounts import Account, Accounts
from .api import Api
from .config_endpoints import ConfigEndpoints
from .database import RESOURCES, Database, Record
from .database_snapshot import Snapshot, comparable
from .downloads import Downloads
from .executions import Executions
from .faults import Fault, ProgramFault, order
from .pack_endpoints import PackEndpoints
from .pack_index import Entry, PackIndex
from .paths import HostPaths
from .registrars import register
from .resource_endpoints import ResourceEndpoints
from .server import Answer, Request, StubServer
from .service_endpoints import ServiceEndpoints
from .triggers import add_internal_types, shown_rule
from .workflows import Actions

ADMIN = Account("st2admin", "admin-password-xyzzy", "admin-api-key-xyzzy")
OBSERVER = Account("observer", "observer-password-xyzzy", "observer-api-key-xyzzy", role="observer")

Repository = t.Union[GitRepository, str, Path]
Resources = t.Dict[str, t.Dict[str, Record]]


class StackStormStub:
    """A stand-in for StackStorm on the directories of a host, from construction to `stop` (or the end of ``with``).

    :arg host: a `ScratchHost`. Its packs, configs and overrides are what is registered.
    :arg index: pack names to repositories (or index entries), for ``POST /packs/install`` and the index.
    :arg index_urls: index documents to fetch in place of ``index``.
    :arg repositories: further URLs that can be cloned, to where their repositories are. Paths and file:// URLs need
        no entry; nothing else is reached.
    :arg auth: whether one has to say who one is.
    :arg rbac: whether `OBSERVER` is refused what the role observer lacks; without, everybody is an admin.
    :arg ca: an authority, for TLS.
    :arg own_auth_port: let st2auth have a port of its own, as without nginx.
    :arg ports: of st2api and st2auth; any free ones by default.
    :arg register_all: register what the host has, its system packs among it, before the first request; what cannot be
        registered is left out.
    :arg database: the file of the database, which nodes of a cluster share; one of its own by default.

    * ``requests``: every `Request` as it came. Its repr shows no values.
    * ``faults``: the misbehaviour ordered (see ``faults.py``); append to it, clear it.
    * ``executions``: how executions go on: ``polls_until_done``, ``endless``, ``finish()``.
    * ``accounts``: who may do what.
    * ``index``: the pack index; its ``packs`` and ``urls`` may be changed.
    * ``database``: the `Database`; its file is shared with ``st2-register-content``.
    """

    def __init__(
        self,
        host: t.Any,
        index: t.Optional[t.Mapping[str, t.Union[GitRepository, Entry]]] = None,
        index_urls: t.Sequence[str] = (),
        repositories: t.Optional[t.Mapping[str, Repository]] = None,
        auth: bool = True,
        rbac: bool = False,
        ca: t.Optional[CertificateAuthority] = None,
        own_auth_port: bool = False,
        ports: t.Tuple[int, int] = (0, 0),
        register_all: bool = True,
        database: t.Optional[Path] = None,
    ) -> None:
        self.host = host
        self.paths = HostPaths.of(host)
        # Beside the host and not in it: a snapshot of the host shall not see it.
        self.database = Database(database or host.root.with_name(f"{host.root.name}.st2-database.json"))
        self.accounts = Accounts([ADMIN, OBSERVER], auth, rbac)
        self.executions = Executions(self.database)
        self.index = PackIndex(index or {}, index_urls)
        known: t.Dict[str, Repository] = {
            f"file://{pack.path}": pack for pack in (index or {}).values() if isinstance(pack, GitRepository)
        }
        self.downloads = Downloads(self.paths, self.index, {**known, **(repositories or {})}, host.version)
        self.requests: t.List[Request] = []
        self.faults: t.List[Fault] = []
        add_internal_types(self.database)
        if register_all:
            register(self.paths, self.database, fail_on_failure=False, once=True)
        tls = ca.server_context() if ca else None
        self._server = StubServer(self._answer, self.requests, self.faults, tls, ports[0])
        self.api_url = self._server.url
        actions = Actions(self.paths, self.database, self.executions, self.downloads, self.accounts, self.api_url)
        service = ServiceEndpoints(self.database, self.accounts, self.executions, actions, host.version)
        packs = PackEndpoints(self.database, self.paths, self.index, actions, self.accounts)
        configs = ConfigEndpoints(self.database, self.paths)
        self._resources = ResourceEndpoints(self.database, self.paths, self.accounts)
        routes = [*service.routes(), *packs.routes(), *configs.routes(), *self._resources.routes()]
        self._auth_server: t.Optional[StubServer] = None
        self.auth_url = f"{self.api_url}/auth"
        if own_auth_port:
            auth_api = Api(self.accounts, service.auth_routes())
            self._auth_server = StubServer(auth_api.answer, self.requests, self.faults, tls, ports[1])
            self.auth_url = self._auth_server.url
        else:
            routes += service.auth_routes()
        self._api = Api(self.accounts, routes)

    def _answer(self, request: Request) -> Answer:
        with self.database.session():
            return self._api.answer(request)

    # What a client needs

    @property
    def packs_path(self) -> Path:
        """Where packs are installed."""
        return self.paths.packs

    @property
    def configs_path(self) -> Path:
        """Where the packs' configs are."""
        return self.paths.base_path / "configs"

    @property
    def overrides_path(self) -> Path:
        """Where the override files are."""
        return self.paths.overrides

    @property
    def api_key(self) -> str:
        """The API key of the admin."""
        return ADMIN.api_key

    @property
    def username(self) -> str:
        """The name of the admin."""
        return ADMIN.username

    @property
    def password(self) -> str:
        """The password of the admin."""
        return ADMIN.password

    def token(self, account: Account = ADMIN, ttl: float = 86400) -> str:
        """Return a new token for an account; with a negative ttl, one that is over."""
        return self.accounts.new_token(account, ttl).token

    # Reading back

    def pack(self, ref: str) -> t.Optional[Record]:
        """Return the pack that the database has; None where it has none."""
        return self.database.find("packs", ref)

    def packs(self) -> t.List[str]:
        """Return the refs of the packs that the database has, sorted."""
        return sorted(str(pack["ref"]) for pack in self.database.all("packs"))

    def config(self, ref: str) -> t.Optional[Record]:
        """Return the values of a pack's config in the database, secrets in clear; None where it has none."""
        found = self.database.find("configs", ref)
        return None if found is None else t.cast("Record", found["values"])

    def config_schema(self, ref: str) -> t.Optional[Record]:
        """Return the config schema in the database; None where it has none."""
        found = self.database.find("config_schemas", ref)
        return None if found is None else t.cast("Record", found["attributes"])

    def resources(self, ref: str) -> Resources:
        """Return the resources of a pack in the database by kind (``actions``, ``sensors``, ...) and name."""
        found = {kind: {doc["name"]: doc for doc in self.database.all(kind, pack=ref)} for kind in RESOURCES}
        found["rules"] = {name: shown_rule(self.database, rule) for name, rule in found["rules"].items()}
        return found

    def database_snapshot(self, *packs: str) -> Snapshot:
        """Return all that the database has, or what is of these packs, in a form that can be compared.

        By kind: ``packs``, ``configs`` and ``config_schemas`` by ref, and resources (``actions``, ``rules``, ...) by
        their ``pack.name``, as the API shows them without ids. The trigger of a rule that has lost it is None.
        """
        found = self.database.everything(packs)
        rules = [shown_rule(self.database, rule) for rule in found["rules"].values()]
        return comparable({**found, "rules": {str(rule["ref"]): rule for rule in rules}})

    def asked(self, method: str, path: str) -> t.List[Request]:
        """Return the requests of one method whose path ends so, such as ``asked("POST", "/packs/register")``."""
        return [each for each in self.requests if each.method == method and each.path.rstrip("/").endswith(path)]

    # Ordering

    def register(self, *packs: str, types: t.Sequence[str] = ("all",)) -> t.Dict[str, int]:
        """Register packs without a request; all of them when none is named. Raises what registration raises."""
        return register(self.paths, self.database, types, packs)

    def make(self, kind: str, document: t.Mapping[str, t.Any]) -> Record:
        """Make a resource as people do, by hand, without a request; return it.

        :arg kind: ``actions``, ``rules``, ``aliases`` or ``policies``.
        :arg document: what a metadata file would say, and the ``pack``.

        Raises what StackStorm has against it.
        """
        with self.database.session():
            return self._resources.make(kind, document, ADMIN.username)

    def refuse(self, ref: str, message: str = "RunnerType nosuch-runner is not found.", kind: str = "actions") -> None:
        """Let the registration of one kind of a pack's resources fail from now on.

        By the API and ``st2-register-content``; what comes before that kind stays registered. The pack has to have
        something of the kind.
        """
        self.database.put("refusals", ref, {"message": message, "kind": kind, "dies": False})

    def accept(self, ref: str) -> None:
        """Take a `refuse` or `die_at` back."""
        self.database.delete("refusals", ref)

    def die_at(self, ref: str, kind: str) -> None:
        """Let st2api, or ``st2-register-content``, die once where it comes to one kind of a pack's resources.

        What it has done until then stays. The client finds its connection reset, or the program killed. The API answers
        again at once.
        """
        self.database.put("refusals", ref, {"message": "", "kind": kind, "dies": True})

    def order(self, fault: ProgramFault) -> None:
        """Let ``st2-register-content`` meet a fault (see `ProgramFault`), on whichever host it runs."""
        order(self.database, fault)

    def finish_late_work(self) -> None:
        """Do what a gateway has given up waiting for."""
        self._server.do_late_work(everything=True)

    def install_register_content(self, host: t.Any = None) -> Path:
        """Put ``st2-register-content`` into a host's service, on this database; return its path.

        :arg host: another host of the same StackStorm; the one that the stand-in was made with by default.
        """
        return t.cast(Path, (host or self.host).add_register_content(self.database.path))

    def give_access(self, host: t.Any, account: Account = ADMIN) -> t.Dict[str, str]:
        """Write the config of the st2 client into a host's home; return the environment of programs there.

        Any number of hosts may have access.
        """
        path = host.home / ".st2" / "config"
        path.parent.mkdir(exist_ok=True)
        lines = ["[credentials]", f"api_key = {account.api_key}", "[api]", f"url = {self.api_url}/v1"]
        path.write_text("\n".join([*lines, "[auth]", f"url = {self.auth_url}/v1", ""]))
        path.chmod(0o600)
        return t.cast("t.Dict[str, str]", host.environment(HOME=str(host.home)))

    def stop(self) -> None:
        """End the servers. Raises what went wrong in them."""
        try:
            if self._auth_server is not None:
                self._auth_server.stop()
        finally:
            self._server.stop()

    def __enter__(self) -> StackStormStub:
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()
