# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The git program: which secrets it shows (none), what of a repository it runs (nothing), whom it answers."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from infrastructure.packs import PackTree
from infrastructure.repositories import run_git
from infrastructure.servers import CertificateAuthority, GitHttpsServer

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import DeadlineError, SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Completed, ProgramError
from ansible_collections.stackstorm.st2.plugins.module_utils._secrets import Credentials, Redactor
from ansible_collections.stackstorm.st2.plugins.module_utils._source.git_program import Git, GitAccess, fetch_failure
from ansible_collections.stackstorm.st2.plugins.module_utils._st2.proxy import Proxy
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._source.real_git import git_at, releases

CANARY = "c4n4ry/p@ss:word %41'\"$(id)"
CREDENTIALS = Credentials("me@example.com", CANARY)
EVERYTHING = "#!/bin/sh\ntouch {}\nexit 0\n"


@pytest.fixture(scope="module")
def ca(tmp_path_factory):
    return CertificateAuthority(tmp_path_factory.mktemp("ca"))


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A directory with one repository, C(demo)."""
    root = tmp_path_factory.mktemp("served")
    releases(root / "demo.git", "demo", "1.0.0")
    return root


@pytest.fixture
def server(ca, served):
    with GitHttpsServer(served, ca, CREDENTIALS.username, CREDENTIALS.password) as one:
        yield one


def trusting(ca, **more):
    return Proxy(ca_bundle=str(ca.ca_file), **more)


def environment_of(git, url=""):
    """The environment that a git command gets, from a program that this command starts."""
    lines = git("-c", "alias.environment=!env", "environment", url=url).stdout.splitlines()
    return dict(line.partition("=")[::2] for line in lines if "=" in line)


def everything_below(directory):
    """All names and contents below a directory, as bytes."""
    found = []
    for path in directory.rglob("*"):
        found.append(os.fsencode(path))
        if path.is_file() and not path.is_symlink():
            found.append(path.read_bytes())
    return b"\n".join(found)


# Credentials


def test_credentials_open_a_repository_and_show_nowhere(ca, server, tmp_path):
    bin_directory = tmp_path / "bin"
    bin_directory.mkdir()
    trace = tmp_path / "trace"
    program = bin_directory / "git"
    program.write_text(f'#!/bin/sh\nexport GIT_TRACE={trace}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    environment = {"PATH": f"{bin_directory}:{os.environ['PATH']}"}
    git = git_at(tmp_path, credentials=CREDENTIALS, proxy=trusting(ca), environment=environment)
    url = f"{server.url}/demo.git"
    git("clone", "--quiet", url, str(tmp_path / "clone"), url=url)
    assert (tmp_path / "clone/pack.yaml").is_file()
    assert [request.status for request in server.requests if request.authenticated]
    # The trace has the arguments of every program that git started.
    arguments = trace.read_text()
    assert "remote-https" in arguments and "git-credential" in everything_below(tmp_path / "scratch").decode()
    for text in (arguments.encode(), everything_below(tmp_path)):
        assert CANARY.encode() not in text
        assert b"c4n4ry" not in text
    assert run_git("-C", tmp_path / "clone", "config", "remote.origin.url") == url


def test_without_credentials_there_is_no_prompt(ca, server, tmp_path):
    git = git_at(tmp_path, proxy=trusting(ca))
    url = f"{server.url}/demo.git"
    with pytest.raises(ProgramError) as caught:
        git("ls-remote", url, url=url)
    error = fetch_failure(url, caught.value)
    assert isinstance(error, SourceError)
    assert error.message.startswith(f"The repository {url} cannot be fetched: ")
    assert error.message.endswith("The server wants credentials: give token, or username and password.")


def test_wrong_credentials_are_not_asked_again_and_not_told(ca, server, tmp_path):
    git = git_at(tmp_path, credentials=Credentials("me", "wrong-c4n4ry"), proxy=trusting(ca))
    url = f"{server.url}/demo.git"
    with pytest.raises(ProgramError) as caught:
        git("ls-remote", url, url=url)
    assert len([request for request in server.requests if request.authenticated]) == 1
    error = fetch_failure(url, caught.value)
    assert "Authentication failed" in error.message and "give token" in error.message
    assert "refuses the credentials" in fetch_failure(url, caught.value, git.access).message
    assert "c4n4ry" not in f"{error.message}{error.stderr}{caught.value.completed}"


def test_a_redirect_to_another_origin_gets_no_credentials(ca, server, served, tmp_path):
    with GitHttpsServer(served, ca, "x", "y") as thief:
        server.faults.redirect_to = thief.url
        git = git_at(tmp_path, credentials=CREDENTIALS, proxy=trusting(ca))
        url = f"{server.url}/demo.git"
        with pytest.raises(ProgramError):
            git("ls-remote", url, url=url)
        assert thief.requests and not any(request.authenticated for request in thief.requests)
        server.faults.redirect_to = thief.url.replace("https://", f"https://me%40example.com@{server.url[8:]}@")
        with pytest.raises(ProgramError):
            git("ls-remote", url, url=url)
        assert not any(request.authenticated for request in thief.requests)


def test_credentials_that_the_account_stores_are_not_used_and_not_written(ca, server, tmp_path):
    store = tmp_path / "store"
    store.write_text(f"https://me:from-the-store@{server.url[8:]}\n")
    (tmp_path / ".gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n\tuseHttpPath = true\n")
    git = git_at(tmp_path, credentials=CREDENTIALS, proxy=trusting(ca))
    url = f"{server.url}/demo.git"
    assert "refs/heads/main" in git("ls-remote", url, url=url).stdout
    assert store.read_text() == f"https://me:from-the-store@{server.url[8:]}\n"
    # Without credentials of the task, the account's are as good as on the command line.
    server.password, server.username = "from-the-store", "me"
    (tmp_path / ".gitconfig").write_text(f"[credential]\n\thelper = store --file {store}\n")
    assert "refs/heads/main" in git_at(tmp_path, proxy=trusting(ca))("ls-remote", url, url=url).stdout


PLACE = "https://git.example.com:8443"
RIGHT = "protocol=https\nhost=git.example.com:8443\n"


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        (RIGHT, True),
        (f"{RIGHT}path=org/demo.git\nusername=other\nwwwauth[]=Basic realm=x\n", True),
        (RIGHT.replace("https", "http"), False),
        (RIGHT.replace(":8443", ""), False),
        (RIGHT.replace("8443", "443"), False),
        (RIGHT.replace("git.", "evil."), False),
        (RIGHT.replace(".com", ".com.evil.net"), False),
        ("protocol=https\nhost=evil.net\nhost=git.example.com:8443\n", False),
        ("protocol=https\nhost=evil.net\n\nhost=git.example.com:8443\n", False),
        ("protocol=https\nhost=evil.net\nusername='https://git.example.com:8443'\n", False),
        ("protocol=http\nprotocol=https\nhost=git.example.com:8443\n", False),
        ("protocol=https\nhost=*\n", False),
        ("host=git.example.com:8443\n", False),
        ("", False),
    ],
)
def test_the_credential_program_answers_for_its_own_place_only(tmp_path, question, answered):
    url = f"{PLACE}/org/demo.git"
    environment = environment_of(git_at(tmp_path, credentials=CREDENTIALS), url)
    for operation, wanted in (("get", answered), ("store", False), ("erase", False), ("", False)):
        command = ["sh", environment["ST2_GIT_CREDENTIAL"], operation]
        program = {**os.environ, **environment, "ST2_GIT_PASSWORD": CANARY}
        done = subprocess.run(command, input=f"{question}\n".encode(), env=program, capture_output=True, check=True)
        expected = f"username=me@example.com\npassword={CANARY}\n" if wanted else ""
        assert (done.stdout.decode(), done.stderr) == (expected, b"")


def test_only_the_command_that_needs_them_has_credentials(tmp_path):
    git = git_at(tmp_path, credentials=lambda url: CREDENTIALS if url.startswith(PLACE) else Credentials())
    assert environment_of(git, f"{PLACE}/demo")["ST2_GIT_PASSWORD"] == CANARY
    for url in ("", "https://elsewhere.example.com/demo"):
        environment = environment_of(git, url)
        assert not any(name.startswith("ST2_") for name in environment)
        assert CANARY not in str(environment)


def test_output_is_free_of_secrets(tmp_path):
    git = git_at(tmp_path, credentials=Credentials("me", "hunter22"))
    with pytest.raises(ProgramError) as caught:
        git("ls-remote", "https://me:hunter22@127.0.0.1:1/demo")
    assert "hunter22" not in f"{caught.value.message}{caught.value.stderr}{caught.value.completed}"


# What may run


def test_transports_that_run_programs_are_refused(tmp_path):
    git = git_at(tmp_path, environment={"GIT_ALLOW_PROTOCOL": "ext", "GIT_PROTOCOL_FROM_USER": "1"})
    marker = tmp_path / "marker"
    (tmp_path / ".gitconfig").write_text('[protocol]\n\tallow = always\n[protocol "ext"]\n\tallow = always\n')
    for url in (f"ext::touch {marker}", "fd::0", "gopher::x", "ftp://127.0.0.1:1/x"):
        with pytest.raises(ProgramError, match="not allowed"):
            git("ls-remote", url)
    assert not marker.exists()


def test_nothing_of_a_source_repository_runs(tmp_path):
    marker, source = tmp_path / "marker", tmp_path / "source"
    program = tmp_path / "program"
    program.write_text(EVERYTHING.format(marker))
    program.chmod(0o755)
    PackTree("demo", minimal=True).add(".gitattributes", "* filter=evil\n").write(source)
    run_git("init", "--quiet", "--initial-branch=main", source)
    run_git("-C", source, "add", ".")
    run_git("-C", source, "-c", "user.name=a", "-c", "user.email=a@example.com", "commit", "--quiet", "-m", "one")
    hooks = source / ".git/hooks"
    hooks.mkdir(exist_ok=True)
    names = ["post-checkout", "post-index-change", "reference-transaction", "pre-auto-gc", "post-merge", "proc-receive"]
    for name in names:
        shutil.copy(program, hooks / name)
    shutil.copytree(hooks, tmp_path / "template/hooks")
    config = f"""
[core]
\tfsmonitor = {program}
\thooksPath = {hooks}
\tsshCommand = {program}
\taskPass = {program}
[uploadpack]
\tpackObjectsHook = {program}
"""
    with (source / ".git/config").open("a") as stream:
        stream.write(f'{config}[filter "evil"]\n\tsmudge = {program}\n\tclean = {program}\n')
    account = f"{config}[init]\n\ttemplateDir = {tmp_path}/template\n"
    # An account that wants a hook around its own packing shall have it.
    (tmp_path / ".gitconfig").write_text(account.replace("[uploadpack]", "[mine]"))
    git = git_at(tmp_path)
    clone = tmp_path / "clone"
    git("clone", "--quiet", "--no-local", str(source), str(clone))
    git("checkout", "--quiet", "--detach", "HEAD", cwd=str(clone))
    git("status", "--porcelain", cwd=str(clone))
    assert (clone / "pack.yaml").is_file()
    assert not marker.exists() and not (clone / ".git/hooks").exists()
    # The same with a plain git: the trap is one.
    run_git("-C", source, "status")
    assert marker.exists()


# What it is told


def test_variables_of_the_account_that_would_mislead_git_are_dropped(tmp_path):
    misleading = {"GIT_DIR": "/nonexistent", "GIT_WORK_TREE": "/", "GIT_TRACE_CURL": "1", "GIT_ASKPASS": "/bin/echo"}
    kept = {"GIT_SSL_CAINFO": "/ca.pem", "LANG": "de_DE.UTF-8", "SSH_AUTH_SOCK": "/agent"}
    environment = environment_of(git_at(tmp_path, environment={**misleading, **kept, "LC_ALL": "de_DE.UTF-8"}))
    assert {name: environment.get(name) for name in kept} == kept
    assert "GIT_TRACE_CURL" not in environment and environment.get("GIT_WORK_TREE") != "/"
    assert (environment["GIT_ASKPASS"], environment["GIT_TERMINAL_PROMPT"]) == ("/bin/false", "0")
    assert environment["LC_ALL"] == "C"


@pytest.mark.parametrize("home", ["home", 'höme of "me"'])
@pytest.mark.parametrize("place", [".gitconfig", ".config/git/config"])
def test_the_accounts_own_configuration_stays_in_force(served, tmp_path, home, place):
    path = tmp_path / home / place
    path.parent.mkdir(parents=True)
    path.write_text(f'[url "file://{served}/"]\n\tinsteadOf = https://git.example.com/\n')
    git = git_at(tmp_path, environment={"HOME": str(tmp_path / home)})
    assert "refs/heads/main" in git("ls-remote", "https://git.example.com/demo.git").stdout


def test_a_configuration_named_by_the_environment_stays_in_force(served, tmp_path):
    (tmp_path / "mine").write_text(f'[url "file://{served}/"]\n\tinsteadOf = https://git.example.com/\n')
    git = git_at(tmp_path, environment={"GIT_CONFIG_GLOBAL": str(tmp_path / "mine")})
    assert "refs/heads/main" in git("ls-remote", "https://git.example.com/demo.git").stdout


def test_somebody_elses_repository_can_be_read(tmp_path):
    repository = releases(tmp_path / "demo.git", "demo", "1.0.0")
    git = git_at(tmp_path)
    assert git("config", "--global", "--includes", "--get", "safe.directory").stdout == "*\n"
    assert git("config", "--global", "--includes", "--get", "core.bigFileThreshold").stdout == "32m\n"
    if os.geteuid() == 0:
        for path in (repository.path, *repository.path.rglob("*")):
            os.chown(str(path), 12345, 12345)
    assert "refs/heads/main" in git("ls-remote", f"file://{repository.path}").stdout


def test_no_repository_is_found_by_going_up(tmp_path):
    run_git("init", "--quiet", tmp_path)
    git = git_at(tmp_path)
    (tmp_path / "scratch" / "below").mkdir()
    for directory in (tmp_path / "scratch", tmp_path / "scratch" / "below"):
        assert git("rev-parse", "--git-dir", cwd=str(directory), check=False).returncode != 0


def test_the_proxy_is_the_tasks_and_no_inherited_one(tmp_path):
    inherited = {"http_proxy": "http://old:1", "HTTPS_PROXY": "http://old:1", "no_proxy": "old"}
    environment = environment_of(git_at(tmp_path, environment=inherited))
    assert not any("proxy" in name.lower() for name in environment)
    environment = environment_of(git_at(tmp_path, environment=inherited, proxy=Proxy(https="http://new:2")))
    assert (environment["https_proxy"], environment["HTTPS_PROXY"]) == ("http://new:2", "http://new:2")
    assert "old" not in str({name: value for name, value in environment.items() if "proxy" in name.lower()})


def test_a_ca_bundle_of_the_proxy_is_for_what_goes_through_it(tmp_path):
    proxy = Proxy(https="http://proxy:1", no_proxy="inside", ca_bundle="/ca.pem", ca_bundle_everywhere=False)
    git = git_at(tmp_path, proxy=proxy)
    assert environment_of(git, "https://outside/demo")["GIT_SSL_CAINFO"] == "/ca.pem"
    assert "GIT_SSL_CAINFO" not in environment_of(git, "https://inside/demo")


@pytest.mark.parametrize("more", [{}, {"ssh_key_file": "/keys of mine/deploy", "known_hosts_file": "/known hosts"}])
def test_ssh_never_asks_and_takes_the_tasks_key(tmp_path, more):
    program = tmp_path / "bin/ssh"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {tmp_path}/arguments\nexit 1\n')
    program.chmod(0o755)
    git = git_at(tmp_path, environment={"PATH": f"{program.parent}:{os.environ['PATH']}"}, **more)
    with pytest.raises(ProgramError):
        git("ls-remote", "git@git.example.com:org/demo")
    arguments = (tmp_path / "arguments").read_text().splitlines()
    assert "-oBatchMode=yes" in arguments and "git@git.example.com" in arguments
    assert ("/keys of mine/deploy" in arguments) is ("-oIdentitiesOnly=yes" in arguments) is bool(more)
    assert ("-oUserKnownHostsFile=/known hosts" in arguments) is ("-oStrictHostKeyChecking=yes" in arguments)
    assert ("-oStrictHostKeyChecking=yes" in arguments) is bool(more)


# Its ends


def test_a_server_that_hangs_is_left_at_the_deadline(ca, server, tmp_path):
    server.faults.hang = True
    git = git_at(tmp_path, proxy=trusting(ca), seconds=0.5)
    with pytest.raises(DeadlineError, match=r"0\.5 s"):
        git("ls-remote", f"{server.url}/demo.git")


def test_a_failure_is_an_error_unless_it_is_looked_at(tmp_path):
    git = git_at(tmp_path)
    with pytest.raises(ProgramError, match="git failed with exit status"):
        git("rev-parse", "--verify", "none")
    assert git("rev-parse", "--verify", "none", check=False).returncode == 128


def test_a_host_without_git(tmp_path):
    access = GitAccess(str(tmp_path), Proxy(), lambda _url: Credentials())
    with pytest.raises(SourceError, match=r"git is needed .* install it"):
        Git(access, deadline=Deadline(1), redactor=Redactor(), base_environment={"PATH": str(tmp_path)})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("fatal: could not read Username for 'https://h': terminal prompts disabled", "give token"),
        ("fatal: Authentication failed for 'https://h/x/'", "give token"),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", "Set ssh_key_file"),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", "Set known_hosts_file"),
        ("fatal: unable to access 'https://h/': server certificate verification failed.", "Set ca_bundle"),
        ("remote: Repository not found.\nfatal: repository 'https://h/x/' not found", "Is the address right?"),
        ("fatal: '/srv/x' does not appear to be a git repository", "Is the address right?"),
        ("warning: a\nsomething odd", "cannot be fetched: something odd."),
        ("", "cannot be fetched: git said nothing."),
    ],
)
def test_a_failure_is_told_with_what_to_do(said, expected):
    error = fetch_failure("https://h/x", ProgramError("git failed", Completed(128, "", said)))
    assert error.message.startswith("The repository https://h/x cannot be fetched: ")
    assert expected in error.message
    assert (error.step, error.stderr) == ("fetch", said)


GIVEN_KEY = {"ssh_key_file": "/key", "known_hosts_file": "/hosts"}


@pytest.mark.parametrize(
    ("said", "access", "expected", "unwanted"),
    [
        (
            "fatal: Authentication failed for 'https://h/x/'",
            {"credentials": CREDENTIALS},
            "refuses the cred",
            "give token",
        ),
        ("fatal: Authentication failed for 'https://h/x/'", {"credentials": Credentials("a")}, "beside it", "wants"),
        ("fatal: could not read Username for 'https://h'", {"withholds": True}, "name the repository in the", "give"),
        ("git@h: Permission denied (publickey).", GIVEN_KEY, "refused the key /key (ssh_key_file)", "Set "),
        ("Host key verification failed.", GIVEN_KEY, "is not in /hosts (known_hosts_file)", "Set "),
        ("fatal: certificate", {"proxy": Proxy(ca_bundle="/ca")}, "not in /ca (ca_bundle)", "Set "),
        ("fatal: repository 'https://h/x/' not found", {"credentials": CREDENTIALS}, "may these credentials", "give"),
    ],
)
def test_nothing_is_advised_that_was_given(tmp_path, said, access, expected, unwanted):
    git = git_at(tmp_path, **access)
    message = fetch_failure("https://h/x", ProgramError("git failed", Completed(128, "", said)), git.access).message
    assert expected in message and unwanted not in message
    assert CANARY not in message
