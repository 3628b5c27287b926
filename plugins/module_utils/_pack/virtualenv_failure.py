# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""What pip and uv say when they cannot install something, as one clause that names the package."""

from __future__ import annotations

import re

_LONGEST = 200
_NAME = r"[A-Za-z0-9][A-Za-z0-9._-]*"
# What a program says, and what that means; the first that is found counts. {0} is the first group, {1} the second.
_MEANINGS = (
    # pip
    (r"No matching distribution found for ([^\n]+)", "no matching package for {0}"),
    (r"Cannot install ([^\n]+?) because these package versions have conflicting", "{0} conflict with each other"),
    (rf"(?:Failed building wheel for|Failed to build) ({_NAME})", "{0} cannot be built"),
    (rf"(?:╰─>|Could not build wheels for) ({_NAME})(?:\s*$|,)", "{0} cannot be built"),
    (rf"/pip-install-\w+/({_NAME})_[0-9a-f]{{32}}/", "{0} cannot be built"),
    (r"git clone [^\n]*?(\S+://\S+)", "{0} cannot be cloned"),
    (rf"Package '({_NAME})' requires a different Python: ([^\n]+)", "{0} is not for this Python ({1})"),
    # uv
    (r"Because (\S+) was not found in the [^\n]*and you require ([^\s,]+)", "no matching package for {1}"),
    (r"Because (\S+) was not found in the", "there is no package {0}"),
    (r"Because there (?:is|are) no versions? of ([^\s,]+)", "no matching package for {0}"),
    (r"because you require ([^\n]+?), we can conclude", "{0} cannot be installed together with the other requirements"),
    (r"(\S+) depends on ([^\s,]+)", "{0}, which needs {1}, conflicts with another requirement"),
    (
        r"Failed to (?:build|download and build|fetch|download|prepare distribution for):? `([^`]+)`",
        "{0} cannot be fetched or built",
    ),
    (r"Couldn't parse requirement[^\n]*\n\s*(?:cause: |Caused by: )?([^\n]+)", "{0}"),
)
_PATTERNS = tuple((re.compile(pattern, re.MULTILINE), meaning) for pattern, meaning in _MEANINGS)
_AT_WORK = re.compile(r"^\s*(?:Collecting|Obtaining|Processing|Building wheel for) (\S+)", re.MULTILINE)
_ERROR = re.compile(r"^\s*(?:ERROR|error|fatal|\w*Error): (.+)$", re.MULTILINE)


def reason(stderr: str, stdout: str = "", status: int = 1) -> str:
    """Why requirements cannot be installed, as a clause that names the package where the program tells it.

    :arg stderr: What the program said.
    :arg stdout: What it said meanwhile.
    :arg status: Its exit status, for one that said nothing; negative for a signal.
    """
    unwrapped = " ".join(stderr.split())
    for pattern, meaning in _PATTERNS:
        found = pattern.search(stderr) or pattern.search(unwrapped)
        if found:
            return _short(meaning.format(*(" ".join(word.split()) for word in found.groups())))
    last = _ERROR.findall(stderr) or stderr.strip().splitlines()[-1:]
    said = last[-1] if last else f"it ended with exit status {status} and no error message"
    at_work = _AT_WORK.findall(stdout)
    return _short(f"{at_work[-1]}: {said}" if at_work else said)


def _short(text: str) -> str:
    text = " ".join(text.split()).rstrip(".")
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}..."
