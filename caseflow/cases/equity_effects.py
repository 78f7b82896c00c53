"""The rows that the effects of 拨投股 write, computed by `kernel.equity` from the same facts."""

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any, Final

from caseflow.cases.acting import Act
from caseflow.cases.statement import Writes
from caseflow.funds.equity.part import (
    EQUITY_AGREEMENTS,
    EQUITY_CONVERSIONS,
    EQUITY_EXITS,
    EQUITY_LOSSES,
    EQUITY_TERMS,
    EQUITY_TRIGGERS,
    FUNDING_ROUNDS,
    POOL_ENTRIES,
    SHAREHOLDINGS,
)
from caseflow.kernel.calendar import local_date
from caseflow.kernel.equity.acts import (
    ACTS,
    MEETING_CAP,
    MEETING_LARGEST,
    MEETING_MINUTES,
    POSITION,
    Effected,
    round_of,
)
from caseflow.kernel.equity.conversion import TRUSTEE, Conversion, Round
from caseflow.kernel.equity.terms import Terms
from caseflow.kernel.workflow.machine import Move

SEAL: Final = "seal_equity_terms"
FIX: Final = "fix_equity_terms"

BOUNCE: Final = "return_to_trustee"
DAY_OF: Final = {
    "grant_from_pool": "arrived_on",
    BOUNCE: "bounced_on",
    "convert_equity": "registered_on",
    "exit_equity": "exit_on",
}
"""Where an act says on which day its money moved; the others move it on the day of the act."""


def _facts(act: Act) -> dict[str, Any]:
    """Return the facts as the effect saw them: those entered now, the position from before."""
    return {**act.decision.facts, POSITION: act.reading.facts.get(POSITION)}


def _effected(act: Act, move: Move, effect: str) -> Effected:
    return ACTS[effect](_facts(act), move.payload)


def _key(act: Act, seq: int) -> dict[str, Any]:
    return {"case_id": act.case_id, "seq": seq}


def _on(act: Act, move: Move, effect: str) -> date:
    entered = move.payload.get(DAY_OF.get(effect, ""))
    return date.fromisoformat(entered) if entered else local_date(act.at)


def _add_entries(act: Act, writes: Writes, seq: int, move: Move, effected: Effected) -> None:
    """Write the movements; those of a returned transfer name the lines that they undo."""
    effect = next(each for each in move.step.effects if each in ACTS)
    count = len(effected.movements)
    for line, moved in enumerate(effected.movements, start=1):
        row = {
            **_key(act, seq),
            "line": line,
            "measure_id": act.measure.measure_id,
            "source": moved.source,
            "target": moved.target,
            "fen": moved.fen,
            "on_date": _on(act, move, effect),
            "reverses_line": count + 1 - line if effect == BOUNCE else None,
            "at": act.at,
        }
        writes.add(POOL_ENTRIES, row)


def _fix_terms(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """Write a version; terms that stay in drafting (beyond the house's cap) are none."""
    if move.stays and SEAL not in move.step.effects:
        return
    terms, facts = _effected(act, move, FIX).made, move.payload
    writes.add(EQUITY_TERMS, {**_key(act, seq), **_terms_row(terms, facts)})
    for trigger in terms.triggers:
        row = {"case_id": act.case_id, "kind": trigger.kind, "on_date": trigger.on}
        writes.add(EQUITY_TRIGGERS, {**row, "threshold_fen": trigger.threshold_fen})


def _terms_row(terms: Terms, facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "valuation": terms.valuation,
        "discount_percent": terms.discount_percent,
        "share_cap_percent": terms.cap_percent,
        "may_be_largest": terms.may_be_largest,
        "buyback_rate_bp": terms.rate_basis_points,
        "buyback_years": terms.buyback_years,
        "interest_from": terms.interest_from,
        "triggers_text": facts["conversion_triggers"],
        "price_text": facts["price_rule"],
        "buyback_text": facts["buyback_terms"],
        "exemption_text": facts["exemption_terms"],
        "information_duties": facts["information_duties"],
    }


def _seal_terms(act: Act, writes: Writes, seq: int, move: Move) -> None:
    row = {**_key(act, seq), "document_no": move.payload["document_no"], "at": act.at}
    writes.add(EQUITY_AGREEMENTS, {**row, "fixed": FIX in move.step.effects})


def _move_money(effect: str) -> Callable[[Act, Writes, int, Move], None]:
    """Return the writer of an act that only moves money."""

    def write(act: Act, writes: Writes, seq: int, move: Move) -> None:
        _add_entries(act, writes, seq, move, _effected(act, move, effect))

    return write


def _convert(act: Act, writes: Writes, seq: int, move: Move) -> None:
    """Write the round, its cap table and the conversion; one beyond the caps is none yet."""
    effected = _effected(act, move, "convert_equity")
    if not effected.movements:
        return
    made, round_ = effected.made, round_of(move.payload)
    key, facts = _key(act, seq), act.decision.facts
    priced = {
        "valuation": facts["valuation_basis"],
        "price_numerator": made.round_price.numerator,
        "price_denominator": made.round_price.denominator,
    }
    writes.add(FUNDING_ROUNDS, {**key, **priced, **_round_row(round_)})
    writes.add(SHAREHOLDINGS, *({**key, **row} for row in _cap_table(made, round_)))
    row = {**key, **priced, **_conversion_row(made, round_), **_limits(facts)}
    row |= {
        "registered_on": _on(act, move, "convert_equity"),
        "document_no": move.payload["document_no"],
    }
    writes.add(EQUITY_CONVERSIONS, row)
    _add_entries(act, writes, seq, move, effected)


def _round_row(round_: Round) -> dict[str, Any]:
    return {
        "title": round_.title,
        "on_date": round_.on,
        "pre_money_fen": round_.pre_money_fen,
        "raised_fen": round_.raised_fen,
        "shares_before": round_.shares_before,
        "shares_issued": round_.shares_issued,
    }


def _cap_table(made: Conversion, round_: Round) -> list[dict[str, Any]]:
    others = [each for each in round_.holders if each.name != TRUSTEE]
    rows = [(each.name, False, each.shares, each.shares) for each in others]
    rows.append((TRUSTEE, True, round_.trustee_shares, made.wanted.held))
    names = ("holder", "is_trustee", "shares_before", "shares_after")
    return [dict(zip(names, row, strict=True)) for row in rows]


def _conversion_row(made: Conversion, round_: Round) -> dict[str, Any]:
    return {
        "amount_fen": made.amount_fen,
        "converted_fen": made.wanted.cost_fen,
        "remainder_fen": made.remainder_fen,
        "shares": made.wanted.shares,
        "shares_held": made.wanted.held,
        "shares_total": made.wanted.total,
        "largest_other": round_.largest_other,
    }


def _limits(facts: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "discount_percent": facts["discount_percent"],
        "share_cap_percent": facts["agreed_share_cap"],
        "may_be_largest": facts["may_be_largest"],
        "meeting_cap_percent": facts.get(MEETING_CAP),
        "meeting_may_be_largest": facts.get(MEETING_LARGEST),
        "meeting_minutes_no": facts.get(MEETING_MINUTES),
    }


def _exit(act: Act, writes: Writes, seq: int, move: Move) -> None:
    effected = _effected(act, move, "exit_equity")
    made = effected.made
    row = {
        **_key(act, seq),
        "route": act.decision.facts["exit_route"],
        "on_date": _on(act, move, "exit_equity"),
        "cost_fen": made.cost_fen,
        "principal_fen": made.principal_fen,
        "gain_fen": made.gain_fen,
        "rest_fen": made.rest_fen,
        "loss_fen": made.loss_fen,
        "document_no": move.payload["document_no"],
        "minutes_no": move.payload.get("minutes_no"),
    }
    writes.add(EQUITY_EXITS, row)
    _add_entries(act, writes, seq, move, effected)


def _lose(act: Act, writes: Writes, seq: int, move: Move) -> None:
    row = {
        **_key(act, seq),
        "loss_fen": move.payload["loss_fen"],
        "salvaged_fen": move.payload.get("salvaged_fen", 0),
        "minutes_no": move.payload["minutes_no"],
        "reason": move.payload["reason"],
    }
    writes.add(EQUITY_LOSSES, row)
    _add_entries(act, writes, seq, move, _effected(act, move, "lose_equity"))


EQUITY_WRITERS: Final = {
    FIX: _fix_terms,
    SEAL: _seal_terms,
    "grant_from_pool": _move_money("grant_from_pool"),
    BOUNCE: _move_money(BOUNCE),
    "convert_equity": _convert,
    "exit_equity": _exit,
    "repay_pool": _move_money("repay_pool"),
    "recover_pool": _move_money("recover_pool"),
    "lose_equity": _lose,
    "keep_grant": _move_money("keep_grant"),
}
