"""Ceilings, each in its turn: what goes over is cut, and the line says by which words."""

from caseflow.kernel.benefits.model import Cap
from caseflow.kernel.benefits.sheet import Sheet


def cut(sheet: Sheet, cap: Cap) -> None:
    """Cut what the sum so far has over a ceiling."""
    if cap.kind == "times":
        _times(sheet, cap)
        return
    if cap.kind == "paid":
        _paid(sheet, cap)
        return
    figure = sheet.figure(cap.amount, cap.by, cap.tiers)
    most = int(figure.value) * (int(sheet.told(cap.count)) if cap.count else cap.most or 1)
    room = max(0, most - sheet.prior(cap.less))
    sheet.write("cut", f"cap.{cap.kind}", cap.title, max(0, sheet.fen - room), figure.words)


def _times(sheet: Sheet, cap: Cap) -> None:
    """So many awards and no further one."""
    assert cap.most is not None
    if sheet.prior(cap.counted) >= cap.most:
        sheet.write("cut", "cap.times", cap.title, sheet.fen)


def _paid(sheet: Sheet, cap: Cap) -> None:
    """补差: what another award of the same matter has given is taken off."""
    sheet.write("cut", "cap.paid", cap.title, min(sheet.fen, sheet.prior(cap.less)))
