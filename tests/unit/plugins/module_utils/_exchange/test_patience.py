# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Servers that say that they are asked too much are left alone."""

from __future__ import annotations

import pytest

from ansible_collections.stackstorm.st2.plugins.module_utils._deadline import Deadline
from ansible_collections.stackstorm.st2.plugins.module_utils._errors import SourceError
from ansible_collections.stackstorm.st2.plugins.module_utils._exchange.patience import Refusal, refusal_of
from ansible_collections.stackstorm.st2.plugins.module_utils._process import Completed, ProgramError
from ansible_collections.stackstorm.st2.tests.unit.plugins.module_utils._exchange.exchange_host import Pauses

URL = "https://git.example.com/acme/dns.git"
SAID = "fatal: unable to access 'https://git.example.com/acme/dns.git/': The requested URL returned error: {}"
NOW = 1_800_000_000.0


def refusal(status="429", trace=""):
    return refusal_of(ProgramError("failed", Completed(128, "", SAID.format(status))), trace, NOW)


@pytest.mark.parametrize(
    ("trace", "seconds"),
    [
        ("", None),
        ("12:00 http.c:756 <= Recv header: Retry-After: 30\n", 30),
        ("<= Recv header: retry-after: 10\r\n<= Recv header: retry-after: 20\r\n", 20),
        ("<= Recv header: Retry-After: Fri, 15 Jan 2027 08:00:40 GMT\n", 40),
        ("<= Recv header: Retry-After: Fri, 15 Jan 1999 08:00:40 GMT\n", 0),
        ("<= Recv header: Retry-After: soon\n", None),
    ],
)
def test_how_long_is_read_from_the_headers(trace, seconds):
    assert refusal(trace=trace) == Refusal("429", seconds)


def test_other_failures_are_no_refusals():
    assert refusal("503") == Refusal("503")
    assert refusal("404") is None


@pytest.fixture
def pauses():
    return Pauses()


@pytest.fixture
def patience(pauses):
    return pauses.patience()


def test_a_server_is_left_alone_as_long_as_it_wants(patience, pauses):
    patience.wait(URL, Deadline(600))
    assert patience.refused(URL, Refusal("429", 30))
    patience.wait("https://git.example.com/acme/other.git", Deadline(600))
    patience.wait("https://other.example.com/acme/dns.git", Deadline(600))
    assert len(pauses) == 1
    assert 25 < pauses[0] < 45


def test_without_a_word_the_pauses_grow_and_end(patience, pauses):
    answers = []
    while not answers or answers[-1]:
        patience.wait(URL, Deadline(600))
        answers.append(patience.refused(URL, Refusal("503")))
    assert answers == [True, True, True, False]
    assert pauses[0] < pauses[2]
    with pytest.raises(SourceError, match="was not asked again in this run, since it answers that it is asked too"):
        patience.wait(URL, Deadline(600))


def test_a_server_that_wants_more_time_than_there_is_is_not_waited_for(patience, pauses):
    patience.refused(URL, Refusal("429", 100))
    with pytest.raises(SourceError, match="wants to be left alone for"):
        patience.wait(URL, Deadline(50))
    assert pauses == []


def test_what_was_done_counts_anew(patience):
    for _try in range(10):
        assert patience.refused(URL, Refusal("429", 0))
        patience.answered(URL)


def test_a_server_that_hangs_is_not_asked_for_ever(patience):
    for _repository in range(4):
        patience.wait(URL, Deadline(600))
        patience.unanswered(URL)
    with pytest.raises(SourceError, match="since it did not answer in time, 4 times in a row"):
        patience.wait(URL, Deadline(600))


def test_one_answer_is_enough_to_go_on_asking(patience):
    for _repository in range(3):
        patience.unanswered(URL)
    patience.answered(URL)
    patience.unanswered(URL)
    patience.wait(URL, Deadline(600))
