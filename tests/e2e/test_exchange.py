# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The 45 real packs, rebuilt from their metadata, served over https beside the real index, through their whole life."""

from __future__ import annotations

import json
import typing as t

import pytest
from e2e.scene import INDEX, Scene
from infrastructure.ansible_run import ModuleResult
from infrastructure.real_data import MISSING, real_data
from infrastructure.repositories import Exchange, ExchangePack, build_exchange


def serve(scene: Scene, names: t.Optional[t.Iterable[str]] = None) -> Exchange:
    """Build packs below what the scene serves, and let its index be the real one, with the scene's addresses."""
    data = real_data()
    if data is None:
        pytest.skip(MISSING)
    exchange = build_exchange(scene.served, data, names=names)
    index = json.loads((data / "exchange" / "index.json").read_text(encoding="utf-8"))
    scene.index.documents[INDEX] = exchange.index(index, scene.git.url)
    return exchange


def request(scene: Scene, pack: ExchangePack, tag: str = "") -> str:
    """Return how to ask for a pack: by name where the index has it and its version has a tag, else by address."""
    entry = scene.index.documents[INDEX]["packs"].get(pack.name)
    known = entry and (tag or f"v{entry['version']}") in pack.repository.tags
    name = pack.name if known else f"{scene.git.url}/{pack.path}"
    return f"{name}={tag}" if tag else name


def commits(scene: Scene, exchange: Exchange) -> t.Dict[str, t.Optional[str]]:
    """Return the commit at which each pack is, as git itself says."""
    return {pack.ref: scene.host.head(pack.ref) for pack in exchange.packs.values() if _is_there(scene, pack)}


def _is_there(scene: Scene, pack: ExchangePack) -> bool:
    return (scene.host.packs / pack.ref / "pack.yaml").is_file()


def wanted(scene: Scene, pack: ExchangePack) -> str:
    """Return the commit that is right for a request without a version."""
    entry = scene.index.documents[INDEX]["packs"].get(pack.name)
    tag = pack.repository.tags.get(f"v{entry['version']}") if entry else None
    return (tag or pack.repository.head).sha


def told(label: str, result: ModuleResult) -> None:
    """Let `pytest -s` show what each task took."""
    print(f"{label}: {len(result['packs'])} packs in {result.seconds:.1f} s, {result['msg'][:60]}...")


def test_the_whole_exchange(scene: Scene) -> None:
    exchange = serve(scene)
    # Two repositories hold the pack "test"; one host can have one of them at a time.
    packs = {pack.ref: pack for name, pack in sorted(exchange.packs.items(), reverse=True)}
    assert len(packs) == 44 and len(exchange.packs) == 45
    fitting = {ref: pack for ref, pack in packs.items() if not pack.python_2_only}
    unfit = [request(scene, pack) for pack in packs.values() if pack.python_2_only]

    names = [request(scene, pack) for pack in fitting.values()]
    installed = scene.change(*names)
    told("installed", installed)
    assert sorted(row["ref"] for row in installed["packs"]) == sorted(fitting) == scene.host.installed()
    assert commits(scene, exchange) == {ref: wanted(scene, pack) for ref, pack in fitting.items()}
    assert not [ref for ref in fitting if scene.host.edited(ref)]

    refused = scene.refuse(*unfit)
    assert "Python 2" in refused["msg"]
    told("installed by force", scene.change(*unfit, force=True))
    names += unfit
    assert scene.host.installed() == sorted(packs)
    right = commits(scene, exchange)
    assert right == {ref: wanted(scene, pack) for ref, pack in packs.items()}

    again = scene.satisfied(*names)
    told("satisfied", again)

    older = {ref: _older_tag(pack) for ref, pack in packs.items() if _older_tag(pack)}
    requests = [request(scene, packs[ref], tag) for ref, tag in older.items()]
    downgraded = scene.change(*requests, force=True, dependencies="skip")
    told("downgraded", downgraded)
    assert {row["action"] for row in downgraded["packs"]} == {"downgrade"} and len(older) > 30
    at = {ref: packs[ref].repository.tags[tag].sha for ref, tag in older.items()}
    assert commits(scene, exchange) == {**right, **at}
    scene.satisfied(*requests, force=True, dependencies="skip")

    upgraded = scene.change(*names, state="latest", force=True)
    told("upgraded", upgraded)
    assert sorted(row["ref"] for row in upgraded["packs"] if row["changed"]) == sorted(older)
    assert commits(scene, exchange) == right

    (other,) = (pack for pack in exchange.packs.values() if pack is not packs[pack.ref])
    told("replaced", scene.change(request(scene, other)))
    assert commits(scene, exchange) == {**right, other.ref: wanted(scene, other)}

    told("removed", scene.change(*packs, state="absent", purge=True))
    assert scene.host.installed() == []
    scene.satisfied(*packs, state="absent", purge=True)


def _older_tag(pack: ExchangePack) -> str:
    """Return the tag of the version before the newest; "" where there is none that is a version, or none older."""
    tags = [tag for tag in pack.repository.tags if tag.startswith("v")]
    newest = pack.repository.tags[tags[-1]].version if tags else ""
    current = str(pack.metadata["version"])
    older = [tag for tag in tags if _order(tag[1:]) < min(_order(current), _order(newest))]
    return older[-1] if older else ""


def _order(version: str) -> t.Tuple[int, ...]:
    numbers = version.split("-")[0].split(".")
    return (*(int(number) for number in numbers), "-" not in version)


def test_both_repositories_of_one_pack_are_not_one_task(scene: Scene) -> None:
    packs = serve(scene, ["test", "test2"]).packs.values()
    one, other = (f"{scene.git.url}/{pack.path}" for pack in packs)
    refused = scene.refuse(one, other)
    assert refused["step"] == "dependencies" and one in refused["msg"] and other in refused["msg"]


def test_an_index_ahead_of_its_repository_fails_cleanly(scene: Scene) -> None:
    # The real repositories are a little older than the real index.
    exchange = serve(scene, ["acos", "vcd"])
    for name, pack in exchange.packs.items():
        assert f"v{scene.index.documents[INDEX]['packs'][name]['version']}" not in pack.repository.tags
        refused = scene.refuse(name)
        assert refused["step"] == "fetch" and "Available versions, newest first" in refused["msg"]
