"""`caseflow letters`: formal documents (文书): kinds, making, showing and delivering them."""

import shutil
from collections.abc import Mapping
from dataclasses import asdict
from datetime import datetime
from pathlib import Path

import click

from caseflow.batches.letters import make_notice, send_letter
from caseflow.cases.letters import (
    Wanted,
    case_letters,
    hand_of,
    kinds_listed,
    make_case_letter,
    open_letter,
    press_of,
    view_of,
    visible_letter,
)
from caseflow.catalogue.places import data_root
from caseflow.cli.house import House, as_option, open_house
from caseflow.cli.output import facts, json_option, note, show, table
from caseflow.documents.letters.models import METHODS
from caseflow.documents.letters.queries import LetterView
from caseflow.documents.letters.rendering import FORMATS
from caseflow.documents.letters.service import Press, Sending
from caseflow.kernel.calendar import SHANGHAI
from caseflow.kernel.errors import InvalidInput
from caseflow.settings import read_settings

KINDS = {
    "种类": "letter",
    "名称": "title",
    "依据事项": "events",
    "结果": "outcomes",
    "制作席位": "by",
    "须载明": "requires",
    "可补充": "asks",
}
LETTERS = {
    "编号": "public_id",
    "文号": "number",
    "名称": "title",
    "日期": "dated_on",
    "已发出": "issued",
    "送达日": "delivered_on",
    "复议截止": "reconsideration_until",
    "起诉截止": "litigation_until",
}


@click.group()
def letters() -> None:
    """Formal documents (文书): numbered, dated, written as PDF and DOCX, and delivered (送达).

    Example: caseflow letters make QD26-7a-2026-000001 acceptance --as huilong_zhen.handler
    """


@letters.command("kinds")
@json_option
def list_kinds(*, as_json: bool) -> None:
    """List the kinds: which event makes each, who may, and what it must say.

    Example: caseflow letters kinds --json
    """
    rows = kinds_listed(press_of(read_settings(), data_root()))
    show(rows, as_json=as_json, view=lambda: table("文书种类", KINDS, rows))


@letters.command("list")
@click.argument("case")
@click.option("--after", metavar="LETTER", help="Begin after this document (public id).")
@click.option("--limit", type=click.IntRange(1, 200), default=50, show_default=True,
              help="At most so many.")  # fmt: skip
@as_option
@json_option
def list_letters(*, case: str, after: str | None, limit: int, login: str, as_json: bool) -> None:
    """List the documents of a case (by public id or number), the newest first.

    Example: caseflow letters list QD26-7a-2026-000001 --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        actor = house.actor(login, house.now())
        page = case_letters(session, actor, case, press=_press(house), after=after, limit=limit)
    rows = [asdict(each) for each in page.items]
    if page.next is not None:
        note(f"There are more; the next page: --after {page.next}")
    show(rows, as_json=as_json, view=lambda: table("文书", LETTERS, rows))


@letters.command("make")
@click.argument("about")
@click.argument("kind")
@click.option(
    "--text", "texts", multiple=True, metavar="NAME=WORDS", help="What its kind asks for."
)
@click.option("--version", type=click.IntRange(1), help="The event it rests on, by its version.")
@as_option
@json_option
def make(
    *,
    about: str,
    kind: str,
    texts: tuple[str, ...],
    version: int | None,
    login: str,
    as_json: bool,
) -> None:
    """Make a document of a case, or of a publicity; safe to repeat.

    Example: caseflow letters make QD26-7a-2026-000001 approval
    --text remedy=可自知道之日起六十日内申请行政复议 --as shujuju.handler
    """
    wanted = Wanted(kind, texts=_texts(texts), version=version)
    with open_house() as house:
        press, at = _press(house), house.now()
        actor, cases = house.actor(login, at), house.cases()
        is_case = press.book.kind(kind).of == "case"
        view = (
            make_case_letter(cases, press, actor, case=about, wanted=wanted, at=at)
            if is_case
            else make_notice(cases, press, actor, public_id=about, wanted=wanted, at=at)
        )
    _show(view, as_json=as_json)


def _texts(given: tuple[str, ...]) -> Mapping[str, str]:
    pairs = [each.partition("=") for each in given]
    if any(not equals for _, equals, _ in pairs):
        raise InvalidInput("--text 须写作 NAME=WORDS，例如 phone=0513-83312345。")
    return {name: words for name, _, words in pairs}


@letters.command("show")
@click.argument("letter")
@click.option("--format", "form", type=click.Choice(FORMATS), default="pdf", show_default=True,
              help="Which file.")  # fmt: skip
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path),
              help="Write the file there; the addressee has then read it.")  # fmt: skip
@as_option
@json_option
def show_letter(*, letter: str, form: str, output: Path | None, login: str, as_json: bool) -> None:
    """Show a document with its deliveries and remedies, or write its file.

    Example: caseflow letters show 7Hc… -o decision.pdf --as shujuju.handler
    """
    with open_house() as house, house.database.session() as session:
        at, press = house.now(), _press(house)
        actor = house.actor(login, at)
        if output is not None:
            hand = hand_of(house.cases(), actor, at)
            found = open_letter(session, actor, letter, form=form, press=press, hand=hand)
            shutil.copyfile(found.path, output)
            note(f"{output}: {found.name}")
        view = view_of(session, visible_letter(session, actor, letter), press)
    _show(view, as_json=as_json)


@letters.command("deliver")
@click.argument("letter")
@click.option("--method", type=click.Choice(METHODS), required=True, help="How it is sent.")
@click.option("--consent", help="When and how electronic delivery was agreed to.")
@click.option("--receiver", help="Who receives it, where that is not the addressee.")
@click.option("--arrived-at", type=click.DateTime(["%Y-%m-%dT%H:%M"]),
              help="When it arrived (Asia/Shanghai), for paper and e-mail.")  # fmt: skip
@as_option
@json_option
def deliver(
    *,
    letter: str,
    method: str,
    consent: str | None,
    receiver: str | None,
    arrived_at: datetime | None,
    login: str,
    as_json: bool,
) -> None:
    """Record that a document was sent to its addressee.

    Example: caseflow letters deliver 7Hc… --method inbox --consent 申报时勾选同意
    --as shujuju.handler
    """
    arrived = arrived_at.replace(tzinfo=SHANGHAI) if arrived_at else None
    with open_house() as house:
        at, press = house.now(), _press(house)
        actor = house.actor(login, at)
        sent_at = min(arrived, at) if arrived else None
        sending = Sending(method, consent, receiver, sent_at=sent_at, arrived_at=arrived)
        view = send_letter(house.cases(), press, actor, public_id=letter, sending=sending, at=at)
    _show(view, as_json=as_json)


def _press(house: House) -> Press:
    return press_of(house.settings, house.root)


def _show(view: LetterView, *, as_json: bool) -> None:
    row = asdict(view)
    shown = {title: row[name] for title, name in LETTERS.items()}
    show(row, as_json=as_json, view=lambda: facts(f"{view.title} {view.number}", shown))
