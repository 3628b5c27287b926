# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role proxy: the files of services and packs, the store of authorities, and who served what."""

from __future__ import annotations

import json
import shutil
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.roles import Site, changes, warned
from e2e.scene import INDEX, STATE
from infrastructure.ansible_run import PlayResult
from infrastructure.packs import PackTree
from infrastructure.repositories import GitRepository, index_document
from infrastructure.servers import CertificateAuthority, GitHttpsServer, IndexServer, PackageIndex, Proxy
from infrastructure.warm_modules import warm_modules

RUNNERS = ["st2actionrunner@1", "st2actionrunner@2"]
ALL = [*RUNNERS, "st2api", "st2sensorcontainer"]
PROXY = "http://proxy.example.com:3128"
PASSWORD = "c4n@ry w/rd:%"
ENCODED = "c4n%40ry%20w%2Frd%3A%25"
NO_PROXY = "localhost,127.0.0.1,::1"
# contrib/packs/config.schema.yaml of StackStorm
SCHEMA = {
    **{name: {"type": "string"} for name in ("http_proxy", "https_proxy", "proxy_ca_bundle_path")},
    "no_proxy": {"type": "string", "default": "localhost, 127.0.0.1"},
}
THEIRS = 'WORKERS=4\n# Ours.\nDAEMON_ARGS="--config-file /etc/st2/st2.conf \\\n  --debug"\nhttps_proxy=http://theirs:1'


class ProxySite(Site):
    """A host, the store of authorities of its system, and what it may reach."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        (self.host.packs / "packs" / "config.schema.yaml").write_text(yaml.safe_dump(SCHEMA))
        self.authorities, self.certificates, public = root / "authorities", root / "certificates", root / "public"
        for folder in (self.authorities, self.certificates, public, root / "hooks"):
            folder.mkdir()
        # As every system has some.
        shutil.copy(CertificateAuthority(root / "ca", "Public").ca_file, public / "public.crt")
        (public / "conf").write_text("public.crt\n")
        self.bundle = self.certificates / "ca-certificates.crt"
        update = ["sh", "-c", f"cat {public}/*.crt {self.authorities}/*.crt > {self.bundle} 2>&-; true"]
        program = shutil.which("update-ca-certificates", path="/usr/sbin:/usr/bin")
        if program:
            places = {"localcertsdir": self.authorities, "etccertsdir": self.certificates, "certsdir": public}
            places.update(hooksdir=root / "hooks", certsconf=public / "conf")
            update = [program, *(text for name, path in places.items() for text in (f"--{name}", str(path)))]
        subprocess.run(update, check=True, capture_output=True)
        self.public = self.trusted()
        store = {"directory": str(self.authorities), "bundle": str(self.bundle), "refresh": update}
        store["forget"] = [*update, "--fresh"] if program else update
        self.stores = {"Debian": store, "RedHat": store}
        self.variables["st2_proxy_probe"] = []
        # So that what the system is is found out once.
        facts = {"ANSIBLE_CACHE_PLUGIN": "jsonfile", "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(root / "facts")}
        self.environment.update(facts)

    def run(
        self,
        tasks: t.Sequence[t.Mapping[str, t.Any]],
        check: bool = False,
        arguments: t.Sequence[str] = (),
        **variables: t.Any,
    ) -> PlayResult:
        """Run tasks with this site's store."""
        stores = json.dumps({"__st2_proxy_stores": self.stores})
        return super().run(tasks, check, [*arguments, "-e", stores], **variables)

    def file(self, service: str) -> Path:
        """The environment file of a service."""
        return self.host.root / "etc" / "default" / service

    def environment_of(self, service: str) -> t.Dict[str, str]:
        """What a service gets of its file, by a shell, which reads these values as systemd does."""
        script = f'set -a; [ ! -e "{self.file(service)}" ] || . "{self.file(service)}"; env -0'
        found = subprocess.run(["sh", "-c", script], env={}, capture_output=True, check=True).stdout.decode()
        variables = dict(line.split("=", 1) for line in found.split("\0") if line)
        return {name: value for name, value in variables.items() if name not in ("PWD", "OLDPWD", "SHLVL", "_")}

    @property
    def config(self) -> t.Optional[t.Dict[str, t.Any]]:
        """The config of the pack packs, None where there is no file."""
        path = self.host.configs / "packs.yaml"
        return yaml.safe_load(path.read_text()) if path.exists() else None

    def trusted(self) -> t.Dict[str, bytes]:
        """All that the system has made of its store."""
        return {path.name: path.read_bytes() for path in self.certificates.iterdir()}

    def authorities_known(self) -> bool:
        """Whether each file of the store has one certificate, which is in the bundle."""
        texts = [path.read_text().strip() for path in self.authorities.glob("*.crt")]
        return all(text.count("BEGIN") == 1 and text in self.bundle.read_text() for text in texts)

    def files(self) -> t.Dict[str, t.Tuple[int, bytes]]:
        """All files that the role may touch, with their modes."""
        folders = (self.host.root / "etc", self.host.configs, self.authorities)
        paths = [path for folder in folders for path in folder.rglob("*") if ".stackstorm.st2" not in path.parts]
        return {str(path): (path.stat().st_mode, path.read_bytes()) for path in paths if path.is_file()}


@pytest.fixture
def site(tmp_path: Path) -> t.Iterator[ProxySite]:
    found = ProxySite(tmp_path)
    yield found
    found.stop()


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> str:
    """Two authorities in one text, with what else there may be in such a file."""
    folder = tmp_path_factory.mktemp("chain")
    found = [CertificateAuthority(folder / name, f"Authority {name}").ca_file.read_text() for name in ("a", "b")]
    return f"# The first\n{found[0]}\nThe second:\n{found[1].strip()}"


def test_by_default_nothing_is_touched(site: ProxySite) -> None:
    before = site.host.snapshot(identity=True)
    for check in (True, False):
        play = site.play("proxy", check=check)
        assert play.rc == 0 and changes(play) == [], play.stdout
    assert site.host.snapshot(identity=True) == before and site.systemd.told == []


def test_for_packs_only_there_and_back(site: ProxySite) -> None:
    before = site.files()
    done = site.converge("proxy", st2_https_proxy=PROXY, st2_no_proxy=["git.example.com"])
    assert site.config == {"https_proxy": PROXY, "no_proxy": f"{NO_PROXY},git.example.com"}
    assert (site.host.configs / "packs.yaml").stat().st_mode & 0o777 == 0o640
    assert site.stackstorm.config("packs") == site.config
    assert changes(done) == ["Set the proxy in the config of the packs pack"]
    assert site.play("proxy", st2_http_proxy=PROXY).rc == 0
    assert site.config == {"http_proxy": PROXY, "no_proxy": NO_PROXY}
    site.converge("proxy", st2_proxy_state="absent", st2_http_proxy=PROXY)
    assert site.files() == before and not site.stackstorm.config("packs")


def test_other_keys_of_the_config_stay(site: ProxySite) -> None:
    path = site.host.configs / "packs.yaml"
    path.write_text("---\n# Ours.\nother: 1  # one\nlast: x")
    path.chmod(0o640)
    before = path.read_bytes()
    assert site.play("proxy", st2_https_proxy=PROXY).rc == 0
    assert path.read_bytes().startswith(before) and (site.config or {})["other"] == 1
    assert site.play("proxy", st2_proxy_state="absent").rc == 0
    assert path.read_bytes() == before


def test_for_services_there_and_back(site: ProxySite, chain: str) -> None:
    site.conf.write_text(site.stock.replace("guest@127.0.0.1", f"{PASSWORD}@mq.example.com"))
    site.file("st2actionrunner").write_text(THEIRS)
    site.file("st2api").write_text("")
    site.file("st2api").chmod(0o644)
    before = site.files()
    proxy = f"http://st2:{PASSWORD}@proxy.example.com:3128"
    asked: t.Dict[str, t.Any] = {"st2_http_proxy": PROXY, "st2_https_proxy": proxy, "st2_proxy_ca_content": chain}
    site.converge("proxy", st2_proxy_scope="services", **asked)
    assert site.authorities_known()
    bundle = str(site.bundle)
    trust = dict.fromkeys(("REQUESTS_CA_BUNDLE", "PIP_CERT", "SSL_CERT_FILE"), bundle)
    wanted = {
        **trust,
        "http_proxy": PROXY,
        "https_proxy": f"http://st2:{ENCODED}@proxy.example.com:3128",
        "no_proxy": f"{NO_PROXY},mq.example.com",
        "proxy_ca_bundle_path": bundle,
    }
    theirs = {"WORKERS": "4", "DAEMON_ARGS": "--config-file /etc/st2/st2.conf   --debug"}
    assert site.environment_of("st2actionrunner") == {**theirs, **wanted}
    assert site.environment_of("st2api") == site.environment_of("st2sensorcontainer") == wanted
    assert all(site.file(name).stat().st_mode & 0o777 == 0o640 for name in ("st2actionrunner", "st2api"))
    assert site.config is None and not site.file("st2notifier").exists()
    assert len(list(site.authorities.glob("*.crt"))) == 2, "one certificate a file"

    assert site.play("proxy", st2_https_proxy=PROXY, st2_proxy_ca_content=chain).rc == 0
    assert site.environment_of("st2api") == trust, "which leads no traffic elsewhere"
    assert site.config == {
        "https_proxy": PROXY,
        "no_proxy": f"{NO_PROXY},mq.example.com",
        "proxy_ca_bundle_path": bundle,
    }
    assert site.play("proxy", st2_proxy_state="absent").rc == 0
    assert site.files() == before and site.trusted() == site.public


def test_only_services_whose_environment_changes_are_restarted(site: ProxySite) -> None:
    given: t.Dict[str, t.Any] = {"st2_https_proxy": PROXY, "st2_proxy_scope": "services"}
    site.play("proxy", st2_proxy_services=["st2api", "st2timersengine"], **given)
    assert site.systemd.restarted == ["st2api"] and not site.file("st2timersengine").exists()
    site.play("proxy", **given)
    assert site.systemd.restarted == [*RUNNERS, "st2sensorcontainer"]


def test_an_authority_alone(site: ProxySite, chain: str, tmp_path: Path) -> None:
    (site.host.configs / "packs.yaml").write_text(f"https_proxy: {PROXY}\n")
    (tmp_path / "chain.pem").write_text(chain)
    assert site.play("proxy", st2_proxy_ca_file=str(tmp_path / "chain.pem")).rc == 0
    assert site.authorities_known() and site.systemd.restarted == ALL
    assert site.environment_of("st2api")["REQUESTS_CA_BUNDLE"] == str(site.bundle)
    assert site.config == {"https_proxy": PROXY}, "which the role was not asked about"
    first = chain[: chain.index("The second")]
    assert site.play("proxy", st2_proxy_ca_content=first).rc == 0
    assert len(list(site.authorities.glob("*.crt"))) == 1 and site.authorities_known()
    site.bundle.write_bytes(site.public[site.bundle.name])
    done = site.play("proxy", st2_proxy_ca_content=first)
    assert done.rc == 0 and changes(done) == ["Check whether the system trusts the certificates"], (
        "as a run before it was ended"
    )
    assert site.authorities_known()


def test_a_password_comes_out_nowhere(site: ProxySite, tmp_path: Path) -> None:
    vault = tmp_path / "vault.json"
    vault.write_text(json.dumps({"canary": f"http://st2:{PASSWORD}@proxy.example.com:3128"}))
    old = "0ld-c4nary"
    site.file("st2api").write_text(f"https_proxy=http://st2:{old}@theirs:1\n")
    forms = (PASSWORD, ENCODED, json.dumps(PASSWORD)[1:-1], old)
    asked: t.Dict[str, t.Any] = {"st2_http_proxy": "{{ canary }}", "st2_https_proxy": "{{ canary }}"}
    for scope in ("services", "packs", "absent"):
        state = {"st2_proxy_state": "absent"} if scope == "absent" else {"st2_proxy_scope": scope}
        for check in (True, False) if scope == "services" else (False,):
            play = site.play("proxy", check=check, arguments=["-vvv", "-e", f"@{vault}"], **asked, **state)
            assert play.rc == 0, play.stdout
            assert not [form for form in forms if form in play.stdout + play.stderr + str(play.tasks)]
        if scope == "packs":
            assert ENCODED in (site.host.configs / "packs.yaml").read_text()
        if scope == "services":
            assert ENCODED in site.file("st2api").read_text() and site.config is None
    holding = [path for path in site.host.root.rglob("*") if path.is_file() and ENCODED.encode() in path.read_bytes()]
    # What it was stays with the change set, to which only the owner has access.
    kept = site.host.configs / STATE / "changes"
    assert kept.stat().st_mode & 0o777 == 0o700
    assert [path for path in holding if kept not in path.parents] == []


def test_what_cannot_be_is_refused(site: ProxySite) -> None:
    cases: t.Sequence[t.Tuple[t.Dict[str, t.Any], str]] = (
        ({"st2_https_proxy": "ftp://hunter2@x"}, "st2_https_proxy must be of the form"),
        ({"st2_proxy_ca_content": "no certificate"}, "do not contain a certificate in PEM format"),
        ({"st2_proxy_ca_content": "a", "st2_proxy_ca_file": "b"}, "are mutually exclusive"),
        ({"st2_https_proxy": PROXY, "st2_conf": "/nowhere/st2.conf"}, "does not look like a StackStorm host"),
    )
    messages = site.refuse_each("proxy", [given for given, _told in cases])
    for message, (_given, told) in zip(messages, cases):
        assert told in message and "hunter2" not in message, message


class Outside:
    """An index, a repository and Python packages that only the proxy reaches: no name service knows their names."""

    def __init__(self, root: Path, ca: CertificateAuthority) -> None:
        served = root / "served"
        (served / "org").mkdir(parents=True)
        repository = GitRepository(served / "org" / "stackstorm-demo.git")
        repository.release(PackTree("demo", "1.0.0", minimal=True))
        repository.build()
        self.git = GitHttpsServer(served, ca)
        self.index = IndexServer({INDEX: index_document([repository], "https://github.com", served)}, ca)
        self.packages = PackageIndex(root / "packages")
        self.packages.add("six", "1.16.0")
        routes = {
            "github.com:443": ("127.0.0.1", self.git.port),
            "index.example.com:443": ("127.0.0.1", self.index.port),
            "packages.example.com:80": ("127.0.0.1", self.packages.port),
        }
        self.proxy = Proxy("st2", PASSWORD, routes)

    @property
    def proxy_url(self) -> str:
        """The proxy with user name and password as a person writes them."""
        return self.proxy.url.replace("://", f"://st2:{PASSWORD}@")

    def stop(self) -> None:
        """End the servers."""
        for server in (self.git, self.index, self.packages, self.proxy):
            server.stop()


@pytest.mark.parametrize("scope", ["packs", "services"])
def test_what_the_probe_reaches_it_reaches_by_the_proxy(
    site: ProxySite, tmp_path: Path, ca: CertificateAuthority, scope: str
) -> None:
    outside = Outside(tmp_path, ca)
    try:
        text = site.stock.replace("[content]\n", f"[content]\nindex_url = https://index.example.com{INDEX}\n")
        site.conf.write_text(text)
        site.file("st2actionrunner").write_text(
            # The bundle of this test is not the one of this machine, which git asks.
            f"GIT_SSL_CAINFO={site.bundle}\nPIP_CONFIG_FILE=/dev/null\nPIP_INDEX_URL=http://packages.example.com/simple/\n"
            "PIP_TRUSTED_HOST=packages.example.com\n"
        )
        asked: t.Dict[str, t.Any] = {
            "st2_http_proxy": outside.proxy_url,
            "st2_https_proxy": outside.proxy_url,
            "st2_proxy_ca_content": ca.ca_file.read_text(),
            "st2_proxy_scope": scope,
            "st2_proxy_probe": ["index", "git", "packages"],
        }
        play = site.play("proxy", **asked)
        assert play.rc == 0, play.stdout
        assert set(outside.proxy.destinations) == set(outside.proxy.routes), "and nothing else could serve it"
        if scope == "services":
            return
        outside.proxy.destinations.clear()
        outside.proxy.refused.add("github.com:443")
        outside.packages.stop()
        failed = site.play("proxy", **asked)
        assert failed.rc != 0 and changes(failed) == []
        assert "git: https://github.com/org/stackstorm-demo cannot be reached: " in warned(failed), failed.stdout
        assert "packages: six cannot be reached: " in warned(failed) and "index: " not in warned(failed)
        assert PASSWORD not in warned(failed) and ENCODED not in warned(failed)
        outside.proxy.refused.clear()
        module = {"name": ["org/stackstorm-demo"], "virtualenv": "never", "register": "none"}
        done = warm_modules.run("st2_pack", {**module, "ca_bundle": str(site.bundle)}, host=site.host)
        assert done.changed and "github.com:443" in outside.proxy.destinations, done.everything
    finally:
        outside.stop()
