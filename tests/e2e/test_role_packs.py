# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The role packs: one list, and what is on disk, in StackStorm's database, and told to systemd."""

from __future__ import annotations

import json
import typing as t

import pytest
import yaml
from e2e.locks import LockFile
from e2e.roles import LIBRARIES, Site, changes, warned
from e2e.scene import INDEX, Scene
from infrastructure.packs import PackTree
from infrastructure.repositories.signed_objects import signed_tag
from infrastructure.signing import Signer, missing_program

CANARY, TOKEN = "canary-xyzzy-0815", "canary-xyzzy-0816"
CONFIG = {"url": "https://s.example.com"}


@pytest.fixture
def scene(make_scene: t.Callable[..., Scene]) -> Scene:
    return make_scene(libraries=LIBRARIES)


@pytest.fixture
def site(scene: Scene) -> t.Iterator[Site]:
    found = Site(scene.root, host=scene.host)
    found.environment["PATH"] = f"{found.systemd.programs}:{scene.environment['PATH']}"
    options = {"ca_bundle": str(scene.ca.ca_file), "virtualenv": "never", "token": TOKEN}
    found.variables["st2_packs_options"] = options
    for ref, versions in (("sensu", ("1.0.1", "1.0.2")), ("jira", ("3.0.0",))):
        repository = scene.repository(ref)
        for version in versions:
            repository.release(PackTree(ref, version))
    scene.publish()
    yield found
    found.stop()


def config(site: Site, ref: str) -> t.Any:
    """What the config of a pack says."""
    return yaml.safe_load((site.host.configs / f"{ref}.yaml").read_text())


def test_from_nothing_to_nothing(site: Site, scene: Scene) -> None:
    assert changes(site.play("packs")) == [] and site.host.installed() == []
    sensu: t.Dict[str, t.Any] = {
        "name": "sensu",
        "version": "1.0.1",
        "config": CONFIG,
        "secrets": {"token": CANARY},
        "overrides": {"actions": {"disabled": ["report"]}},
    }
    acme = {"source": scene.url(scene.repositories[1]), "version": "v3.0.0", "config": CONFIG}
    play = site.converge("packs", st2_packs=[sensu, acme])
    assert site.host.pack_version("sensu") == "1.0.1" and site.host.pack_version("jira") == "3.0.0"
    assert config(site, "sensu") == {**CONFIG, "token": CANARY} and site.stackstorm.config("sensu") is not None
    actions = site.stackstorm.resources("sensu")["actions"]
    assert {name: one["enabled"] for name, one in actions.items()} == {"greet": True, "relay": True, "report": False}
    told = " ".join(play["stackstorm.st2.packs : Show the changes"]["msg"])
    assert "sensu absent -> 1.0.1" in told and "jira absent -> 3.0.0" in told
    assert "in StackStorm's database: current" in told

    site.variables["st2_packs_options"]["purge"] = True
    sensu.update(version="1.0.2", config={"url": "https://other.example.com"})
    loud = site.play("packs", arguments=["-vvv"], st2_packs=[sensu], st2_packs_exclusive=True)
    assert loud.rc == 0 and site.host.installed() == ["sensu"] and site.host.pack_version("sensu") == "1.0.2"
    assert [one for one in (CANARY, TOKEN, site.stackstorm.api_key) if one in loud.stdout + loud.stderr] == []
    assert site.stackstorm.pack("jira") is None

    site.variables["st2_packs_options"]["exclusive_empty"] = True
    site.apply("packs", st2_packs=[], st2_packs_exclusive=True)
    assert site.host.installed() == [] and not list(site.host.configs.glob("*.yaml"))


def test_sensors_get_their_new_config(site: Site) -> None:
    item = {"name": "sensu", "config": CONFIG}
    first = site.play("packs", st2_packs=[item])
    assert first.rc == 0 and site.systemd.restarted == [], first.stdout
    second = site.play("packs", st2_packs=[{**item, "config": {"url": "https://other.example.com"}}])
    assert second.rc == 0 and site.systemd.restarted == ["st2sensorcontainer"]
    assert "restarted: st2sensorcontainer" in warned(second)


def test_defaults_hold_for_every_item(site: Site) -> None:
    play = site.play(
        "packs",
        st2_packs=[{"name": "sensu", "config": CONFIG}, {"name": "jira", "merge": "replace"}],
        st2_packs_defaults={"merge": "merge", "config": {"url": "https://default.example.com"}},
        st2_register="none",
    )
    assert play.rc == 0, play.stdout
    assert config(site, "sensu") == CONFIG and config(site, "jira") == {"url": "https://default.example.com"}
    assert site.stackstorm.packs() == ["chatops", "core", "linux", "packs"]


def test_a_set_with_something_wrong_changes_nothing(site: Site) -> None:
    cases = (
        [{"name": "nosuch"}, {"name": "sensu"}, {"name": "neither"}],
        [{"name": "jira", "config": CONFIG}, {"name": "sensu", "config": {"url": 5}}],
        [{"name": "sensu", "release": "1.0.2"}],
        [{"name": "sensu", "secrets": CANARY}],
    )
    unknown, config, option, secret = site.refuse_each("packs", [{"st2_packs": packs} for packs in cases])
    assert "nosuch" in unknown and "neither" in unknown, unknown
    assert "url" in config, config
    assert "release" in option, option
    assert "secrets" in secret and CANARY not in secret


def test_what_content_has_left_is_restarted_before_packs_are_registered(site: Site) -> None:
    later: t.Dict[str, t.Any] = {
        "__st2_restart_later": True,
        "st2_content_exclusive": True,
        "st2_index_url": [site.host.options["content"]["index_url"]],
    }
    site.conf.write_text(site.conf.read_text().replace("index_url", "# index_url"))
    assert site.play("content", **later).rc == 0 and site.systemd.told == []
    play = site.play("packs", st2_packs=[{"name": "sensu", "config": CONFIG}])
    assert play.rc == 0 and site.systemd.restarted == ["st2api"], play.stdout
    order = changes(play)
    assert order.index("Restart services that still use old settings, code or config") < order.index("Manage the packs")


@pytest.mark.skipif(bool(missing_program()), reason=missing_program())
def test_indexes_have_to_be_signed_where_signers_are_named(site: Site, scene: Scene) -> None:
    signer = Signer(scene.root / "signer")
    site.variables.update(st2_packs=[{"name": "sensu"}], st2_index_allowed_signers=["# our builds", signer.line])
    play = site.play("packs")
    assert play.rc and "has no signature" in play.stdout and site.host.installed() == []
    content = json.dumps(scene.index.documents[INDEX]).encode()
    scene.index.documents.update({INDEX: content, f"{INDEX}.sig": signer.sign(content)})
    site.apply("packs")
    assert site.host.installed() == ["sensu"]


@pytest.mark.skipif(bool(missing_program()), reason=missing_program())
def test_packs_have_to_be_signed_where_signers_are_named(site: Site, scene: Scene) -> None:
    signer = Signer(scene.root / "signer")
    wanted = {"allowed_signers": [signer.line], "require": "tag"}
    site.variables.update(st2_packs=[{"name": "sensu"}], st2_packs_verify_signature=wanted)
    play = site.play("packs")
    assert play.rc and "is refused, as verify_signature asks for a signed tag" in play.stdout
    assert site.host.installed() == []
    repository = scene.repositories[0]
    signed_tag(repository.path, "v1.0.2", repository.sha("v1.0.2"), lambda text: signer.sign(text, "git"))
    site.apply("packs")
    assert site.host.installed() == ["sensu"]
    del site.variables["st2_packs_verify_signature"]
    item = {"name": "sensu", "verify_signature": {**wanted, "require": "commit"}}
    site.variables.update(st2_packs=[item])
    play = site.play("packs")
    assert play.rc and "which is installed, is refused" in play.stdout and site.host.installed() == ["sensu"]


def test_a_lock_says_which_versions_come(site: Site, scene: Scene) -> None:
    lock = LockFile(scene).add(scene.repositories[0], "1.0.1", "sensu").add(scene.repositories[1], "3.0.0", "jira")
    path = str(lock.write(scene.root / "site"))
    site.converge("packs", st2_packs=[{"name": "sensu", "config": CONFIG}], st2_packs_lockfile=path)
    assert site.host.installed() == ["sensu"] and site.host.pack_version("sensu") == "1.0.1"
    message = site.refuse("packs", st2_packs=[{"name": "sensu", "version": "1.0.2"}], st2_packs_lockfile=path)
    assert "sensu=1.0.2 is asked for, and the lock packs.lock.yml has sensu as sensu." in message
    site.apply("packs", st2_packs_lockfile=path, st2_packs_exclusive=True)
    assert sorted(site.host.installed()) == ["jira", "sensu"]


def test_a_bundle_brings_what_is_locked_in_it(site: Site, scene: Scene) -> None:
    lock = LockFile(scene).add(scene.repositories[0], "1.0.1", "sensu").add(scene.repositories[1], "3.0.0", "jira")
    path = lock.write(scene.root / "site")
    bundle = str(path.with_suffix(".bundle"))
    ca_bundle = str(scene.ca.ca_file)
    built = scene.run(module="st2_bundle", host=None, lockfile=str(path), path=bundle, ca_bundle=ca_bundle)
    assert not built.failed, built.everything
    scene.forget()
    site.converge("packs", st2_packs_bundle=bundle, st2_packs_exclusive=True)
    assert sorted(site.host.installed()) == ["jira", "sensu"] and site.host.pack_version("sensu") == "1.0.1"
    assert scene.quiet
