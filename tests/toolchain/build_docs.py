# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Build what the project publishes, and look at it: C(build_docs.py site), C(... collection) and C(... importer).

Runs in the environment with the documentation tools, the last in that with galaxy-importer. Results are in
C(.cache/docs), C(.cache/package) and C(.cache/importer).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tarfile
import typing as t
from pathlib import Path

import collection_tree
import release
import yaml
from environments import CACHE, ROOT

NAME = "stackstorm.st2"
DOCS = CACHE / "docs"
PACKAGE = CACHE / "package"
IMPORTER = CACHE / "importer"
PROGRAMS = Path(sys.executable).parent

# Everything that a released collection may contain at its root.
PUBLISHED = {
    "CHANGELOG.md", "CODE_OF_CONDUCT.md", "CONTRIBUTING.md", "FILES.json", "LICENSES", "MANIFEST.json", "README.md",
    "REUSE.toml", "changelogs", "docs", "meta", "playbooks", "plugins", "requirements.txt", "roles",
}  # fmt: skip

# Complaints of galaxy-importer that stand, each with the reason.
KNOWN_COMPLAINTS: dict[str, str] = {}

SPHINX = """
project = "stackstorm.st2"
html_title = "stackstorm.st2"
extensions = ["sphinx_antsibull_ext"]
pygments_style = "ansible"
highlight_language = "YAML+Jinja"
html_theme = "sphinx_ansible_theme"
html_show_sphinx = False
html_use_index = False
html_copy_source = False
"""


def site() -> list[str]:
    """Make the module pages and the guide into C(.cache/docs/html); returns Sphinx's warnings.

    Links into ansible-core's own documentation cannot be resolved without a network, so those warnings do not count.
    """
    shutil.rmtree(DOCS, ignore_errors=True)
    source = DOCS / "rst"
    source.mkdir(parents=True)
    source.chmod(0o755)
    (DOCS / "conf.py").write_text(SPHINX, encoding="utf-8")
    _run(
        "antsibull-docs",
        "collection",
        "--use-current",
        "--squash-hierarchy",
        "--fail-on-error",
        "--dest-dir",
        source,
        NAME,
    )
    warnings = DOCS / "warnings.txt"
    _run("sphinx-build", "-q", "--no-color", "-w", warnings, "-c", DOCS, source, DOCS / "html")
    lines = warnings.read_text(encoding="utf-8").splitlines()
    return sorted({line for line in lines if "undefined label" not in line or NAME in line})


def collection() -> list[str]:
    """Build the collection, install it in an empty place, read its documentation there; returns what is wrong."""
    shutil.rmtree(PACKAGE, ignore_errors=True)
    os.environ["ANSIBLE_COLLECTIONS_PATH"] = str(PACKAGE)
    _run("ansible-galaxy", "collection", "build", "--output-path", PACKAGE, cwd=collection_tree.copy("package"))
    (archive,) = PACKAGE.glob("*.tar.gz")
    with tarfile.open(archive) as content:
        roots = {name.split("/", 1)[0] for name in content.getnames()}
    problems = [f"{name} is in the archive and has no place there" for name in sorted(roots - PUBLISHED)]
    _run("ansible-galaxy", "collection", "install", "--offline", "--no-deps", "--collections-path", PACKAGE, archive)
    installed = PACKAGE / collection_tree.BELOW
    modules = sorted(path.stem for path in (installed / "plugins" / "modules").glob("*.py") if path.stem != "__init__")
    runtime = yaml.safe_load((installed / "meta" / "runtime.yml").read_text(encoding="utf-8"))
    group = sorted(runtime["action_groups"]["st2"])
    pages = {module: _page(module) for module in modules}
    problems += [
        f"{NAME}.{module} has no {part} in its documentation"
        for module, page in pages.items()
        for part in ("doc", "examples", "return")
        if not page.get(part)
    ]
    # Those that ask StackStorm: any other one would not know the options that are set for the group.
    members = [module for module, page in pages.items() if "register" in (page.get("doc") or {}).get("options", {})]
    if group != members:
        problems.append(f"meta/runtime.yml has {group} in the action group st2, but its modules are {members}")
    return problems


def importer() -> list[str]:
    """Make a release of a copy, and let Galaxy's importer look at it; its complaints.

    It runs as on Galaxy, but for ansible-test, which the stage C(sanity) runs, and without its own settings.
    """
    shutil.rmtree(IMPORTER, ignore_errors=True)
    checkout = IMPORTER / "checkout"
    shutil.copytree(collection_tree.copy("importer"), checkout, symlinks=True, ignore=shutil.ignore_patterns(".git"))
    settings = IMPORTER / "settings.cfg"
    settings.write_text("[galaxy-importer]\n", encoding="utf-8")
    os.environ["GALAXY_IMPORTER_CONFIG"] = str(settings)
    archive = _rehearse_release(checkout)
    said = _run("python", "-m", "galaxy_importer.main", archive, cwd=IMPORTER, capture=True)
    sys.stdout.write(said)
    return complaints(said, KNOWN_COMPLAINTS)


def _rehearse_release(checkout: Path) -> Path:
    """Release a copy with a version that the project will not have soon; the archive."""
    galaxy = checkout / "galaxy.yml"
    text = galaxy.read_text(encoding="utf-8")
    galaxy.write_text(
        text.replace(f"version: {release.field(text, 'version')}\n", "version: 99.0.0\n"), encoding="utf-8"
    )
    summary = checkout / "changelogs" / "fragments" / "rehearsal.yml"
    summary.write_text("release_summary: A rehearsal.\n", encoding="utf-8")
    os.environ.update(
        {f"GIT_{who}_{what}": "rehearsal" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    )
    for command in (["init", "--quiet"], ["add", "--all"], ["commit", "--quiet", "--message", "Begin"]):
        subprocess.run(["git", *command], cwd=checkout, check=True)
    return release.release(checkout, "https://git.example.com/stackstorm/st2", PROGRAMS, IMPORTER / "release")


def complaints(said: str, known: t.Mapping[str, str]) -> list[str]:
    """What galaxy-importer complains of and is not known, and what is known and it does not complain of."""
    lines = [line for line in said.splitlines() if line.startswith(("WARNING", "ERROR", "CRITICAL"))]
    new = [line for line in lines if not any(part in line for part in known)]
    gone = [f"galaxy-importer no longer says: {part}" for part in known if not any(part in line for line in lines)]
    return new + gone


def _page(module: str) -> dict[str, t.Any]:
    answer = _run("ansible-doc", "--json", "--type", "module", f"{NAME}.{module}", capture=True)
    return dict(json.loads(answer)[f"{NAME}.{module}"])


def _run(program: str, *arguments: str | Path, cwd: Path = ROOT, capture: bool = False) -> str:
    command = [str(PROGRAMS / program), *map(str, arguments)]
    done = subprocess.run(command, cwd=cwd, stdout=subprocess.PIPE if capture else None, check=True)
    return done.stdout.decode() if capture else ""


if __name__ == "__main__":
    try:
        found = {"site": site, "collection": collection, "importer": importer}[sys.argv[1]]()
    except (subprocess.CalledProcessError, release.CannotRelease) as problem:
        found = [str(problem)]
    sys.exit("\n".join(found) or None)
