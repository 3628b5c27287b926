# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""The rules as an inspection of packs that an index lists."""

from __future__ import annotations

import hashlib
import sys
import tempfile
import typing as t

from .._content.request import PackRequest
from .._deadline import Deadline
from .._index.inspection import Findings, Inspection
from . import catalogue
from .check import Wanted, check_pack
from .pack import Against

# Of the form of what is kept, and of rules that find something else than before under the same name.
_FORMAT = 1
_MOST_SECONDS = 120.0
_MOST_KEPT = 500
# What depends on where the files lie, which is no matter of the pack.
_SKIPPED = ("pack-directory",)
_SHOWN = ("rule", "level", "file", "line", "message")


def lint_inspection(
    scratch: str,
    deadline: Deadline,
    environment: t.Mapping[str, str],
    judged: t.Callable[[PackRequest], bool] = lambda _request: False,
) -> Inspection:
    """How packs are checked by all rules; an error among the findings refuses a version of what is judged.

    :arg scratch: A directory of this run alone.
    """

    def look(directory: str) -> Findings:
        deadline.check("packs were checked")
        wanted = Wanted(Against(), skip=_SKIPPED, seconds=_MOST_SECONDS, environment=environment)
        with tempfile.TemporaryDirectory(dir=scratch) as own:
            report = check_pack(directory, directory, wanted, own)
        found = [finding.as_dict() for finding in report.findings[:_MOST_KEPT]]
        return [{key: one[key] for key in _SHOWN} for one in found]

    return Inspection(look, _key(), judged, refusal)


def refusal(findings: Findings) -> t.Optional[str]:
    """Why a version is not to be listed."""
    errors = [one for one in findings if one["level"] == "error"]
    if not errors:
        return None
    more = f", and {len(errors) - 1} more" if len(errors) > 1 else ""
    return f"the lint refuses it: {sentence(errors[0])}{more}"


def sentence(finding: t.Mapping[str, t.Any]) -> str:
    """A finding in a line, with file and line."""
    place = f"{finding['file']}:{finding['line']}" if finding["line"] else finding["file"]
    return f"{place}: {finding['rule']}: {finding['message']}"


def _key() -> str:
    """What findings depend on beside the files: the rules, and the Python that compiles."""
    said = repr((_FORMAT, catalogue.RULES, Against().stackstorm_version, sys.version_info[:2]))
    return f"lint-{hashlib.sha256(said.encode()).hexdigest()[:16]}"
