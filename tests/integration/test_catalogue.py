"""Versions of policies, calls, and the end of a policy's life on a real PostgreSQL."""

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlalchemy import func, select, text, true
from sqlalchemy.exc import IntegrityError

from caseflow.catalogue import queries, seating, service
from caseflow.catalogue.calls.queries import CallFilter, call_list, find
from caseflow.catalogue.measures import content_hash
from caseflow.catalogue.models import MeasureVersion, PolicyVersion, Workflow
from caseflow.database.access import Database
from caseflow.database.ids import PublicIds
from caseflow.history.models import Event
from caseflow.history.part import Signer
from caseflow.identity import queries as identity
from caseflow.identity.service import ensure_system_person, load_city
from caseflow.kernel.errors import (
    Conflict,
    DefinitionError,
    InvalidInput,
    NotFound,
    PolicyClosed,
)
from tests.factories import catalogue as factories
from tests.integration.kept_database import keep

AT = datetime(2026, 6, 1, 1, 0, tzinfo=UTC)
DAY = timedelta(days=1)
FIRST, LAST = factories.EFFECTIVE_FROM, factories.EFFECTIVE_TO
SIGNER = Signer(b"k" * 32, "test")
WINDOW = service.Window(date(2026, 7, 1), date(2026, 7, 31))


@pytest.fixture(scope="module")
def database(server, empty_template) -> Iterator[Database]:
    """A database with a city and nothing else; no test commits."""
    for database in keep(server, empty_template):
        with database.session() as session:
            load_city(session, factories.CityFactory(), at=AT, ids=PublicIds(random.Random(6)))
        yield database


@pytest.fixture
def ids():
    return PublicIds(random.Random(7))


@pytest.fixture
def rows(session):
    factories.bind(session)
    return factories


@pytest.fixture
def by(session):
    return ensure_system_person(session).id


@pytest.fixture
def city():
    return factories.CityFactory()


@pytest.fixture
def load(session, city, by):
    def load(files, *, at=AT, title="算力券", city=city):
        flows = factories.small_workflows(files, title=title)
        return service.load_policy(session, files, flows, city=city, by=by, at=at, signer=SIGNER)

    return load


@pytest.fixture
def plan(session, by, ids):
    def plan(code="AY26-1a", window=WINDOW, *, title="算力券申报通知", at=AT):
        return service.plan_call(
            session, measure_code=code, title=title, window=window,
            by=by, at=at, ids=ids, signer=SIGNER,
        )  # fmt: skip

    return plan


def events(session, stream):
    query = select(Event.name, Event.payload).where(Event.stream == stream).order_by(Event.seq)
    return session.execute(query).all()


def count(session, table):
    return session.scalar(select(func.count()).select_from(table))


# Loading


def test_a_policy_is_loaded_with_its_measures_their_workflows_and_bureaus(session, load):
    version = load(factories.PolicyFilesFactory())

    measure = queries.measure(session, "AY26-1a")
    compiled = factories.small_workflow("AY26-1a")
    assert (version.version, version.status, version.current) == (1, "in_force", True)
    assert measure.policy is version
    assert measure.version.workflow_hash == compiled.hash
    assert set(measure.version.children) == {"period"}
    assert measure.version.organisations["bureaus"] == [
        identity.organisation(session, "anyi_data").id
    ]


def test_the_same_files_again_change_nothing(session, load):
    files = factories.PolicyFilesFactory()
    first = load(files)
    before = [count(session, table) for table in (PolicyVersion, MeasureVersion, Workflow, Event)]

    again = load(files, at=AT + DAY)

    assert again is first
    assert before == [
        count(session, table) for table in (PolicyVersion, MeasureVersion, Workflow, Event)
    ]


@pytest.mark.parametrize(
    "change",
    [
        {"text": "另一文本"},
        {"policy__doc_no": "安政办规〔2026〕2号"},
        {"measures": (factories.MeasureFileFactory(measure="AY26-1a", title="算力补贴"),)},
    ],
)
def test_other_content_is_a_new_version_and_the_only_current_one(session, load, change):
    first = load(factories.PolicyFilesFactory())

    second = load(factories.PolicyFilesFactory(**change), at=AT + DAY)

    assert (second.version, second.current, first.current) == (2, True, False)
    assert queries.measure(session, "AY26-1a").policy is second


def test_a_changed_workflow_alone_is_a_new_version_and_the_old_one_keeps_its_own(session, load):
    files = factories.PolicyFilesFactory()
    first = load(files)
    old_hash = queries.measure(session, "AY26-1a").version.workflow_hash

    second = load(files, title="算力券（改）")

    kept = session.scalars(
        select(MeasureVersion.workflow_hash).where(MeasureVersion.policy_version_id == first.id)
    ).one()
    assert second.version == 2
    assert kept == old_hash != queries.measure(session, "AY26-1a").version.workflow_hash


def test_a_bureau_that_another_organisation_takes_over_is_a_new_version(session, load, city):
    files = factories.PolicyFilesFactory()
    load(files)

    moved = replace(city, names={**city.names, "市数据局": "anyi_industry"})
    load(files, city=moved)

    lead = queries.measure(session, "AY26-1a").version.organisations["lead_bureau"]
    assert lead == identity.organisation(session, "anyi_industry").id


def test_content_that_comes_back_takes_up_its_old_number(session, load):
    files = factories.PolicyFilesFactory()
    first = load(files)
    second = load(factories.PolicyFilesFactory(text="另一文本"))

    third = load(files)

    assert third is first
    assert (first.current, second.current) == (True, False)


def test_each_load_leaves_an_event_that_names_the_measures_that_differ(session, load):
    kept, dropped, added = (
        factories.MeasureFileFactory(measure=code) for code in ("AY26-1a", "AY26-1b", "AY26-1c")
    )
    version = load(factories.PolicyFilesFactory(measures=(kept, dropped)))
    changed = replace(kept, title="算力补贴")

    load(factories.PolicyFilesFactory(measures=(changed, added)))

    first, second = events(session, version.policy_id)
    assert (first.name, first.payload["measures_added"]) == (
        "policy_loaded",
        ["AY26-1a", "AY26-1b"],
    )
    assert second.payload["replaces"] == 1
    assert [second.payload[f"measures_{what}"] for what in ("added", "removed", "changed")] == [
        ["AY26-1c"],
        ["AY26-1b"],
        ["AY26-1a"],
    ]


def test_a_measure_id_belongs_to_one_policy(load):
    load(factories.PolicyFilesFactory())

    with pytest.raises(Conflict, match="AY26-1a"):
        load(factories.PolicyFilesFactory(policy__policy="anyi-2027"))


def test_a_policy_waits_for_its_city(load, city):
    (bureau, *_), files = city.organisations, factories.PolicyFilesFactory()
    more = (*city.organisations, replace(bureau, code="anyi_new"))

    with pytest.raises(NotFound, match="Load 安宜市 first: there is no organisation anyi_new"):
        load(files, city=replace(city, organisations=more))


@pytest.mark.parametrize(("day", "status"), [(LAST, "in_force"), (LAST + DAY, "expired")])
def test_a_policy_loaded_after_its_last_day_is_expired_at_once(load, day, status):
    noon = datetime(day.year, day.month, day.day, 4, tzinfo=UTC)

    assert load(factories.PolicyFilesFactory(), at=noon).status == status


def test_two_current_versions_are_refused_by_the_database(rows):
    version = rows.PolicyVersionFactory()

    with pytest.raises(IntegrityError, match="uq_policy_version_current"):
        rows.PolicyVersionFactory(policy_id=version.policy_id, version=2)


def test_a_policy_in_force_without_dates_is_refused_by_the_database(rows):
    with pytest.raises(IntegrityError, match="in_force_is_dated"):
        rows.PolicyVersionFactory(effective_from=None)


@pytest.fixture
def founded(server, founded_template) -> Iterator[Database]:
    """启东 as its own files say."""
    yield from keep(server, founded_template)


def test_qidongs_own_files_load_with_every_bureau_resolved(founded):
    with founded.session() as session:
        shuju = identity.organisation(session, "shujuju").id
        found = queries.measures(session, queries.MeasureFilter(city="qidong"))
        led = queries.measures(session, queries.MeasureFilter(organisation_id=shuju))
        by_case = queries.measure(session, "QD26-1d").version.organisations["by_case"]

    assert len(found) == 25
    assert [found[0].code, found[-1].code] == ["QD26-1a", "QD26-10c"]
    assert {"QD26-7a", "QD26-8f"} <= {measure.code for measure in led}
    assert by_case == ["$district"]


# Seating


def test_the_parties_of_a_case_follow_the_measure_the_city_and_the_industry(session, load):
    files = factories.PolicyFilesFactory(
        measures=(
            factories.MeasureFileFactory(
                measure="AY26-1a", bureaus=("各领域行业主管部门", "市数据局", "各区镇")
            ),
        )
    )
    load(files)
    kept = queries.measure(session, "AY26-1a").version.organisations
    number = {
        code: identity.organisation(session, code).id
        for code in ("anyi_data", "anyi_industry", "anyi_transport", "anyi_finance")
    }

    transport = seating.parties_of(kept, industry="交通")
    other = seating.parties_of(kept, industry="养蜂")

    assert transport == {
        "lead_bureau": number["anyi_data"],
        "field_bureau": number["anyi_transport"],
        "finance": number["anyi_finance"],
        "cosign.credit": number["anyi_industry"],
    }
    assert other["field_bureau"] == number["anyi_industry"]
    assert kept["by_case"] == ["$field_bureau", "$district"]


def test_where_the_text_names_no_fixed_bureau_the_default_industry_leads(session, load):
    measure = factories.MeasureFileFactory(measure="AY26-1a", bureaus=("各领域行业主管部门",))
    load(factories.PolicyFilesFactory(measures=(measure,)))

    kept = queries.measure(session, "AY26-1a").version.organisations

    assert kept["lead_bureau"] == identity.organisation(session, "anyi_industry").id


# Calls


def test_a_call_is_planned_inside_the_policys_life_ends_included(session, load, plan):
    load(factories.PolicyFilesFactory())

    call = plan(window=service.Window(FIRST, LAST, eligible_from=FIRST, eligible_to=LAST))

    planned, published = events(session, call.id)
    assert call.status == "published"
    assert (planned.name, planned.payload["closes_on"]) == ("call_planned", "2028-05-13")
    assert (published.name, published.payload["from"]) == ("call_published", "planned")


def test_a_window_that_cannot_be_is_refused_with_its_field(load, plan):
    load(factories.PolicyFilesFactory())
    windows = (
        (service.Window(FIRST - DAY, LAST), "opens_on"),
        (service.Window(FIRST, LAST + DAY), "closes_on"),
        (service.Window(date(2026, 7, 2), date(2026, 7, 1)), "closes_on"),
        (service.Window(FIRST, date(2026, 5, 31)), "closes_on"),
        (replace(WINDOW, eligible_from=FIRST - DAY), "eligible_from"),
        (replace(WINDOW, eligible_to=LAST + DAY), "eligible_to"),
        (replace(WINDOW, eligible_from=LAST, eligible_to=FIRST), "eligible_to"),
    )

    for window, field in windows:
        with pytest.raises(InvalidInput) as refused:
            plan(window=window)
        assert set(refused.value.fields) == {field}, window


def test_a_consultation_draft_opens_no_call(load, plan):
    draft = {"status": "consultation_draft", "doc_no": None, "issued_on": None}
    load(factories.PolicyFilesFactory(policy=factories.PolicyRecordFactory(**draft)))

    with pytest.raises(PolicyClosed, match="征求意见稿"):
        plan()


def test_a_policy_opens_its_last_call_with_a_title_on_its_last_day(load, plan):
    load(factories.PolicyFilesFactory())
    with pytest.raises(InvalidInput, match="title"):
        plan(title="  ")
    window = service.Window(LAST, LAST)
    last_second = datetime(2028, 5, 13, 15, 59, 59, tzinfo=UTC)

    assert plan(window=window, at=last_second).status == "published"
    with pytest.raises(PolicyClosed, match="expired"):
        plan(window=window, at=last_second + timedelta(seconds=1))


def test_a_call_for_no_measure_is_not_planned(plan):
    with pytest.raises(NotFound, match="AY26-99"):
        plan("AY26-99")


def test_a_call_opens_on_its_first_day_and_closes_after_its_last(session, load, plan):
    load(factories.PolicyFilesFactory())
    call = plan()
    opens, closes = WINDOW.opens_on, WINDOW.closes_on

    moved = [
        service.open_due_calls(session, opens - DAY, at=AT, signer=SIGNER),
        service.open_due_calls(session, opens, at=AT, signer=SIGNER),
        service.close_due_calls(session, closes, at=AT, signer=SIGNER),
        service.close_due_calls(session, closes + DAY, at=AT, signer=SIGNER),
        service.close_due_calls(session, closes + DAY, at=AT, signer=SIGNER),
    ]

    assert moved == [[], [call], [], [call], []]
    assert [event.name for event in events(session, call.id)] == [
        "call_planned",
        "call_published",
        "call_opened",
        "call_closed",
    ]


def test_a_call_whose_whole_window_passed_unseen_never_opens(session, rows):
    call = rows.CallFactory()
    after = call.closes_on + DAY

    opened = service.open_due_calls(session, after, at=AT, signer=SIGNER)
    closed = service.close_due_calls(session, after, at=AT, signer=SIGNER)

    assert (opened, closed, call.status) == ([], [call], "closed")


def test_a_call_of_a_policy_that_is_not_in_force_does_not_open(session, rows):
    for status in ("consultation_draft", "repealed", "expired"):
        version = rows.PolicyVersionFactory(status=status)
        call = rows.CallFactory(measure_version__policy_version=version)

        assert service.open_due_calls(session, call.opens_on, at=AT, signer=SIGNER) == [], status


def test_repealing_a_policy_closes_its_calls(load, plan):
    load(factories.PolicyFilesFactory())
    call = plan()

    load(factories.PolicyFilesFactory(policy__status="repealed"))

    assert call.status == "closed"


def test_a_new_version_closes_only_the_calls_of_the_measures_it_drops(load, plan):
    kept, dropped = (factories.MeasureFileFactory(measure=code) for code in ("AY26-1a", "AY26-1b"))
    load(factories.PolicyFilesFactory(measures=(kept, dropped)))
    calls = plan("AY26-1a"), plan("AY26-1b")

    load(factories.PolicyFilesFactory(measures=(kept,)))

    assert [call.status for call in calls] == ["published", "closed"]


# The end of a policy's life


def test_a_policy_expires_on_the_day_after_its_last_and_takes_its_calls_with_it(session, rows):
    version = rows.PolicyVersionFactory()
    part = {"measure_version__policy_version": version}
    call = rows.CallFactory(status="open", opens_on=LAST, closes_on=LAST, **part)

    on_the_day = service.expire_policies(session, LAST, at=AT, signer=SIGNER)
    day_after = service.expire_policies(session, LAST + DAY, at=AT, signer=SIGNER)
    again = service.expire_policies(session, LAST + DAY, at=AT, signer=SIGNER)

    (event,) = events(session, version.policy_id)
    assert (on_the_day, day_after, again) == ([], [(version, "expired")], [])
    assert (event.name, event.payload["calls_closed"]) == ("policy_expired", [call.id])
    assert call.status == "closed"


def test_a_draft_that_was_never_issued_lapses(session, rows):
    version = rows.DraftVersionFactory(effective_to=date(2027, 3, 1))

    service.expire_policies(session, date(2027, 3, 1), at=AT, signer=SIGNER)
    assert version.status == "consultation_draft"
    ended = service.expire_policies(session, date(2027, 3, 2), at=AT, signer=SIGNER)

    assert ended == [(version, "lapsed")]


def test_a_policy_without_a_last_day_never_ends(session, rows):
    rows.DraftVersionFactory(effective_to=None)

    assert service.expire_policies(session, date(2099, 1, 1), at=AT, signer=SIGNER) == []


def test_the_end_is_announced_ninety_sixty_thirty_and_seven_days_before(session, rows):
    version = rows.PolicyVersionFactory()
    days = (91, 90, 89, 60, 59, 30, 8, 7, 6, 0, -1)

    warnings = {left: service.expiry_warnings(session, LAST - left * DAY) for left in days}

    announced = {left: told for left, told in warnings.items() if told}
    assert announced == {left: [(version, left)] for left in (90, 60, 30, 7)}


def test_an_announcement_missed_while_no_worker_ran_is_made_up_once(session, rows):
    version = rows.PolicyVersionFactory()
    since = LAST - 61 * DAY

    late = service.expiry_warnings(session, LAST - 28 * DAY, since=since)
    next_day = service.expiry_warnings(session, LAST - 27 * DAY, since=LAST - 28 * DAY)

    assert (late, next_day) == ([(version, 28)], [])


# Queries


def test_a_policys_status_follows_the_day_that_is_asked_for(session, rows):
    version = rows.PolicyVersionFactory()

    stati = [queries.policies(session, on=day)[0].status for day in (LAST, LAST + DAY)]

    assert stati == ["in_force", "expired"]
    assert version.status == "in_force"


def test_a_policy_is_found_by_its_code_though_it_has_no_measure_yet(session, load):
    version = load(factories.PolicyFilesFactory(measures=()))

    found = queries.policy(session, "anyi-2026", on=FIRST)

    assert (found.version, found.city, found.status) == (version, "anyi", "in_force")


def test_measures_are_found_by_what_they_are(session, rows):
    version = rows.PolicyVersionFactory()
    rows.MeasureVersionFactory(policy_version=version, article=2, organisations={"bureaus": [7]})
    talent = rows.MeasureVersionFactory(policy_version=version, family="talent")
    ask = queries.MeasureFilter

    def found(**wanted):
        return [measure.version.id for measure in queries.measures(session, ask(**wanted))]

    assert len(queries.measures(session)) == 2
    assert found(family="talent") == [talent.id] == found(article=1)
    assert found(organisation_id=7) == found(article=2)
    assert len(found(applicant="enterprise")) == 2
    assert found(applicant="individual") == found(policy="none-such") == []


def test_calls_are_found_by_measure_status_and_day(session, rows):
    call = rows.CallFactory(status="open")
    other = rows.CallFactory(opens_on=date(2027, 1, 1), closes_on=date(2027, 1, 31))
    code = session.scalar(text("SELECT code FROM measure WHERE id = :id"), {"id": call.measure_id})

    def found(**wanted):
        return [each for each, _ in call_list(session, true(), CallFilter(**wanted))]

    assert found() == [other, call]
    assert found(measure=code) == [call]
    assert found(status="open") == [call]
    assert found(open_on=call.closes_on) == [call]
    assert found(open_on=call.closes_on + DAY) == []
    assert call_list(session, true(), after=other.public_id) == [(call, code)]
    assert find(session, call.public_id) is call


def test_what_is_not_there_is_not_found(session):
    with pytest.raises(NotFound):
        find(session, "no-such-call")
    with pytest.raises(NotFound):
        queries.policy(session, "no-such-policy", on=FIRST)
    with pytest.raises(NotFound):
        queries.workflow(session, "0" * 64)


def test_a_workflow_comes_back_as_it_was_stored_and_once_per_process(session, rows):
    compiled = factories.small_workflow("AY26-stored")
    rows.WorkflowFactory(compiled=compiled)

    read = queries.workflow(session, compiled.hash)

    assert read == compiled
    assert queries.workflow(session, compiled.hash) is read


def test_a_workflow_that_is_not_what_its_hash_says_is_refused(session, rows):
    wrong = content_hash("something else")
    rows.WorkflowFactory(hash=wrong)

    with pytest.raises(DefinitionError, match="it was changed"):
        queries.workflow(session, wrong)
