"""`caseflow experts`: the pool, draws, sheets, the ranking of a call and 递补."""

from dataclasses import asdict
from pathlib import Path
from typing import Any

import click

from caseflow.batches.rankings import (
    CallTerms,
    Ranking,
    apply_ranking,
    preview_ranking,
    promote_next,
    set_terms,
)
from caseflow.cases.experts.draws import (
    GROUNDS,
    REPLACED,
    DrawView,
    Leaving,
    PanelOrder,
    draw_call,
    draw_panel,
    replace_expert,
)
from caseflow.cases.experts.results import (
    call_reviews,
    case_draws,
    case_review,
    find_call,
    review_page,
    summary_sheet,
)
from caseflow.cli.expert_service import service
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import facts, json_option, note, show, table
from caseflow.identity.queries import Actor
from caseflow.kernel.scoring import LEAST_OPINION, Criterion, Terms, criteria_of
from caseflow.reviews.experts.queries import EVERY_STAGE, MAX_PAGE, expert_list, expert_view
from caseflow.reviews.experts.service import Profile, add_expert, declare_recusal

EXPERTS = {
    "编号": "public_id", "账户": "login", "姓名": "name", "专家库": "pool", "领域": "fields",
    "工作单位": "employer",
    "持股企业": "holdings", "自": "active_from", "至": "active_to",
}  # fmt: skip
REVIEWS = {
    "办件": "number", "项目": "title", "环节": "stage", "得分": "score", "待交": "waiting",
    "名次": "rank", "结论": "conclusion", "回避情况": "out",
}  # fmt: skip
SHEETS = {
    "专家": "name", "各项得分": "scores", "得分": "score", "偏离预警": "alarm",
    "评审意见": "opinion",
}  # fmt: skip
RANKS = {
    "名次": "rank", "办件": "number", "申报主体": "applicant", "得分": "score", "结果": "result",
    "理由": "reason",
}  # fmt: skip
day_type = click.DateTime(["%Y-%m-%d"])


@click.group()
def experts() -> None:
    """Experts (专家): drawn by lot, judging blind, by sheets; a call's ranking and 递补.

    Example: caseflow experts list --as shujuju.handler
    """


experts.add_command(service)


@experts.command("list")
@click.option("--after", metavar="EXPERT", help="Begin after this one (public id).")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_all(*, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """List the experts of your city's pool.

    Example: caseflow experts list --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        page = expert_list(session, house.actor(login, house.now()), after=after, limit=limit)
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    rows = [{**asdict(each), **_joined(asdict(each))} for each in page.items]
    data = [asdict(each) for each in page.items]
    show(data, as_json=as_json, view=lambda: table("专家库", EXPERTS, rows))


def _joined(row: dict[str, Any]) -> dict[str, str]:
    return {name: "、".join(row[name]) for name in ("fields", "holdings")}


@experts.command()
@click.argument("person")
@click.option("--field", "fields", multiple=True, help="A field (专业领域); may be repeated.")
@click.option("--employer", required=True, help="Where the expert works.")
@click.option("--employer-uscc", help="The employer's credit code.")
@click.option("--holding", "holdings", multiple=True, help="Credit code of a firm partly owned.")
@click.option("--active-to", type=day_type, help="Last day in the pool, inclusive.")
@as_option
@json_option
def add(*, person: str, login: str, as_json: bool, active_to: Any, **said: Any) -> None:
    """Add PERSON (a login seated in the pool), or put right what is known of them.

    Example: caseflow experts add zhuanjiaku.expert1 --employer 南通大学 --field 人工智能
    --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        profile = Profile(**said, active_to=active_to.date() if active_to else None)
        by, signer = house.actor(login, at), house.signer
        made = add_expert(session, by, person, profile, at=at, signer=signer)
        row = asdict(expert_view(session, made.person_id))
    show(row, as_json=as_json, view=lambda: facts("专家", row))


@experts.command()
@click.argument("applicant")
@click.option("--reason", required=True, help="Why.")
@as_option
@json_option
def recuse(*, applicant: str, reason: str, login: str, as_json: bool) -> None:
    """Declare, as an expert, that you do not judge APPLICANT (public id).

    Example: caseflow experts recuse APPLICANT --reason 亲属任职 --as zhuanjiaku.expert1
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        by, signer = house.actor(login, at), house.signer
        declare_recusal(session, by, applicant, reason, at=at, signer=signer)
    row = {"applicant": applicant, "reason": reason}
    show(row, as_json=as_json, view=lambda: facts("已声明回避", row))


@experts.command()
@click.argument("call")
@click.option("--criterion", "criteria", multiple=True, required=True, metavar="CODE:TITLE:WEIGHT",
              help="One line of the sheet; the weights add up to 100.")  # fmt: skip
@click.option("--trimmed", is_flag=True, help="Leave out one highest and one lowest of five.")
@click.option("--least-opinion", type=int, default=LEAST_OPINION, show_default=True,
              help="Characters of an opinion.")  # fmt: skip
@click.option("--tie", "tie_rule", multiple=True, help="Criterion that breaks ties, in order.")
@click.option("--quota", type=int, help="How many places (名额).")
@click.option("--stage", default=EVERY_STAGE, help="Of this stage alone, e.g. defence.")
@as_option
@json_option
def terms(
    *, call: str, criteria: tuple[str, ...], trimmed: bool, least_opinion: int, login: str,
    as_json: bool, **said: Any,
) -> None:  # fmt: skip
    """Say how the cases of CALL are scored and ranked, before its first draw.

    Example: caseflow experts terms CALL --criterion innovation:创新性:60
    --criterion effect:成效:40 --tie effect --quota 10 --as shujuju.handler
    """
    lines = criteria_of([asdict(_criterion(each)) for each in criteria])
    sheet = Terms(lines, trimmed=trimmed, least_opinion=least_opinion)
    with open_house() as house:
        at = house.now()
        set_terms(house.cases(), house.actor(login, at), call, CallTerms(sheet, **said), at=at)
    row = {"call": call, "criteria": list(criteria), **said, "tie_rule": list(said["tie_rule"])}
    show(row, as_json=as_json, view=lambda: facts("评审办法", row))


def _criterion(text: str) -> Criterion:
    code, _, rest = text.partition(":")
    title, _, weight = rest.rpartition(":")
    if not (code and title and weight.isdecimal()):
        raise click.BadParameter(f"{text!r}: CODE:TITLE:WEIGHT", param_hint="--criterion")
    return Criterion(code, title, int(weight))


@experts.command()
@click.argument("case", required=False)
@click.option("--call", help="Draw one panel for all cases of this call that wait.")
@click.option("--document-no", required=True, help="Number of the notice of the review.")
@click.option("--size", type=int, help="How many; the least of the workflow if not given.")
@click.option("--field", help="Only experts of this field.")
@click.option("--stage", help="Of a --call: for the cases that wait in this stage.")
@click.option("--only", "cases", multiple=True, metavar="CASE",
              help="Of a --call: for these cases alone (分组); may be repeated.")  # fmt: skip
@as_option
@json_option
def draw(*, case: str | None, call: str | None, login: str, as_json: bool, **said: Any) -> None:
    """Draw the panel of CASE, or of a whole --call, by lot.

    Example: caseflow experts draw --call CALL --size 7 --document-no 评审〔2026〕1号
    --as shujuju.handler
    """
    if (case is None) == (call is None):
        raise click.UsageError("Give a CASE or a --call.")
    if case is not None and (said["stage"] or said["cases"]):
        raise click.UsageError("--stage and --only choose among the cases of a --call.")
    with open_house() as house:
        at, order = house.now(), PanelOrder(**said)
        actor = house.actor(login, at)
        if call is not None:
            drawn = draw_call(house.cases(), actor, call, order, at=at)
        else:
            drawn = draw_panel(house.cases(), actor, str(case), order, at=at)
    _told(drawn, as_json=as_json)


@experts.command()
@click.argument("case")
@click.option("--reason", required=True, help="Why a place is filled anew.")
@click.option("--expert", help="Who leaves first (public id), where somebody still sits there.")
@click.option("--ground", type=click.Choice(GROUNDS), default=REPLACED, show_default=True,
              help="Why: replaced, or absent from a defence.")  # fmt: skip
@as_option
@json_option
def replace(
    *, case: str, reason: str, expert: str | None, ground: str, login: str, as_json: bool
) -> None:
    """Fill the vacant places of the panel of CASE by another draw.

    Example: caseflow experts replace QD26-9a-2026-000001 --expert EXPERT --ground absent
    --reason 因病未到场 --as zuzhibu.handler
    """
    with open_house() as house:
        at = house.now()
        actor = house.actor(login, at)
        leaving = Leaving(expert, ground)
        drawn = replace_expert(house.cases(), actor, case, reason, at=at, leaving=leaving)
    _told(drawn, as_json=as_json)


def _told(drawn: DrawView, *, as_json: bool) -> None:
    show(asdict(drawn), as_json=as_json, view=lambda: facts("抽取结果", _head(drawn)))


def _head(drawn: DrawView) -> dict[str, Any]:
    out = [f"{key}：{why}" for key, why in drawn.pool.items() if why]
    return {
        "专家组": "、".join(drawn.panel), "种子": drawn.seed, "专家组校验": drawn.panel_hash,
        "未入选资格": "；".join(out), "办件": "、".join(drawn.cases),
    }  # fmt: skip


@experts.command()
@click.argument("case")
@as_option
@json_option
def draws(*, case: str, login: str, as_json: bool) -> None:
    """Show the recorded draws of CASE: seed, pool with reasons, panel; anybody can draw again.

    Example: caseflow experts draws QD26-5b-2026-000001 --as shujuju.handler --json
    """
    with open_house() as house, house.database.session() as session:
        found = case_draws(session, house.actor(login, house.now()), case).items
    heads = [_head(each) for each in found]
    columns = {name: name for name in ("专家组", "种子", "未入选资格", "办件")}
    data = [asdict(each) for each in found]
    show(data, as_json=as_json, view=lambda: table("抽取记录", columns, heads))


@experts.command()
@click.argument("call")
@click.option("--stage", help="The panels of this stage; the newest of each case if not given.")
@click.option("--after", metavar="NUMBER", help="Begin after this case number.")
@click.option("--limit", type=click.IntRange(1, MAX_PAGE), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the whole 专家评审汇总表 there (.xlsx).")  # fmt: skip
@as_option
@json_option
def reviews(
    *, call: str, stage: str | None, after: str | None, limit: int, output: Path | None,
    login: str, as_json: bool,
) -> None:  # fmt: skip
    """Show what the panels of CALL have said (专家评审汇总表).

    Example: caseflow experts reviews CALL --stage defence -o reviews.xlsx --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at = house.now()
        actor = house.actor(login, at)
        title = find_call(session, actor, call).title
        page = review_page(session, actor, call, stage=stage, after=after, limit=limit)
        if output is not None:
            whole = call_reviews(session, actor, call, stage=stage)
            output.write_bytes(summary_sheet(whole, actor, title, at))
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    data = [asdict(each) for each in page.items]
    rows = [{**row, "out": "；".join(each["reason"] for each in row["left"])} for row in data]
    show(data, as_json=as_json, view=lambda: table(title, REVIEWS, rows))


@experts.command()
@click.argument("case")
@click.option("--stage", help="The panel of this stage; the newest if not given.")
@as_option
@json_option
def review(*, case: str, stage: str | None, login: str, as_json: bool) -> None:
    """Show the sheets and opinions of CASE (评审意见表).

    Example: caseflow experts review QD26-9a-2026-000001 --stage defence --as rencaiban.handler
    """
    with open_house() as house, house.database.session() as session:
        found = case_review(session, house.actor(login, house.now()), case, stage=stage)
    rows = [asdict(each) for each in found.sheets]
    title = f"{found.number} {found.stage or ''} {found.score or found.conclusion}"
    show(asdict(found), as_json=as_json, view=lambda: table(title, SHEETS, rows))


@experts.command()
@click.argument("call")
@click.option("--apply", "is_applied", is_flag=True, help="Record the ranks.")
@as_option
@json_option
def rank(*, call: str, is_applied: bool, login: str, as_json: bool) -> None:
    """Rank the cases of CALL; without --apply only say how.

    Example: caseflow experts rank CALL --apply --as shujuju.handler
    """
    act = apply_ranking if is_applied else preview_ranking
    with open_house() as house:
        at, actor = _at_work(house, login)
        found: Ranking = act(house.cases(), actor, call, at)
    rows = [asdict(line) for line in found.lines]
    show(asdict(found), as_json=as_json, view=lambda: table(found.title, RANKS, rows))


@experts.command()
@click.argument("call")
@click.option("--reason", required=True, help="Why a place became free.")
@click.option("--minutes-no", required=True, help="The minutes that decide it.")
@as_option
@json_option
def promote(*, call: str, reason: str, minutes_no: str, login: str, as_json: bool) -> None:
    """Let the first of the waitlist of CALL take a free place; it is publicised on its own.

    Example: caseflow experts promote CALL --reason 第一名撤回 --minutes-no 纪要〔2026〕3号
    --as shujuju.handler
    """
    with open_house() as house:
        at, actor = _at_work(house, login)
        outcome = promote_next(
            house.cases(), actor, call, reason=reason, minutes_no=minutes_no, at=at
        )
    row = asdict(outcome)
    show(row, as_json=as_json, view=lambda: facts("递补", row))


def _at_work(house: House, login: str) -> tuple[Any, Actor]:
    at = house.now()
    return at, house.actor(login, at)
