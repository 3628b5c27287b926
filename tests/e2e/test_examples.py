# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Every example of every module is run by ansible-playbook, in a world in which what it names is there.

Only what lies outside is another: addresses and paths, which are those of the tests' servers and directories, and the
values of variables. What cannot be run is named with the reason; its options are held against the spec all the same,
by tests/toolchain/test_examples.py.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from e2e.locks import LockFile
from e2e.roles import LIBRARIES, Site
from e2e.scene import INDEX, Scene
from e2e.working_copies import PackWorkingCopy
from infrastructure.ansible_run import ansible_command, ansible_environment
from infrastructure.module_docs import MODULES, documented_options, examples, to_yaml
from infrastructure.packs import PackTree, Tree, bodies, well_kept
from infrastructure.repositories import GitRepository
from infrastructure.repositories.git_repository import run_git
from infrastructure.repositories.signed_objects import signed_tag
from infrastructure.signing import Signer

from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.archive import write_archive
from ansible_collections.stackstorm.st2.plugins.module_utils._bundle.layout import (
    Manifest,
    content_digest,
    manifest_text,
)

# By module, and for all of its examples as "*": why they are not run here.
NOT_RUN: t.Mapping[str, t.Mapping[str, str]] = {
    "st2_conf": {
        "Restart the services that still use the old values": "it is of another module and would restart services of "
        "this machine"
    },
    "st2_pack": {
        "Install releases through the API of a remote StackStorm": "its StackStorm fetches the packs itself; "
        "test_backend_api.py walks through it"
    },
}
SCHEMA = {
    "host": {"type": "string", "description": "Host"},
    "port": {"type": "integer", "description": "Port", "default": 4567},
    "ssl": {"type": "boolean", "description": "Whether by TLS", "default": False},
    "user": {"type": "string", "description": "User"},
    "pass": {"type": "string", "description": "Password", "secret": True},
}


def sensu(version: str) -> PackTree:
    """The pack of most examples."""
    tree = PackTree("sensu", version, minimal=True, actions=("event_delete",))
    return tree.add_yaml("config.schema.yaml", SCHEMA) and tree


def napalm() -> PackTree:
    """The pack of the examples of overrides."""
    tree = PackTree("napalm", "1.0.0", minimal=True, actions=("cli",))
    tree.add_yaml("sensors/lldp.yaml", bodies.sensor("napalm", "lldp", "NapalmLLDPSensor"))
    tree.add_yaml("aliases/check.yaml", bodies.alias("check_consistency", "napalm.cli"))
    tree.add_yaml("aliases/cli.yaml", bodies.alias("cli", "napalm.cli"))
    return tree


class World:
    """What examples are about: an index, repositories, a host with packs, systemd, and its StackStorm."""

    def __init__(self, scene: Scene, place: Path) -> None:
        self.scene = scene
        self.place = place
        repository = scene.repository("sensu")
        for version in ("1.0.1", "1.0.2"):
            repository.release(sensu(version))
        scene.release("jira", "3.0.0")
        acme = scene.repository("acme", group="automation")
        acme.release(PackTree("acme", "2.1.0", minimal=True))
        signed = scene.repository("acme_signed", group="automation")
        signed.release(PackTree("acme_signed", "1.4.0", minimal=True))
        scene.publish()
        self.signer = Signer(place / "signer")
        commit = signed.sha("v1.4.0")
        signed_tag(signed.path, "v1.4.0", commit, lambda text: self.signer.sign(text, "git"))
        packs = scene.repository("packs", group="automation")
        packs.commit(
            PackTree("sensu", "1.0.0", minimal=True).copy().mount("packs/acme_dns", PackTree("acme_dns", minimal=True))
        )
        packs.build()
        self.playbooks = place / "checkout" / "acme_dns" / "ansible"
        self.site = Site(scene.root, host=scene.host)
        for tree in (sensu("1.0.1"), napalm()):
            tree.write(scene.host.packs / tree.ref)
            self.site.stackstorm.register(tree.ref)
        self._add_lookup()
        sensu("2.0.0").write(place / "sensu-2.0.0")
        PackTree("acme_dns", minimal=True).write(place / "acme_dns")
        key = place / "deploy"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
        self.replacements = {
            "4f1c0e4b1f6f0d0f8a1c9b8a7d6e5f4a3b2c1d0e": acme.sha("HEAD"),
            "git@git.example.com:automation/packs.git": f"{scene.git.url}/automation/stackstorm-packs",
            "/root/.ssh/deploy": str(key),
            "/srv/packs/sensu-2.0.0": str(place / "sensu-2.0.0"),
            "source: ./acme_dns": f"source: {place}/acme_dns",
            "dest: ./sensu.yaml": f"dest: {place}/sensu.yaml",
            **self._of_packs_in_work(key),
            **self._of_indexes(key),
            **self._of_bundles(),
            "/usr/local/lib/st2-exchange": str(place / "program"),
            "https://git.example.com": scene.git.url,
            "https://st2.example.com/api/v1": self.site.variables["st2_api"]["api_url"],
        }
        LockFile(scene).add(repository, "1.0.2", "sensu").write(self.playbooks)
        self.api = self.site.variables["st2_api"]

    def _add_lookup(self) -> None:
        """An action that returns what it is given, and virtualenvs of packs with code that compiles."""
        tree = PackTree("acme_dns", minimal=True, actions=("lookup",))
        parameters = {"name": {"type": "string"}, "token": {"type": "string", "secret": True}}
        tree.add_yaml(
            "actions/lookup.yaml", {**yaml.safe_load(tree.text("actions/lookup.yaml")), "parameters": parameters}
        )
        tree.write(self.scene.host.packs / "acme_dns")
        self.site.stackstorm.register("acme_dns")
        for ref in ("sensu", "napalm", "acme_dns"):
            python = self.scene.host.interpreter(ref)
            python.parent.mkdir(parents=True)
            python.symlink_to(sys.executable)
        sensor = self.scene.host.packs / "napalm" / "sensors" / "lldp.py"
        sensor.write_text("class NapalmLLDPSensor:\n    pass\n", encoding="utf-8")

    def _of_indexes(self, key: Path) -> t.Dict[str, str]:
        """Indexes with two private packs, and another place where the public one is."""
        (self.place / "www").mkdir()
        replacements = {
            "/srv/www": f"{self.place}/www",
            "/etc/st2-index/id_ed25519": str(key),
            "https://index.stackstorm.org/v1/index.json": self.scene.index_url,
            "https://exchange.example.com/v1/index.json": self.scene.index_url.replace(INDEX, "/second.json"),
        }
        for ref, version in (("acme_dns", "1.0.0"), ("acme_mail", "2.1.0")):
            repository = GitRepository(self._group("acme") / f"stackstorm-{ref}.git")
            repository.release(PackTree(ref, version, minimal=True))
            replacements[f"/srv/git/{ref}.git"] = str(repository.build().path)
        document = self.scene.index.documents[INDEX]
        document.setdefault("metadata", {})["generated_ts"] = int(time.time())
        listed = {"ref": "acme_dns", "name": "acme_dns", "version": "1.0.0", "versions": ["1.0.0"]}
        listed["repo_url"] = f"{self.scene.git.url}/acme/stackstorm-acme_dns"
        second = json.dumps({**document, "packs": {**document["packs"], "acme_dns": listed}}).encode()
        self.scene.index.documents.update({"/second.json": second, "/second.json.sig": self.signer.sign(second)})
        (self.playbooks / "st2_allowed_signers").write_text(f"{self.signer.line}\n", encoding="utf-8")
        return replacements

    def _of_bundles(self) -> t.Dict[str, str]:
        """Bundles of nothing, beside the playbook and elsewhere, and there with their lock."""
        nothing = "format: 1\npacks: {}\n"
        fleet = self.place / "fleet"
        fleet.mkdir()
        index = b'{"packs":{}}'
        manifest = Manifest(nothing, (), content_digest(index))
        for folder in (self.playbooks, fleet):
            files = {"bundle.json": manifest_text(manifest), "index.json": index}
            write_archive(str(folder / "packs.bundle"), files)
        (fleet / "packs.lock.yml").write_text(nothing, encoding="utf-8")
        self.bundle_digest = manifest.digest
        return {"/srv/fleet": str(fleet)}

    def _of_packs_in_work(self, key: Path) -> t.Dict[str, str]:
        """Packs that are checked and released, and a repository of which several are made."""
        for folder in ("checkout", "srv"):
            (self.place / folder).mkdir()
            copy = PackWorkingCopy(self.place / folder)
            copy.commit("1.4.1", tree=well_kept("acme_dns", "1.4.1").add(".gitignore", "ansible/\n"))
            copy.push("HEAD:refs/heads/v1.4")
        well_kept("acme_mail").write(self.playbooks / "packs" / "acme_mail")
        (self.playbooks / "lint_rules").mkdir()
        many = GitRepository(self._group("automation") / "packs.git")
        dns, mail = (PackTree(ref, minimal=True) for ref in ("acme_dns", "acme_mail"))
        many.commit(Tree().mount("contrib/dns", dns))
        many.commit(Tree().mount("packs/acme_dns", dns).mount("packs/acme_mail", mail))
        many.build()
        for ref in ("acme_dns", "acme_mail"):
            empty = self._group("packs") / f"{ref}.git"
            run_git("init", "--quiet", "--bare", "--template=", empty)
            run_git("-C", empty, "config", "http.receivepack", "true")
        return {
            "/srv/packs/acme_dns": str(self.place / "srv" / "acme_dns"),
            "/etc/st2-release/key": str(key),
            # What one has with the history of a former path is no later state of what another has without.
            "/srv/git/packs.git\n    dest: /srv/split": f"{many.path}\n    dest: {self.place}/split_two",
            "/srv/split": f"{self.place}/split",
        }

    def _group(self, name: str) -> Path:
        path = self.scene.served / name
        path.mkdir(exist_ok=True)
        return path

    def play(self, module: str, tasks: t.Sequence[t.Mapping[str, t.Any]]) -> subprocess.CompletedProcess[str]:
        """Run tasks as examples are run: with what a site sets once, and values for the variables in them."""
        text = to_yaml(tasks)
        variables = {name: f"value-of-{name}" for name in re.findall(r"\bvault_\w+", text)}
        variables.update(dict.fromkeys(("vault_st2_api_key", "st2_api_key"), self.api["api_key"]))
        variables["acme_git_token"] = "value-of-acme_git_token"
        variables["st2_bundle_digest"] = self.bundle_digest
        given = {"st2_conf": str(self.site.conf), "ca_bundle": str(self.scene.ca.ca_file)}
        defaults: t.Dict[str, t.Any] = {}
        for name in MODULES:
            known = documented_options(name)
            defaults[f"stackstorm.st2.{name}"] = {key: value for key, value in given.items() if key in known}
        defaults["stackstorm.st2.st2_pack"]["virtualenv"] = "never"
        defaults["group/stackstorm.st2.st2"] = dict(self.api)
        play = {
            "hosts": "localhost",
            "gather_facts": False,
            "module_defaults": defaults,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}", **variables},
            "tasks": list(tasks),
        }
        playbook = self.playbooks / f"{module}.yml"
        playbook.write_text(to_yaml([play]), encoding="utf-8")
        environment = {**ansible_environment(self.scene.host, self.place), **self.scene.environment}
        environment["PATH"] = f"{self.site.systemd.programs}:{environment['PATH']}"
        return subprocess.run(
            ansible_command(str(playbook)), env=environment, capture_output=True, text=True, check=False, cwd=self.place
        )


@pytest.fixture
def world(make_scene: t.Callable[..., Scene], tmp_path: Path) -> t.Iterator[World]:
    made = World(make_scene(libraries=LIBRARIES), tmp_path)
    yield made
    made.site.stop()


def not_run(module: str, name: str) -> bool:
    """Whether an example is one of those that are not run."""
    reasons = NOT_RUN.get(module, {})
    return "*" in reasons or name in reasons


@pytest.mark.parametrize("module", [name for name in MODULES if "*" not in NOT_RUN.get(name, {})])
def test_no_example_fails(world: World, module: str) -> None:
    tasks = [task for task in examples(module, world.replacements) if not not_run(module, task["name"])]
    done = world.play(module, tasks)
    assert done.returncode == 0, done.stdout + done.stderr
    for task in tasks:
        assert f"TASK [{task['name']}]" in done.stdout


def test_what_is_not_run_is_an_example() -> None:
    for module, reasons in NOT_RUN.items():
        names = {task["name"] for task in examples(module)} | {"*"}
        assert set(reasons) <= names and all(reasons.values())
