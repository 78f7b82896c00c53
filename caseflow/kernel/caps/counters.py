"""From a measure's ceilings to the counters of one case: their keys, and the room they leave."""

import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from caseflow.kernel.caps.model import TITLES, CapRule, Counter, Room, Subject, Take
from caseflow.kernel.errors import InvalidInput

LONGEST_NAME: Final = 200
FEN_PER_WAN: Final = 1_000_000
OWN: Final = frozenset({"object", "project_year", "project_life"})
"""Scopes that count for an object; one without a name is the case itself."""


def counters_of(rules: Iterable[CapRule], subject: Subject) -> tuple[Counter, ...]:
    """Return the counters on which a case draws, in the order of the rules.

    Raises:
        InvalidInput: the name of the object, or a fact that tells objects apart, is too long.
    """
    return tuple(_counter(rule, subject) for rule in rules)


def promise_key(case_id: int) -> str:
    """Return the key of what a case was given for its child cases."""
    return f"promise:{case_id}"


def promise_of(case_id: int, root_id: int, *, approved_fen: int) -> Counter:
    """Return the counter on which the children of a case draw: what was approved for it."""
    title = TITLES["promise"]
    return Counter(promise_key(case_id), "promise", title, title, approved_fen, None, root_id)


def _counter(rule: CapRule, subject: Subject) -> Counter:
    named = subject.child_id is None and subject.object_name is not None
    return Counter(
        key=_key(rule, subject),
        scope=rule.scope,
        title=rule.title,
        words=rule.words,
        limit_fen=rule.limit_fen,
        limit_times=rule.limit_times,
        root_id=None if named or rule.scope not in OWN else subject.root_id,
        freed_by_recovery=rule.freed_by_recovery,
    )


def _key(rule: CapRule, subject: Subject) -> str:
    whose = f"{subject.measure}:{subject.organisation_id}"
    distinct = "" if rule.distinct is None else f":{_value(rule.distinct, subject)}"
    if rule.scope == "enterprise_clause_year":
        return f"year:{whose}:{subject.year}{distinct}"
    if rule.scope == "enterprise_policy_year":
        return f"policy-year:{subject.policy}:{subject.organisation_id}:{subject.year}"
    if rule.scope == "enterprise_clause_life":
        return f"life:{whose}{distinct}"
    if rule.scope == "project_year":
        return f"object-year:{whose}:{_object(subject)}:{_year(subject)}{distinct}"
    kind = "life" if rule.scope == "project_life" else "object"
    return f"{kind}:{whose}:{_object(subject)}{distinct}"


def _object(subject: Subject) -> str:
    """Return what the case is about: what it was called, else itself; a child is of its root."""
    if subject.child_id is None and subject.object_name is not None:
        return f"name/{_told('support_object', subject.object_name)}"
    return f"case/{subject.root_id}"


def _year(subject: Subject) -> str:
    """Return the year of an object: a child case is one (its opening may slip into the next)."""
    return str(subject.year) if subject.child_id is None else f"child/{subject.child_id}"


def _value(fact: str, subject: Subject) -> str:
    """Return the fact's value; cases that do not tell it are not told apart."""
    return f"{fact}/{_told(fact, str(subject.facts.get(fact, '')))}"


def _told(field: str, words: str) -> str:
    """Return words as a key has them: width, case and spaces make no difference.

    Raises:
        InvalidInput: too long for a name.
    """
    plain = "".join(unicodedata.normalize("NFKC", words).casefold().split())
    if len(plain) > LONGEST_NAME:
        raise InvalidInput(
            f"名称不得超过 {LONGEST_NAME} 字，现为 {len(plain)} 字。",
            fields={field: f"至多 {LONGEST_NAME} 字"},
        )
    return plain


def left_of(
    counters: Sequence[Counter],
    used: Mapping[str, tuple[int, int]],
    held: Mapping[str, Take],
) -> tuple[Room, ...]:
    """Return what each counter leaves for a case that holds `held`; `used` is (fen, times)."""
    return tuple(_room(counter, used, held) for counter in counters)


def _room(counter: Counter, used: Mapping[str, tuple[int, int]], held: Mapping[str, Take]) -> Room:
    fen, times = used.get(counter.key, (0, 0))
    own = held.get(counter.key)
    if own is not None:
        fen, times = fen - own.fen, times - own.times
    return Room(
        key=counter.key,
        scope=counter.scope,
        title=counter.title,
        words=counter.words,
        limit_fen=counter.limit_fen,
        used_fen=fen,
        left_fen=_left(counter.limit_fen, fen),
        limit_times=counter.limit_times,
        used_times=times,
        left_times=_left(counter.limit_times, times),
        own_fen=own.fen if own else 0,
    )


def _left(limit: int | None, used: int) -> int | None:
    return None if limit is None else max(0, limit - used)


def most_of(room: Iterable[Room]) -> int | None:
    """Return the most that a case may take, None where nothing limits it."""
    return min((most for each in room if (most := each.most_fen) is not None), default=None)


def told(
    title: str, words: str, *, limit: tuple[int | None, int | None], used: tuple[int, int]
) -> str:
    """Return a ceiling in words: what it is, what set it, what is used and left; (fen, times)."""
    parts = []
    if limit[0] is not None:
        left = wan(max(0, limit[0] - used[0]))
        parts.append(f"上限{wan(limit[0])}，已占用{wan(used[0])}，尚余{left}")
    if limit[1] is not None:
        left = str(max(0, limit[1] - used[1]))
        parts.append(f"上限{limit[1]}次，已占用{used[1]}次，尚余{left}次")
    quoted = f"（{words}）" if words and words != title else ""
    return f"{title}{quoted}：{'；'.join(parts) or '不限'}"


def wan(fen: int) -> str:
    """Return an amount as official texts write it, exact to the fen: 200万元, 1.5元."""
    digits, name = (6, "万元") if fen >= FEN_PER_WAN else (2, "元")
    whole, rest = divmod(fen, 10**digits)
    decimals = f".{rest:0{digits}d}".rstrip("0") if rest else ""
    return f"{whole}{decimals}{name}"
