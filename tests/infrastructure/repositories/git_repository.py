# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bare git repositories written in one `git fast-import` each, with the same commit ids on every machine and day."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import tempfile
import typing as t
from pathlib import Path

import yaml

from ..environment import clean_environment
from ..packs.tree import SUBMODULE, PackTree, Tree, TreeFile

EPOCH = 1_600_000_000
"""Date of the first commit, seconds; each further one is a minute later."""
AUTHOR = "A. Tester <tester@example.com>"
NOWHERE = "0" * 40
LARGE = 1 << 20
"""Bytes of what git is told, from which on a repository is written anew each time."""


class GitError(AssertionError):
    """A git command of the tests' own failed; the message has its output."""


def run_git(*arguments: t.Union[str, Path], data: t.Optional[bytes] = None, check: bool = True) -> str:
    """Run git, free of this machine's configuration, and return what it printed, less the last newline.

    Raises `GitError` where it fails, unless ``check`` is false.
    """
    environment = clean_environment(
        GIT_CONFIG_COUNT="1", GIT_CONFIG_KEY_0="safe.directory", GIT_CONFIG_VALUE_0="*", GIT_TERMINAL_PROMPT="0"
    )
    command = ["git", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, env=environment, check=False)
    if check and done.returncode:
        raise GitError(f"{' '.join(command)}: {done.stderr.decode(errors='replace')}")
    return done.stdout.decode(errors="replace").rstrip()


class Commit:
    """A commit of a `GitRepository`: its files, its parent, and after `GitRepository.build` its full id."""

    def __init__(self, mark: int, files: t.Mapping[str, TreeFile], parent: t.Optional[Commit]) -> None:
        self.mark = mark
        self.files = files
        self.parent = parent
        self._sha: t.Optional[str] = None

    @property
    def sha(self) -> str:
        """The 40 hex digits. Raises AssertionError before the repository is built."""
        assert self._sha, "the repository is not built yet"
        return self._sha

    @property
    def short(self) -> str:
        """The first 7 digits."""
        return self.sha[:7]

    @property
    def version(self) -> str:
        """What the pack.yaml at the root says; "" where there is none or it has no version."""
        try:
            found = yaml.safe_load(self.files["pack.yaml"].content)
        except (KeyError, yaml.YAMLError):
            return ""
        return str(found.get("version", "")) if isinstance(found, dict) else ""


class GitRepository:
    """A bare repository at ``path``; commits, tags and branches are said first, `build` writes them in one go.

    :arg path: where it shall be; ``.git`` at the end is optional for those who ask by URL.
    :arg default_branch: the name of the branch that HEAD points at.
    :arg filters: whether clients may ask for partial clones and for any commit by its id, as public hosts allow.
    """

    def __init__(self, path: t.Union[str, Path], default_branch: str = "main", filters: bool = True) -> None:
        self.path = Path(path)
        self.default_branch = default_branch
        self.filters = filters
        self.commits: t.List[Commit] = []
        self.branches: t.Dict[str, Commit] = {}
        self.tags: t.Dict[str, Commit] = {}
        self._annotated: t.Set[str] = set()
        self._removed: t.List[str] = []
        self._detached: t.Optional[Commit] = None
        self._stream: t.List[bytes] = []
        self._written = 0
        self._made = False

    def commit(
        self,
        tree: Tree,
        message: t.Optional[str] = None,
        branch: t.Optional[str] = None,
        parent: t.Optional[Commit] = None,
        on_branch: bool = True,
    ) -> Commit:
        """Add a commit whose whole content is ``tree`` and return it.

        It goes on top of ``branch`` (the default branch unless given); a new branch begins at ``parent``, or without
        one at the tip of the default branch. With ``on_branch=False`` no branch takes it: tag it, or lose it.
        """
        name = branch or self.default_branch
        base = parent or self.branches.get(name) or self.branches.get(self.default_branch)
        new = Commit(len(self.commits) + 1, dict(tree.files), base)
        self.commits.append(new)
        if message is None:
            message = f"{tree.ref} {tree.version}" if isinstance(tree, PackTree) else f"Commit {new.mark}"
        self._stream.append(_commit_command(new, message))
        if on_branch:
            self.branches[name] = new
        return new

    def release(self, tree: PackTree, annotated: bool = False, branch: t.Optional[str] = None) -> Commit:
        """Commit a pack and tag it ``v`` and its version."""
        new = self.commit(tree, branch=branch)
        self.tag(f"v{tree.version}", new, annotated)
        return new

    def tag(self, name: str, commit: t.Optional[Commit] = None, annotated: bool = False) -> GitRepository:
        """Set a tag, on the tip of the default branch unless given; an existing one moves."""
        self.tags[name] = commit or self.branches[self.default_branch]
        self._annotated.discard(name)
        if annotated:
            self._annotated.add(name)
        return self

    def branch(self, name: str, commit: t.Optional[Commit] = None) -> GitRepository:
        """Set a branch, on the tip of the default branch unless given; an existing one moves, as by a forced push."""
        self.branches[name] = commit or self.branches[self.default_branch]
        return self

    def delete_tag(self, name: str) -> GitRepository:
        """Take a tag away."""
        del self.tags[name]
        self._removed.append(f"refs/tags/{name}")
        return self

    def delete_branch(self, name: str) -> GitRepository:
        """Take a branch away."""
        del self.branches[name]
        self._removed.append(f"refs/heads/{name}")
        return self

    def detach_head(self, commit: t.Optional[Commit] = None) -> GitRepository:
        """Let HEAD be a commit and no branch: None puts it back on the default branch."""
        self._detached = commit
        return self

    def build(self) -> GitRepository:
        """Write everything said since the last `build`. May be called again: the repository then moves on."""
        stream = self._whole_stream() if self.commits or self._removed else b""
        if self._made:
            self._import(stream)
        else:
            self._make(stream)
        head = self._detached.sha if self._detached else f"ref: refs/heads/{self.default_branch}"
        (self.path / "HEAD").write_text(head + "\n")
        return self

    def sha(self, revision: str = "HEAD") -> str:
        """Return the commit that git itself finds for a revision of the built repository."""
        return run_git("-C", self.path, "rev-parse", "--verify", f"{revision}^{{commit}}")

    @property
    def head(self) -> Commit:
        """The tip of the default branch."""
        return self.branches[self.default_branch]

    @property
    def versions(self) -> t.List[str]:
        """The versions that are tagged ``v<version>``, in the order of tagging."""
        return [name[1:] for name in self.tags if name.startswith("v")]

    def _make(self, stream: bytes) -> None:
        """Make the repository, or copy one that was made of the same: commit ids are the same each time."""
        made_of = (self.default_branch, self.filters, stream)
        same = _built.get(made_of)
        if same:
            shutil.copytree(same.path, self.path, symlinks=True, dirs_exist_ok=True)
            self._import(b"", same.commits)
        else:
            run_git("init", "--quiet", "--bare", "--template=", "--initial-branch", self.default_branch, self.path)
            if self.filters:
                with (self.path / "config").open("a") as config:
                    config.write("[uploadpack]\n\tallowFilter = true\n\tallowAnySHA1InWant = true\n")
            self._import(stream)
            if len(stream) < LARGE:
                _built[made_of] = _Built(_kept() / str(len(_built)), [one.sha for one in self.commits])
                shutil.copytree(self.path, _built[made_of].path, symlinks=True)
        self._made = True

    def _whole_stream(self) -> bytes:
        stream = list(self._stream)
        for name, commit in self.branches.items():
            stream.append(f"reset refs/heads/{name}\nfrom :{commit.mark}\n\n".encode())
        for name, commit in self.tags.items():
            stream.append(self._tag_command(name, commit))
        for ref in [*self._removed, "refs/being-built"]:
            stream.append(f"reset {ref}\nfrom {NOWHERE}\n\n".encode())
        return b"".join(stream)

    def _import(self, stream: bytes, known: t.Sequence[str] = ()) -> None:
        """Hand a stream to git, unless the ids of all commits are known, and note the ids."""
        marks = self.path / "marks.infrastructure"
        if stream:
            marks.write_text("".join(f":{c.mark} {c.sha}\n" for c in self.commits[: self._written]))
            run_git(
                "-C", self.path, "-c", "fastimport.unpackLimit=0",
                "fast-import", "--quiet", "--force", f"--import-marks={marks}", f"--export-marks={marks}",
                data=stream,
            )  # fmt: skip
            for line in marks.read_text().splitlines():
                mark, sha = line.split()
                if int(mark[1:]) <= len(self.commits):
                    self.commits[int(mark[1:]) - 1]._sha = sha
            marks.unlink()
        for commit, sha in zip(self.commits, known):
            commit._sha = sha
        self._stream, self._removed, self._written = [], [], len(self.commits)

    def _tag_command(self, name: str, commit: Commit) -> bytes:
        if name not in self._annotated:
            return f"reset refs/tags/{name}\nfrom :{commit.mark}\n\n".encode()
        when = EPOCH + 60 * commit.mark
        return f"tag {name}\nfrom :{commit.mark}\ntagger {AUTHOR} {when} +0000\n".encode() + _data(f"Release {name}\n")


class _Built(t.NamedTuple):
    """A repository as it was when it had just been made, at ``path``, and the ids of its commits."""

    path: Path
    commits: t.Sequence[str]


_built: t.Dict[t.Tuple[str, bool, bytes], _Built] = {}
_places: t.List[Path] = []


def _kept() -> Path:
    """The directory for copies of repositories, which goes with this process."""
    if not _places:
        _places.append(Path(tempfile.mkdtemp(prefix="repositories-")))
        atexit.register(shutil.rmtree, _places[0], ignore_errors=True)
    return _places[0]


def _data(content: t.Union[str, bytes]) -> bytes:
    body = content.encode() if isinstance(content, str) else content
    return b"data %d\n%s\n" % (len(body), body)


def _quoted(path: str) -> bytes:
    escaped = path.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return b'"' + escaped.encode() + b'"'


def _commit_command(commit: Commit, message: str) -> bytes:
    """Return the fast-import command of a commit: only what differs from its parent."""
    when = EPOCH + 60 * commit.mark
    lines = [f"reset refs/being-built\nfrom {NOWHERE}\n\n" if commit.parent is None else ""]
    lines.append(f"commit refs/being-built\nmark :{commit.mark}\ncommitter {AUTHOR} {when} +0000\n")
    parts = ["".join(lines).encode(), _data(message)]
    before: t.Mapping[str, TreeFile] = {}
    if commit.parent is not None:
        parts.append(f"from :{commit.parent.mark}\n".encode())
        before = commit.parent.files
    parts.extend(b"D %s\n" % _quoted(path) for path in before if path not in commit.files)
    for path, file in commit.files.items():
        if before.get(path) == file:
            continue
        if file.mode == SUBMODULE:
            parts.append(b"M %o %s %s\n" % (file.mode, file.content, _quoted(path)))
        else:
            parts.append(b"M %o inline %s\n" % (file.mode, _quoted(path)) + _data(file.content))
    return b"".join(parts) + b"\n"
