# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Quirks of a pack's files: resources, requirements, links and what else lies in a repository."""

from __future__ import annotations

import typing as t

from . import bodies
from .form import Change, Form, text, together
from .tree import PackTree, to_yaml


def _resource(name: str, valid: bool, reason: str, change: Change, settled: bool = True) -> Form:
    return Form(name, "resources", valid, reason, change, settled=settled)


def _requirements(name: str, reason: str, content: t.Union[str, bytes]) -> Form:
    return Form(f"requirements-{name}", "requirements.txt", True, reason, text("requirements.txt", content))


def _file(name: str, valid: bool, reason: str, change: Change, settled: bool = True) -> Form:
    return Form(name, "files", valid, reason, change, settled=settled)


def _action(path: str, name: str) -> Change:
    return text(path, to_yaml(bodies.python_action(name, "report.py")))


def _links(**targets: str) -> Change:
    def change(tree: PackTree) -> None:
        for path, target in targets.items():
            tree.link(path.replace("__", "/"), target)

    return change


def _nested_ref(tree: PackTree) -> None:
    tree.mount("etc/example", PackTree("another_pack", "0.0.1", minimal=True))


BROKEN = "name: broken\nparameters: [unfinished\n"
FOREIGN = dict(bodies.python_action("foreign", "report.py"), pack="some_other_pack")
MERGED = to_yaml(bodies.python_action("merged", "report.py")) + "notify: &a {}\ntags: [{<<: *a}]\n"
POSITIONS = dict(
    bodies.command_action("same"),
    parameters={name: {"type": "string", "position": 0} for name in ("one", "two")},
)
UNDESCRIBED = dict(bodies.command_action("bare"), parameters={"one": {"type": "string", "description": None}})
DUPLICATED = "name: first\n" + to_yaml(bodies.python_action("duplicated", "report.py"))
GITMODULES = '[submodule "vendor/other"]\n\tpath = vendor/other\n\turl = https://git.example.com/other\n'
MISTRAL = dict(bodies.workflow_action("old"), runner_type="mistral-v2")

RESOURCES = (
    _resource("yml-action", True, "resources may end in .yml", _action("actions/short.yml", "short")),
    _resource("dotted-action", True, "action names may have dots", _action("actions/a.b.c.yaml", "a.b.c")),
    _resource("meta-action", True, "a file name need not be the action's", _action("actions/job.meta.yaml", "job")),
    _resource("renamed-action", True, "a file name need not be the action's", _action("actions/old.yaml", "new_name")),
    _resource(
        "twice-action",
        True,
        "two files may name one action: the last one registered holds",
        together(_action("actions/one.yaml", "same"), _action("actions/two.yaml", "same")),
    ),
    _resource(
        "missing-entry-point",
        True,
        "StackStorm registers an action whose script is missing",
        text("actions/lost.yaml", to_yaml(bodies.python_action("lost"))),
    ),
    _resource(
        "no-entry-point",
        True,
        "an action may have no entry point",
        text("actions/run.yaml", to_yaml(bodies.command_action("run"))),
    ),
    _resource(
        "mistral-action",
        False,
        "a runner that StackStorm lacks is a matter of the StackStorm that registers it",
        text("actions/old.yaml", to_yaml(MISTRAL)),
        settled=False,
    ),
    _resource("merge-key-action", False, "an action has a merge key", text("actions/m.yaml", MERGED)),
    _resource("one-position", False, "two parameters have one position", text("actions/p.yaml", to_yaml(POSITIONS))),
    _resource(
        "null-description",
        False,
        "the description of a parameter is a string",
        text("actions/n.yaml", to_yaml(UNDESCRIBED)),
    ),
    _resource(
        "nested-workflow",
        True,
        "what lies below actions/ is no action, even where it does not parse",
        together(
            text("actions/workflows/flow.yaml", to_yaml(bodies.workflow("core.noop"))),
            text("actions/workflows/draft.yaml", BROKEN),
        ),
    ),
    _resource(
        "spaced-rule",
        True,
        "rule names may have spaces, commas and a dot at the end",
        lambda tree: tree.add_yaml(
            "rules/spaced.yaml", bodies.rule(tree.ref, "On a beat, say so.", "core.st2.webhook")
        ),
    ),
    _resource(
        "example-rule",
        True,
        "files that end in .example are no resources",
        text("rules/sample.yaml.example", BROKEN),
    ),
    _resource("test-yaml", True, "YAML below tests/ is no resource", text("tests/fixtures/broken.yaml", BROKEN)),
    _resource("etc-yaml", True, "YAML below etc/ is no resource", text("etc/values.yaml", BROKEN)),
    _resource(
        "crlf-action",
        True,
        "line ends do not matter",
        lambda tree: tree.add("actions/report.yaml", tree.files["actions/report.yaml"].content.replace(b"\n", b"\r\n")),
    ),
    _resource(
        "non-ascii-action",
        True,
        "UTF-8 is fine",
        text("actions/u.yaml", to_yaml(bodies.shell_action("u", "\u00fc.sh"))),
    ),
    _resource("duplicate-keys-action", False, "a key of an action stands twice", text("actions/d.yaml", DUPLICATED)),
    _resource(
        "many-actions",
        True,
        "a pack may have hundreds of actions",
        lambda tree: tree.files.update(PackTree(tree.ref, minimal=True, action_count=500).files),
    ),
    _resource(
        "jinja-in-action",
        True,
        "templates in text are text",
        text("actions/t.yaml", to_yaml(dict(bodies.command_action("t"), description="{{ config_context.url }}"))),
    ),
    _resource("broken-action", False, "an action's metadata does not parse", text("actions/broken.yaml", BROKEN)),
    _resource("broken-yml-action", False, "an action's metadata does not parse", text("actions/broken.yml", BROKEN)),
    _resource("broken-sensor", False, "a sensor's metadata does not parse", text("sensors/broken.yaml", BROKEN)),
    _resource("broken-rule", False, "a rule does not parse", text("rules/broken.yaml", BROKEN)),
    _resource("broken-alias", False, "an alias does not parse", text("aliases/broken.yaml", BROKEN)),
    _resource("broken-policy", False, "a policy does not parse", text("policies/broken.yaml", BROKEN)),
    _resource("broken-trigger", False, "a trigger does not parse", text("triggers/broken.yaml", BROKEN)),
    _resource(
        "tab-action",
        False,
        "an action's metadata is indented by tabs",
        text("actions/tab.yaml", "name: tab\nparameters:\n\ta: 1\n"),
    ),
    _resource("latin-1-action", False, "an action's metadata is not UTF-8", text("actions/l.yaml", b"name: caf\xe9\n")),
    _resource("empty-action", False, "an action's metadata is empty", text("actions/empty.yaml", ""), settled=False),
    _resource(
        "list-action", False, "an action's metadata is a list", text("actions/list.yaml", "- a\n"), settled=False
    ),
    _resource(
        "foreign-action",
        False,
        "an action says that it belongs to another pack",
        text("actions/foreign.yaml", to_yaml(FOREIGN)),
        settled=False,
    ),
)

REQUIREMENTS = (
    _requirements("none", "a file without entries is fine", ""),
    _requirements("comments", "comments are no entries", "# nothing\n\n"),
    _requirements("crlf", "line ends do not matter", b"tinydep\r\n# end\r\n"),
    _requirements("extras", "extras and markers are part of an entry", "tinydep[fast]>=1.0.0 ; python_version > '3'\n"),
    _requirements("no-newline", "the last line may lack its end", "tinydep==1.0.0"),
    _requirements("range", "ranges are usual", "tinydep>=1.0.0,<2.0.0\n"),
    Form(
        "no-requirements",
        "requirements.txt",
        True,
        "the file is optional",
        lambda tree: tree.remove("requirements.txt"),
    ),
)

FILES = (
    _file("empty-gitmodules", True, "an empty .gitmodules names no submodule", text(".gitmodules", "")),
    _file(
        "submodule",
        True,
        "a submodule is left empty, as StackStorm leaves it",
        lambda tree: tree.submodule("vendor/other", "0123456789" * 4).add(".gitmodules", GITMODULES),
    ),
    _file(
        "legacy-config",
        True,
        "config.yaml has been ignored since 2.4",
        text("config.yaml", "---\nurl: https://x.example.com\n"),
    ),
    _file("second-pack-yaml", True, "only the pack.yaml at the root counts", _nested_ref),
    _file(
        "pack-template",
        True,
        "a template of a pack.yaml below the root counts for nothing",
        text("etc/new/pack.yaml", "ref: {{ name }}\n"),
    ),
    _file(
        "executable",
        True,
        "file modes are kept",
        lambda tree: tree.add("etc/tool", "#!/bin/sh\nexit 0\n", executable=True),
    ),
    _file("inner-link", True, "a link that stays inside is fine", _links(docs__README="../pack.yaml")),
    _file("directory-link", True, "a link to a directory inside is fine", _links(scripts="actions/lib")),
    _file(
        "dangling-link", True, "a link to nothing inside the pack harms nobody", _links(tests__gone="../no/such/file")
    ),
    _file(
        "linked-pack-yaml",
        True,
        "pack.yaml itself may be a link that stays inside",
        together(
            lambda tree: tree.add("etc/pack.yaml", tree.text("pack.yaml")), _links(**{"pack.yaml": "etc/pack.yaml"})
        ),
    ),
    _file(
        "odd-file-names",
        True,
        "a file name may be anything",
        together(
            text("etc/-rf", "x"),
            text("etc/two words", "x"),
            text("etc/caf\u00e9 'quoted\"", "x"),
            text("etc/a\nb", "x"),
        ),
    ),
    _file("schema-yml", True, "config.schema.yml is not the schema", text("config.schema.yml", BROKEN)),
    _file("binary", True, "files are bytes", text("etc/blob.bin", bytes(range(256)) * 64)),
    _file(
        "more-examples",
        True,
        "several *.example files mean nothing",
        together(text("a.yaml.example", BROKEN), text("etc/b.yaml.example", BROKEN)),
    ),
    _file(
        "upper-case-paths",
        True,
        "file names may differ only by case",
        together(text("README", "a"), text("readme", "b")),
    ),
    _file("absolute-link", False, "a link leads out of the pack", _links(etc__passwd="/etc/passwd")),
    _file("climbing-link", False, "a link leads out of the pack", _links(lib="../../virtualenvs")),
    _file(
        "deep-climbing-link", False, "a link leads out of the pack", _links(actions__lib__up="../../../core/pack.yaml")
    ),
    _file("root-link", False, "a link to the directory above the pack leads out of it", _links(etc__up="../..")),
    _file(
        "chained-link",
        False,
        "two links that stay inside by their text lead out together",
        _links(etc__a__up="../..", out="etc/a/up/../core"),
    ),
    _file(
        "absolute-dangling-link",
        False,
        "an absolute link leads out even where nothing is there",
        _links(x="/no/such/place"),
    ),
)

FORMS: t.Tuple[Form, ...] = (*RESOURCES, *REQUIREMENTS, *FILES)
