"""The catalogue as plain JSON data, as `caseflow policies list --json` prints it."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from caseflow.catalogue.measures import Measure
from caseflow.catalogue.policies import PolicyFiles


def policies_listing(policies: Iterable[PolicyFiles], on: date) -> list[dict[str, Any]]:
    """Return every policy with its measures; `status` is the legal state on the day `on`."""
    return [policy_entry(files, on) for files in policies]


def policy_entry(files: PolicyFiles, on: date) -> dict[str, Any]:
    """Return one policy with its measures, in the order of their ids."""
    policy = files.policy
    return {
        "policy": policy.code,
        "title": policy.title,
        "doc_no": policy.doc_no,
        "status": policy.status_on(on),
        "effective_from": _iso(policy.effective_from),
        "effective_to": _iso(policy.effective_to),
        "measures": [measure_entry(measure) for measure in files.measures],
    }


def measure_entry(measure: Measure) -> dict[str, Any]:
    """Return one measure as its clause words it."""
    return {
        "id": measure.id,
        "article": measure.article,
        "title": measure.title,
        "family": measure.family,
        "clause": measure.clause,
        "amounts_yuan": measure.amounts_yuan,
        "rates_pct": measure.rates_pct,
        "bureaus": list(measure.bureaus),
        "open_questions": [
            {"id": question.id, "text": question.text, "default": question.default}
            for question in measure.open_questions
        ],
    }


def _iso(day: date | None) -> str | None:
    return None if day is None else day.isoformat()
