# Copyright: Contributors to the stackstorm.st2 project
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# This code is private to the stackstorm.st2 collection: do not import it elsewhere.

"""Registration pack by pack, for when all together are refused: who is at fault, each with the reason."""

from __future__ import annotations

import typing as t

from .._errors import InvalidContentError, RegistrationError, ServerError
from .registration import PackFiles, Registered

# What is said of a pack. Any other error is said of StackStorm, the account or the way there, and ends the work.
REFUSALS = (InvalidContentError, ServerError)


def register_each(packs: t.Sequence[PackFiles], register: t.Callable[[PackFiles], Registered]) -> Registered:
    """Every pack for itself, whatever becomes of the others.

    One that is refused is tried again when a later one was taken, as it may need what that one has (a rule the
    trigger of another pack): in one registration for all StackStorm takes the triggers of all packs first.

    :arg register: Registers one pack.
    :raises RegistrationError: with C(taken) and C(refused); C(ref) is the first pack that was refused.
    """
    done = Registered()
    taken: t.Set[str] = set()
    refused: t.Dict[str, RegistrationError] = {}
    left = list(packs)
    while left:
        again = False
        for pack in left:
            try:
                done = done.add(register(pack))
            except REFUSALS as error:
                refused[pack.ref] = error
            except RegistrationError as error:
                raise _with_outcome(error, packs, taken, refused, pack.ref) from None
            else:
                again = again or any(one.ref in refused for one in left[: left.index(pack)])
                refused.pop(pack.ref, None)
                taken.add(pack.ref)
        left = [pack for pack in left if pack.ref in refused] if again else []
    if refused:
        raise refusal(packs, taken, refused)
    return done


def refusal(
    packs: t.Sequence[PackFiles], taken: t.Collection[str], refused: t.Mapping[str, RegistrationError]
) -> RegistrationError:
    """One error for all packs that were refused; for a single pack it is that pack's."""
    first = next(pack.ref for pack in packs if pack.ref in refused)
    error = refused[first]
    if len(packs) > 1:
        reasons = " ".join(f"{pack.ref}: {refused[pack.ref].message}" for pack in packs if pack.ref in refused)
        kinds = {type(one) for one in refused.values()}
        kind = ServerError if kinds == {ServerError} else InvalidContentError
        error = kind(f"{len(refused)} of {len(packs)} packs cannot be registered. {reasons}")
    return _with_outcome(error, packs, taken, refused, first)


def _with_outcome(
    error: RegistrationError,
    packs: t.Sequence[PackFiles],
    taken: t.Collection[str],
    refused: t.Mapping[str, RegistrationError],
    ref: str,
) -> RegistrationError:
    error.ref = error.ref or ref
    error.taken = tuple(pack.ref for pack in packs if pack.ref in taken)
    error.refused = {pack.ref: refused[pack.ref].message for pack in packs if pack.ref in refused}
    return error
