# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Packs checked by the rules."""

from __future__ import annotations

import dataclasses
import functools
import itertools
import json
import os
import typing as t
from dataclasses import dataclass, field

from .._errors import OptionError
from . import catalogue
from .bounded import NotFinishedError, bounded
from .finding import Finding
from .ignore import IGNORE_FILE, Ignore, divide, read_ignores, useless
from .pack import Against, Pack
from .rules.repository import LIMIT
from .site_rules import About, SiteRule, run_site_rule

_MOST_MEMORY = 4 << 30
_MOST_FINDINGS = 10_000
_MANIFEST = "pack.yaml"


@dataclass(frozen=True)
class Wanted:
    """What is asked for.

    :arg rules: The ids of the rules to go by, empty for all; C(skip) those not to go by.
    :arg ignore_file: Its name in each pack.
    :arg seconds: For each pack, and for each rule of a site.
    """

    against: Against
    rules: t.Tuple[str, ...] = ()
    skip: t.Tuple[str, ...] = ()
    ignore_file: str = IGNORE_FILE
    site_rules: t.Tuple[SiteRule, ...] = ()
    seconds: float = 300.0
    environment: t.Mapping[str, str] = field(default_factory=dict)

    def asks_for(self, rule: str) -> bool:
        """Whether to go by a rule. One of a site is called by its own name, too."""
        return (not self.rules or rule in self.rules) and rule not in self.skip


@dataclass(frozen=True)
class Report:
    """What was found in a pack.

    :arg directory: Its absolute path.
    :arg base: The directory that its files are named from where others read it: the repository, if it is in one.
    :arg ignored: Findings that the pack says are to be ignored, with the reason.
    """

    directory: str
    base: str
    ref: t.Optional[str]
    findings: t.Tuple[Finding, ...]
    ignored: t.Tuple[t.Tuple[Finding, Ignore], ...] = ()

    @property
    def name(self) -> str:
        """The ref, else the name of the directory."""
        return self.ref or os.path.basename(self.directory)

    def path_of(self, finding: Finding) -> str:
        """The path of a finding's file from the base; of the pack as a whole that of its pack.yaml."""
        file = _MANIFEST if finding.file == "." else finding.file
        return os.path.relpath(os.path.join(self.directory, file), self.base)


def find_packs(paths: t.Sequence[str]) -> t.List[t.Tuple[str, str]]:
    """The packs at some paths, each with the path that named it: one itself, or a directory with packs in it.

    :raises OptionError: for what is no directory.
    """
    found: t.Dict[str, str] = {}
    for path in paths:
        path = os.path.abspath(path)
        if not os.path.isdir(path):
            raise OptionError(f"There is no directory {path} with a pack to check.")
        inside = []
        if not os.path.lexists(os.path.join(path, _MANIFEST)):
            try:
                names = sorted(os.listdir(path))
            except OSError as error:
                raise OptionError(f"The directory {path} cannot be read: {error.strerror}.") from error
            inside = [one for name in names for one in [os.path.join(path, name)] if _is_pack(one)]
        for one in inside or [path]:
            found.setdefault(one, path)
    return list(found.items())


def _is_pack(path: str) -> bool:
    return os.path.isdir(path) and os.path.lexists(os.path.join(path, _MANIFEST))


def check_pack(directory: str, named: str, wanted: Wanted, scratch: str) -> Report:
    """Check one pack. Nothing of it is run, and it is given up when it takes too long.

    :arg named: The path that named it.
    :raises MissingLibraryError: without PyYAML, jsonschema or semver.
    :raises St2Error: when an interpreter cannot be used.
    """
    work = functools.partial(_look, directory, wanted, scratch)
    try:
        answer = bounded(work, seconds=wanted.seconds, most_memory=_MOST_MEMORY)
    except NotFinishedError as error:
        text = f"the pack was not checked completely: {error.message}"
        answer = {"findings": [dataclasses.asdict(LIMIT.at(".", text))], "ignores": []}
    findings = [Finding(**one) for one in answer["findings"]]
    ignores = [Ignore(**dict(one, lines=tuple(one["lines"]))) for one in answer["ignores"]]
    about = About(directory, answer.get("ref"), answer.get("metadata") or {}, answer.get("files") or [])
    for rule in wanted.site_rules:
        findings += run_site_rule(rule, about, seconds=wanted.seconds, environment=wanted.environment, scratch=scratch)
    stay, ignored = divide([finding for finding in findings if wanted.asks_for(finding.rule)], ignores)
    known = {rule.id for rule in catalogue.RULES} | {f"site-{rule.name}" for rule in wanted.site_rules}
    known.update(finding.rule for finding in findings)
    asked = {rule for rule in known if wanted.asks_for(rule)}
    stay += [finding for finding in useless(ignores, known, asked) if wanted.asks_for(finding.rule)]
    own = [dataclasses.replace(finding, pack=directory) for finding in stay]
    return Report(
        directory,
        _base(directory, named),
        about.ref,
        tuple(sorted(set(own), key=lambda one: one.place)),
        tuple(ignored),
    )


def _look(directory: str, wanted: Wanted, scratch: str) -> t.Dict[str, t.Any]:
    """What the rules find in a pack, as JSON can hold it."""
    pack = Pack(directory, wanted.against, scratch)
    findings: t.List[Finding] = []
    for check in catalogue.CHECKS:
        try:
            for finding in itertools.islice(check(pack), _MOST_FINDINGS):
                findings.append(finding)
        except RecursionError:
            what = check.__module__.rpartition(".")[2]
            findings.append(LIMIT.at(".", f"something in the pack is nested too deeply for the rules of {what}"))
    if len(findings) >= _MOST_FINDINGS:
        findings.append(LIMIT.at(".", f"there are more than {_MOST_FINDINGS} findings: not all of them are returned"))
    ignores, more = read_ignores(pack, wanted.ignore_file)
    document = pack.manifest.document if pack.manifest else {}
    metadata = json.loads(json.dumps({str(key): value for key, value in document.items()}, default=str, skipkeys=True))
    return {
        "ref": pack.ref,
        "metadata": metadata,
        "files": [path for path in pack.files if path.isprintable()] if wanted.site_rules else [],
        "findings": [dataclasses.asdict(finding) for finding in [*findings, *more]],
        "ignores": [dataclasses.asdict(ignore) for ignore in ignores],
    }


def _base(directory: str, named: str) -> str:
    path = directory
    while True:
        if os.path.lexists(os.path.join(path, ".git")):
            return path
        above = os.path.dirname(path)
        if above == path:
            return named
        path = above
