"""Files that a route makes: always to be saved, never shown by the browser."""

from flask import Response

from caseflow.funds.sheets import MEDIA_TYPE


def xlsx(content: bytes, *, name: str) -> Response:
    """Return a workbook as an attachment; `name` is plain ASCII, without ending."""
    disposition = f'attachment; filename="{name}.xlsx"'
    return Response(content, content_type=MEDIA_TYPE, headers={"Content-Disposition": disposition})
