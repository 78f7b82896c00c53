"""The Flask-SQLAlchemy object, the column types and the naming of constraints."""

from datetime import datetime
from typing import Annotated, Any

from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, LargeBinary, MetaData, Sequence, String, Text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column, registry

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Model(DeclarativeBase):
    """The base of every table."""

    registry = registry(
        metadata=MetaData(naming_convention=NAMES),
        type_annotation_map={
            dict[str, Any]: JSONB,
            list[Any]: JSONB,
            datetime: DateTime(timezone=True),
            bytes: LargeBinary,
            str: Text,
        },
    )


db = SQLAlchemy(model_class=Model)

entity_id_sequence = Sequence("entity_id", metadata=Model.metadata, data_type=BigInteger)
"""One sequence numbers everything that can have a history, so that (stream, seq) serves all."""

EntityId = Annotated[
    int,
    mapped_column(
        BigInteger,
        entity_id_sequence,
        primary_key=True,
        server_default=entity_id_sequence.next_value(),
    ),
]
Big = Annotated[int, mapped_column(BigInteger)]
Fen = Annotated[int, mapped_column(BigInteger)]
PublicId = Annotated[str, mapped_column(String(32), unique=True)]
Code = Annotated[str, mapped_column(String(80))]
