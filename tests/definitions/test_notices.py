"""Every event of the library has a notice, or a word that it has none."""

import pytest

from caseflow.catalogue.places import data_root
from caseflow.notifications.rules import TRIGGERS
from tests.definitions.families import library, notices

BOOK = notices()
LIBRARY = library()
EVENTS = sorted({event for stage in LIBRARY.stages.values() for event in stage.data["events"]})
STATES = {state for stage in LIBRARY.stages.values() for state in stage.data.get("states", {})}


def test_every_event_has_a_notice_or_a_word_that_it_has_none():
    """Write a notice, or say in none.yaml why nobody is told."""
    assert [event for event in EVENTS if not BOOK.knows(event)] == []


def test_no_notice_names_an_event_that_is_gone():
    named = {event for event in BOOK.events if "*" not in event} | set(BOOK.none)

    assert sorted(named - set(EVENTS)) == []


def test_no_notice_names_a_state_that_is_gone():
    named = {state for notice in BOOK.notices.values() for state in notice.into}

    assert sorted(named - STATES) == []


def test_every_trigger_tells_somebody():
    assert [t for t in TRIGGERS if not any(n.trigger == t for n in BOOK.notices.values())] == []


def test_every_text_belongs_to_a_notice():
    folder = data_root() / "notifications"
    texts = {path.name.removesuffix(".zh-CN.txt") for path in folder.glob("*.txt")}

    assert texts <= set(BOOK.notices)


def test_a_correction_tells_the_applicant_by_mail_and_opens_a_task():
    told = BOOK.for_event("request_correction", to_state="correction_requested", ended=None)

    assert [(rule.notice, rule.seats) for rule in told] == [
        ("correction_requested", ("applicant",)),
        ("task_opened", ("holder",)),
    ]
    assert told[0].channels == ("inbox", "email")


def test_one_act_tells_a_seat_once_and_the_event_comes_before_the_outcome():
    told = BOOK.for_event("uphold_objection", to_state="rejected", ended="rejected")

    assert [(rule.notice, rule.seats) for rule in told] == [("objection_upheld", ("applicant",))]


def test_an_outcome_is_told_whatever_event_led_to_it():
    told = BOOK.for_event("some_new_refusal", to_state="rejected", ended="rejected")

    assert [rule.notice for rule in told] == ["rejected"]


def test_a_notice_for_a_state_is_told_only_where_the_event_leads_there():
    waiting = BOOK.for_event("record_rank", to_state="waitlisted#2", ended=None)
    ranked = BOOK.for_event("record_rank", to_state="leadership_meeting", ended=None)

    assert [rule.notice for rule in waiting] == ["waitlisted", "task_opened"]
    assert [rule.notice for rule in ranked] == ["task_opened"]


def test_an_overdue_clock_is_told_one_level_up():
    told = BOOK.for_event("district_review_overdue", to_state="district_review", ended=None)

    assert [rule.seats for rule in told] == [
        ("district.head",),
        ("lead_bureau.division_head",),
        ("holder",),
    ]


def test_an_event_that_tells_nobody_still_opens_its_task():
    told = BOOK.for_event("resubmit", to_state="submitted", ended=None)

    assert [rule.notice for rule in told] == ["task_opened"]
    assert BOOK.for_event("discard_draft", to_state="withdrawn", ended="withdrawn") == ()


@pytest.mark.parametrize(("days", "told"), [(91, 0), (90, 1), (89, 0), (60, 1), (30, 1), (7, 1)])
def test_a_policys_end_is_told_90_60_30_and_7_days_before(days: int, told: int):
    assert len(BOOK.for_trigger("policy_expiring", days=days)) == told
    assert len(BOOK.for_trigger("draft_expiring", days=days)) == told
    assert BOOK.days("policy_expiring") == (90, 60, 30, 7)


@pytest.mark.parametrize("days", [7, 3, 1, 0])
def test_a_reminders_rule_names_its_day(days: int):
    (rule,) = BOOK.for_trigger("clock_due", days=days)

    assert rule.rule == f"clock_due-{days}"
    assert rule.seats == ("holder",)
