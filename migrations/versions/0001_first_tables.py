"""The first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = '0001'
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("CREATE SEQUENCE entity_id AS bigint")
    op.create_table('calendar_state',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_calendar_state_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_calendar_state'))
    )
    op.create_table('event',
    sa.Column('stream', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('prev_seq', sa.Integer(), sa.Computed('nullif(seq - 1, 0)', persisted=True), nullable=True),
    sa.Column('cause_seq', sa.Integer(), nullable=True),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('actor_id', sa.BigInteger(), nullable=False),
    sa.Column('acting_for_id', sa.BigInteger(), nullable=True),
    sa.Column('seat', sa.Text(), nullable=True),
    sa.Column('organisation_id', sa.BigInteger(), nullable=True),
    sa.Column('from_state', sa.Text(), nullable=True),
    sa.Column('to_state', sa.Text(), nullable=True),
    sa.Column('workflow_hash', sa.Text(), nullable=True),
    sa.Column('guards', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('payload', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('salt', sa.LargeBinary(), nullable=False),
    sa.Column('request_id', sa.Text(), nullable=True),
    sa.Column('request_hash', sa.LargeBinary(), nullable=True),
    sa.Column('body', sa.LargeBinary(), nullable=False),
    sa.Column('prev_hash', sa.LargeBinary(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.Column('mac', sa.LargeBinary(), nullable=False),
    sa.Column('key_id', sa.Text(), nullable=False),
    sa.Column('algorithm', sa.Text(), nullable=False),
    sa.CheckConstraint('cause_seq < seq', name=op.f('ck_event_cause_comes_before')),
    sa.CheckConstraint('octet_length(hash) = 32 AND octet_length(mac) = 32', name=op.f('ck_event_hash_length')),
    sa.CheckConstraint('seq >= 1', name=op.f('ck_event_seq_starts_at_one')),
    sa.ForeignKeyConstraint(['stream', 'prev_seq'], ['event.stream', 'event.seq'], name='fk_event_previous'),
    sa.PrimaryKeyConstraint('stream', 'seq', name=op.f('pk_event')),
    sa.UniqueConstraint('actor_id', 'request_id', name='uq_event_request'),
    sa.UniqueConstraint('hash', name=op.f('uq_event_hash'))
    )
    op.create_index('ix_event_actor_at', 'event', ['actor_id', 'at', 'stream', 'seq'], unique=False)
    op.create_index('ix_event_at', 'event', ['at', 'stream', 'seq'], unique=False)
    op.create_index('ix_event_organisation', 'event', ['organisation_id', 'name', 'at'], unique=False)
    op.create_table('person',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('login', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('email', sa.Text(), nullable=True),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_person')),
    sa.UniqueConstraint('login', name=op.f('uq_person_login')),
    sa.UniqueConstraint('public_id', name=op.f('uq_person_public_id'))
    )
    op.create_table('policy',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('city', sa.Text(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy')),
    sa.UniqueConstraint('code', name=op.f('uq_policy_code'))
    )
    op.create_table('stream',
    sa.Column('id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), nullable=False),
    sa.Column('hash', sa.LargeBinary(), nullable=False),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_stream'))
    )
    op.create_table('sweep',
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('last_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('acted', sa.Integer(), nullable=False),
    sa.PrimaryKeyConstraint('name', name=op.f('pk_sweep'))
    )
    op.create_table('territory',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('level', sa.Text(), nullable=False),
    sa.Column('fiscal_level', sa.Text(), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['parent_id'], ['territory.id'], name=op.f('fk_territory_parent_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_territory')),
    sa.UniqueConstraint('code', name=op.f('uq_territory_code'))
    )
    op.create_table('virtual_clock',
    sa.Column('id', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('at', sa.DateTime(timezone=True), nullable=False),
    sa.CheckConstraint('id = 1', name=op.f('ck_virtual_clock_one_row')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_virtual_clock'))
    )
    op.create_table('workflow',
    sa.Column('hash', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('definition', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.PrimaryKeyConstraint('hash', name=op.f('pk_workflow'))
    )
    op.create_table('calendar_year',
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('source', sa.Text(), nullable=False),
    sa.Column('imported_by', sa.BigInteger(), nullable=True),
    sa.Column('imported_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('confirmed_by', sa.BigInteger(), nullable=True),
    sa.Column('confirmed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'confirmed') = (confirmed_at IS NOT NULL)", name=op.f('ck_calendar_year_confirmed')),
    sa.CheckConstraint("status IN ('statutory', 'imported', 'confirmed')", name=op.f('ck_calendar_year_status')),
    sa.CheckConstraint('confirmed_by <> imported_by', name=op.f('ck_calendar_year_second_person')),
    sa.ForeignKeyConstraint(['confirmed_by'], ['person.id'], name=op.f('fk_calendar_year_confirmed_by')),
    sa.ForeignKeyConstraint(['imported_by'], ['person.id'], name=op.f('fk_calendar_year_imported_by')),
    sa.PrimaryKeyConstraint('year', name=op.f('pk_calendar_year'))
    )
    op.create_table('measure',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('code', sa.Text(), nullable=False),
    sa.Column('policy_id', sa.BigInteger(), nullable=False),
    sa.ForeignKeyConstraint(['policy_id'], ['policy.id'], name=op.f('fk_measure_policy_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure')),
    sa.UniqueConstraint('code', name=op.f('uq_measure_code'))
    )
    op.create_table('organisation',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('code', sa.Text(), nullable=True),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('territory_id', sa.BigInteger(), nullable=False),
    sa.Column('uscc', sa.Text(), nullable=True),
    sa.Column('identity_type', sa.Text(), nullable=True),
    sa.Column('identity_number', sa.Text(), nullable=True),
    sa.CheckConstraint("kind NOT IN ('enterprise', 'institution', 'association', 'individual') OR (kind = 'individual' AND uscc IS NULL AND identity_number IS NOT NULL     AND identity_type IS NOT NULL) OR (kind <> 'individual' AND uscc IS NOT NULL)", name=op.f('ck_organisation_applicant_identifier')),
    sa.CheckConstraint('uscc IS NULL OR length(uscc) = 18', name=op.f('ck_organisation_uscc_length')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_organisation_territory_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_organisation')),
    sa.UniqueConstraint('code', name=op.f('uq_organisation_code')),
    sa.UniqueConstraint('identity_type', 'identity_number', name='uq_organisation_identity'),
    sa.UniqueConstraint('public_id', name=op.f('uq_organisation_public_id')),
    sa.UniqueConstraint('uscc', name=op.f('uq_organisation_uscc'))
    )
    op.create_index('ix_organisation_kind', 'organisation', ['kind'], unique=False)
    op.create_table('policy_version',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('policy_id', sa.BigInteger(), nullable=False),
    sa.Column('version', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('document_no', sa.Text(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('issued_on', sa.Date(), nullable=True),
    sa.Column('effective_from', sa.Date(), nullable=True),
    sa.Column('effective_to', sa.Date(), nullable=True),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.Column('definition', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('text', sa.Text(), nullable=False),
    sa.Column('loaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('current', sa.Boolean(), nullable=False),
    sa.CheckConstraint("status IN ('consultation_draft', 'in_force', 'expired', 'lapsed', 'repealed')", name=op.f('ck_policy_version_status')),
    sa.CheckConstraint("status NOT IN ('in_force', 'expired') OR (effective_from IS NOT NULL AND effective_to IS NOT NULL AND issued_on IS NOT NULL)", name=op.f('ck_policy_version_in_force_is_dated')),
    sa.CheckConstraint('effective_to >= effective_from', name=op.f('ck_policy_version_period')),
    sa.ForeignKeyConstraint(['policy_id'], ['policy.id'], name=op.f('fk_policy_version_policy_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_policy_version')),
    sa.UniqueConstraint('policy_id', 'content_hash', name='uq_policy_version_content'),
    sa.UniqueConstraint('policy_id', 'version', name=op.f('uq_policy_version_policy_id_version'))
    )
    op.create_index('uq_policy_version_current', 'policy_version', ['policy_id'], unique=True, postgresql_where='current')
    op.create_table('assignment',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('organisation_id', sa.BigInteger(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('valid_from', sa.DateTime(timezone=True), nullable=False),
    sa.Column('valid_to', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('valid_to IS NULL OR valid_to > valid_from', name=op.f('ck_assignment_period')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_assignment_organisation_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_assignment_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_assignment')),
    sa.UniqueConstraint('person_id', 'organisation_id', 'role', 'valid_from', name='uq_assignment_once')
    )
    op.create_index('ix_assignment_seat', 'assignment', ['organisation_id', 'role'], unique=False)
    op.create_table('calendar_day',
    sa.Column('day', sa.Date(), nullable=False),
    sa.Column('year', sa.Integer(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.CheckConstraint("kind IN ('off', 'work')", name=op.f('ck_calendar_day_kind')),
    sa.CheckConstraint('extract(year FROM day) = year', name=op.f('ck_calendar_day_year')),
    sa.ForeignKeyConstraint(['year'], ['calendar_year.year'], name=op.f('fk_calendar_day_year'), ondelete='CASCADE'),
    sa.PrimaryKeyConstraint('day', name=op.f('pk_calendar_day'))
    )
    op.create_table('call',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('opens_on', sa.Date(), nullable=False),
    sa.Column('closes_on', sa.Date(), nullable=False),
    sa.Column('eligible_from', sa.Date(), nullable=True),
    sa.Column('eligible_to', sa.Date(), nullable=True),
    sa.Column('status', sa.Text(), nullable=False),
    sa.CheckConstraint("status IN ('planned', 'open', 'closed')", name=op.f('ck_call_status')),
    sa.CheckConstraint('closes_on >= opens_on', name=op.f('ck_call_window')),
    sa.CheckConstraint('eligible_to >= eligible_from', name=op.f('ck_call_eligible_period')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_call_measure_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_call')),
    sa.UniqueConstraint('public_id', name=op.f('uq_call_public_id'))
    )
    op.create_index('ix_call_measure', 'call', ['measure_id', 'status'], unique=False)
    op.create_table('case_number',
    sa.Column('measure_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('year', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('last', sa.Integer(), nullable=False),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_case_number_measure_id')),
    sa.PrimaryKeyConstraint('measure_id', 'year', name=op.f('pk_case_number'))
    )
    op.create_table('measure_version',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('policy_version_id', sa.BigInteger(), nullable=False),
    sa.Column('article', sa.Integer(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('family', sa.Text(), nullable=False),
    sa.Column('content_hash', sa.Text(), nullable=False),
    sa.Column('definition', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('workflow_hash', sa.Text(), nullable=False),
    sa.Column('children', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('organisations', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_measure_version_measure_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_version.id'], name=op.f('fk_measure_version_policy_version_id')),
    sa.ForeignKeyConstraint(['workflow_hash'], ['workflow.hash'], name=op.f('fk_measure_version_workflow_hash')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_measure_version')),
    sa.UniqueConstraint('measure_id', 'policy_version_id', name=op.f('uq_measure_version_measure_id_policy_version_id'))
    )
    op.create_table('publicity',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('basis', sa.Text(), nullable=False),
    sa.Column('organisation_id', sa.BigInteger(), nullable=False),
    sa.Column('working_days', sa.Integer(), nullable=False),
    sa.Column('starts_on', sa.Date(), nullable=False),
    sa.Column('ends_on', sa.Date(), nullable=False),
    sa.Column('ends_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'closed') = (closed_at IS NOT NULL)", name=op.f('ck_publicity_closed')),
    sa.CheckConstraint("status IN ('open', 'closed')", name=op.f('ck_publicity_status')),
    sa.CheckConstraint('working_days >= 1 AND ends_on > starts_on', name=op.f('ck_publicity_window')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_publicity_organisation_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_publicity')),
    sa.UniqueConstraint('id', 'ends_on', name='uq_publicity_ends_on'),
    sa.UniqueConstraint('public_id', name=op.f('uq_publicity_public_id'))
    )
    op.create_index('ix_publicity_due', 'publicity', ['ends_at'], unique=False, postgresql_where="status = 'open'")
    op.create_table('case',
    sa.Column('id', sa.BigInteger(), server_default=sa.text("nextval('entity_id')"), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('number', sa.Text(), nullable=False),
    sa.Column('title', sa.Text(), nullable=False),
    sa.Column('parent_id', sa.BigInteger(), nullable=True),
    sa.Column('root_id', sa.BigInteger(), nullable=False),
    sa.Column('child_kind', sa.Text(), nullable=True),
    sa.Column('measure_id', sa.BigInteger(), nullable=False),
    sa.Column('measure_version_id', sa.BigInteger(), nullable=False),
    sa.Column('policy_version_id', sa.BigInteger(), nullable=False),
    sa.Column('workflow_hash', sa.Text(), nullable=False),
    sa.Column('call_id', sa.BigInteger(), nullable=True),
    sa.Column('applicant_id', sa.BigInteger(), nullable=False),
    sa.Column('territory_id', sa.BigInteger(), nullable=False),
    sa.Column('parties', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('matter_on', sa.Date(), nullable=True),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('previous_state', sa.Text(), nullable=True),
    sa.Column('outcome', sa.Text(), nullable=True),
    sa.Column('head_seq', sa.Integer(), nullable=False),
    sa.Column('head_hash', sa.LargeBinary(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('corrections_made', sa.Integer(), nullable=False),
    sa.Column('publicity_id', sa.BigInteger(), nullable=True),
    sa.Column('publicity_ends_on', sa.Date(), nullable=True),
    sa.Column('approved_fen', sa.BigInteger(), nullable=True),
    sa.Column('paid_fen', sa.BigInteger(), server_default='0', nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('submitted_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('ended_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(outcome IS NULL) = (ended_at IS NULL)', name=op.f('ck_case_ended')),
    sa.CheckConstraint('(parent_id IS NULL) = (child_kind IS NULL)', name=op.f('ck_case_child')),
    sa.CheckConstraint('head_seq >= 1', name=op.f('ck_case_head')),
    sa.CheckConstraint('paid_fen <= coalesce(approved_fen, 0)', name=op.f('ck_case_paid_within_approved')),
    sa.CheckConstraint('paid_fen >= 0', name=op.f('ck_case_paid_not_negative')),
    sa.ForeignKeyConstraint(['applicant_id'], ['organisation.id'], name=op.f('fk_case_applicant_id')),
    sa.ForeignKeyConstraint(['call_id'], ['call.id'], name=op.f('fk_case_call_id')),
    sa.ForeignKeyConstraint(['measure_id'], ['measure.id'], name=op.f('fk_case_measure_id')),
    sa.ForeignKeyConstraint(['measure_version_id'], ['measure_version.id'], name=op.f('fk_case_measure_version_id')),
    sa.ForeignKeyConstraint(['parent_id'], ['case.id'], name=op.f('fk_case_parent_id')),
    sa.ForeignKeyConstraint(['policy_version_id'], ['policy_version.id'], name=op.f('fk_case_policy_version_id')),
    sa.ForeignKeyConstraint(['publicity_id', 'publicity_ends_on'], ['publicity.id', 'publicity.ends_on'], name='fk_case_publicity'),
    sa.ForeignKeyConstraint(['root_id'], ['case.id'], name=op.f('fk_case_root_id')),
    sa.ForeignKeyConstraint(['territory_id'], ['territory.id'], name=op.f('fk_case_territory_id')),
    sa.ForeignKeyConstraint(['workflow_hash'], ['workflow.hash'], name=op.f('fk_case_workflow_hash')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_case')),
    sa.UniqueConstraint('number', name=op.f('uq_case_number')),
    sa.UniqueConstraint('public_id', name=op.f('uq_case_public_id'))
    )
    op.create_index('ix_case_applicant', 'case', ['applicant_id', 'id'], unique=False)
    op.create_index('ix_case_measure', 'case', ['measure_id', 'id'], unique=False)
    op.create_index('ix_case_parent', 'case', ['parent_id'], unique=False, postgresql_where='parent_id IS NOT NULL')
    op.create_index('ix_case_state', 'case', ['state', 'id'], unique=False, postgresql_where='outcome IS NULL')
    op.create_index('ix_case_territory', 'case', ['territory_id', 'id'], unique=False)
    op.create_table('amount_step',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('reason', sa.Text(), nullable=True),
    sa.CheckConstraint('fen >= 0', name=op.f('ck_amount_step_fen')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_amount_step_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'seq', 'kind', name=op.f('pk_amount_step'))
    )
    op.create_table('clock',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('limit_count', sa.Integer(), nullable=True),
    sa.Column('unit', sa.Text(), nullable=True),
    sa.Column('started_on', sa.Date(), nullable=False),
    sa.Column('running_since', sa.Date(), nullable=True),
    sa.Column('consumed', sa.Integer(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('provisional', sa.Boolean(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('stops', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.CheckConstraint("(status = 'running') = (running_since IS NOT NULL)", name=op.f('ck_clock_running_since')),
    sa.CheckConstraint("status IN ('running', 'stopped', 'ended', 'expired')", name=op.f('ck_clock_status')),
    sa.CheckConstraint('consumed >= 0', name=op.f('ck_clock_consumed')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_clock_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'name', name=op.f('pk_clock'))
    )
    op.create_index('ix_clock_due', 'clock', ['due_at'], unique=False, postgresql_where="status = 'running'")
    op.create_index('ix_clock_provisional', 'clock', ['case_id'], unique=False, postgresql_where="provisional AND status = 'running'")
    op.create_table('document',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('public_id', sa.String(length=32), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('name', sa.Text(), nullable=False),
    sa.Column('media_type', sa.Text(), nullable=False),
    sa.Column('size', sa.BigInteger(), nullable=False),
    sa.Column('sha256', sa.Text(), nullable=False),
    sa.Column('uploaded_by', sa.BigInteger(), nullable=False),
    sa.Column('uploaded_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('replaced', sa.Boolean(), server_default='false', nullable=False),
    sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f('ck_document_sha256')),
    sa.CheckConstraint('size > 0', name=op.f('ck_document_size')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_document_case_id')),
    sa.ForeignKeyConstraint(['uploaded_by'], ['person.id'], name=op.f('fk_document_uploaded_by')),
    sa.PrimaryKeyConstraint('case_id', 'id', name=op.f('pk_document')),
    sa.UniqueConstraint('public_id', name=op.f('uq_document_public_id'))
    )
    op.create_index('uq_document_current', 'document', ['case_id', 'kind'], unique=True, postgresql_where='NOT replaced')
    op.create_table('duty',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('person_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('duty', sa.Text(), nullable=False),
    sa.CheckConstraint("duty IN ('handler', 'reviewer', 'approver', 'disburser')", name=op.f('ck_duty_duty')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_duty_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_duty_person_id')),
    sa.PrimaryKeyConstraint('case_id', 'person_id', name=op.f('pk_duty')),
    sa.UniqueConstraint('case_id', 'person_id', 'duty', name='uq_duty_same')
    )
    op.create_table('hold',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('placed_by', sa.BigInteger(), nullable=False),
    sa.Column('placed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('lifted_by', sa.BigInteger(), nullable=True),
    sa.Column('lifted_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint('(lifted_by IS NULL) = (lifted_at IS NULL)', name=op.f('ck_hold_lifted')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_hold_case_id')),
    sa.ForeignKeyConstraint(['lifted_by'], ['person.id'], name=op.f('fk_hold_lifted_by')),
    sa.ForeignKeyConstraint(['placed_by'], ['person.id'], name=op.f('fk_hold_placed_by')),
    sa.PrimaryKeyConstraint('case_id', 'seq', name=op.f('pk_hold'))
    )
    op.create_index('uq_hold_open', 'hold', ['case_id', 'kind'], unique=True, postgresql_where='lifted_at IS NULL')
    op.create_table('notification',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=True),
    sa.Column('person_id', sa.BigInteger(), nullable=False),
    sa.Column('notice', sa.Text(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('facts', postgresql.JSONB(astext_type=sa.Text()), nullable=False),
    sa.Column('created_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('read_at', sa.DateTime(timezone=True), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_notification_case_id')),
    sa.ForeignKeyConstraint(['person_id'], ['person.id'], name=op.f('fk_notification_person_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_notification')),
    sa.UniqueConstraint('case_id', 'rule', 'due_on', 'person_id', name='uq_notification_once', postgresql_nulls_not_distinct=True)
    )
    op.create_index('ix_notification_inbox', 'notification', ['person_id', 'id'], unique=False)
    op.create_table('objection',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('seq', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('publicity_id', sa.BigInteger(), nullable=False),
    sa.Column('objector_id', sa.BigInteger(), nullable=False),
    sa.Column('grounds', sa.Text(), nullable=False),
    sa.Column('filed_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('settled_at', sa.DateTime(timezone=True), nullable=True),
    sa.CheckConstraint("(status = 'open') = (settled_at IS NULL)", name=op.f('ck_objection_settled')),
    sa.CheckConstraint("status IN ('open', 'upheld', 'dismissed')", name=op.f('ck_objection_status')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_objection_case_id')),
    sa.ForeignKeyConstraint(['objector_id'], ['person.id'], name=op.f('fk_objection_objector_id')),
    sa.PrimaryKeyConstraint('case_id', 'seq', name=op.f('pk_objection'))
    )
    op.create_table('payment',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('instalment', sa.Integer(), autoincrement=False, nullable=False),
    sa.Column('share', sa.Text(), nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('ordered_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('paid_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('voucher_no', sa.Text(), nullable=True),
    sa.CheckConstraint("(status = 'paid') = (paid_at IS NOT NULL AND voucher_no IS NOT NULL)", name=op.f('ck_payment_paid')),
    sa.CheckConstraint("share IN ('city', 'district')", name=op.f('ck_payment_share')),
    sa.CheckConstraint("status IN ('ordered', 'paid', 'returned')", name=op.f('ck_payment_status')),
    sa.CheckConstraint('fen > 0', name=op.f('ck_payment_fen')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_payment_case_id')),
    sa.PrimaryKeyConstraint('case_id', 'instalment', 'share', name=op.f('pk_payment'))
    )
    op.create_table('publicity_case',
    sa.Column('publicity_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('fen', sa.BigInteger(), nullable=True),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_publicity_case_case_id')),
    sa.ForeignKeyConstraint(['publicity_id'], ['publicity.id'], name=op.f('fk_publicity_case_publicity_id')),
    sa.PrimaryKeyConstraint('publicity_id', 'case_id', name=op.f('pk_publicity_case'))
    )
    op.create_table('task',
    sa.Column('case_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('state', sa.Text(), nullable=False),
    sa.Column('seat', sa.Text(), nullable=False),
    sa.Column('role', sa.Text(), nullable=False),
    sa.Column('organisation_id', sa.BigInteger(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('opened_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('closed_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('closed_by', sa.BigInteger(), nullable=True),
    sa.Column('verdict', sa.Text(), nullable=True),
    sa.CheckConstraint("(status = 'open') = (closed_at IS NULL)", name=op.f('ck_task_closed')),
    sa.CheckConstraint("status IN ('open', 'done', 'cancelled')", name=op.f('ck_task_status')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_task_case_id')),
    sa.ForeignKeyConstraint(['closed_by'], ['person.id'], name=op.f('fk_task_closed_by')),
    sa.ForeignKeyConstraint(['organisation_id'], ['organisation.id'], name=op.f('fk_task_organisation_id')),
    sa.PrimaryKeyConstraint('case_id', 'id', name=op.f('pk_task'))
    )
    op.create_index('ix_task_mine', 'task', ['organisation_id', 'role', 'opened_at'], unique=False, postgresql_where="status = 'open'")
    op.create_index('uq_task_open_seat', 'task', ['case_id', 'seat'], unique=True, postgresql_where="status = 'open'")
    op.create_table('timer',
    sa.Column('id', sa.BigInteger(), sa.Identity(always=False), nullable=False),
    sa.Column('case_id', sa.BigInteger(), nullable=False),
    sa.Column('kind', sa.Text(), nullable=False),
    sa.Column('clock_name', sa.Text(), nullable=False),
    sa.Column('generation', sa.Integer(), nullable=False),
    sa.Column('rule', sa.Text(), nullable=False),
    sa.Column('due_on', sa.Date(), nullable=False),
    sa.Column('due_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('fired_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.CheckConstraint("kind IN ('expiry', 'reminder', 'wake')", name=op.f('ck_timer_kind')),
    sa.ForeignKeyConstraint(['case_id'], ['case.id'], name=op.f('fk_timer_case_id')),
    sa.PrimaryKeyConstraint('id', name=op.f('pk_timer')),
    sa.UniqueConstraint('case_id', 'clock_name', 'generation', 'rule', name='uq_timer_occurrence')
    )
    op.create_index('ix_timer_due', 'timer', ['due_at', 'id'], unique=False, postgresql_where='fired_at IS NULL')
    op.create_table('delivery',
    sa.Column('notification_id', sa.BigInteger(), autoincrement=False, nullable=False),
    sa.Column('channel', sa.Text(), nullable=False),
    sa.Column('status', sa.Text(), nullable=False),
    sa.Column('attempts', sa.Integer(), server_default='0', nullable=False),
    sa.Column('next_attempt_at', sa.DateTime(timezone=True), nullable=False),
    sa.Column('sent_at', sa.DateTime(timezone=True), nullable=True),
    sa.Column('message_id', sa.Text(), nullable=True),
    sa.Column('problem', sa.Text(), nullable=True),
    sa.CheckConstraint("channel IN ('email')", name=op.f('ck_delivery_channel')),
    sa.CheckConstraint("status IN ('pending', 'sent', 'failed')", name=op.f('ck_delivery_status')),
    sa.ForeignKeyConstraint(['notification_id'], ['notification.id'], name=op.f('fk_delivery_notification_id')),
    sa.PrimaryKeyConstraint('notification_id', 'channel', name=op.f('pk_delivery'))
    )
    op.create_index('ix_delivery_pending', 'delivery', ['next_attempt_at'], unique=False, postgresql_where="status = 'pending'")


def downgrade() -> None:
    op.drop_index('ix_delivery_pending', table_name='delivery', postgresql_where="status = 'pending'")
    op.drop_table('delivery')
    op.drop_index('ix_timer_due', table_name='timer', postgresql_where='fired_at IS NULL')
    op.drop_table('timer')
    op.drop_index('uq_task_open_seat', table_name='task', postgresql_where="status = 'open'")
    op.drop_index('ix_task_mine', table_name='task', postgresql_where="status = 'open'")
    op.drop_table('task')
    op.drop_table('publicity_case')
    op.drop_table('payment')
    op.drop_table('objection')
    op.drop_index('ix_notification_inbox', table_name='notification')
    op.drop_table('notification')
    op.drop_index('uq_hold_open', table_name='hold', postgresql_where='lifted_at IS NULL')
    op.drop_table('hold')
    op.drop_table('duty')
    op.drop_index('uq_document_current', table_name='document', postgresql_where='NOT replaced')
    op.drop_table('document')
    op.drop_index('ix_clock_provisional', table_name='clock', postgresql_where="provisional AND status = 'running'")
    op.drop_index('ix_clock_due', table_name='clock', postgresql_where="status = 'running'")
    op.drop_table('clock')
    op.drop_table('amount_step')
    op.drop_index('ix_case_territory', table_name='case')
    op.drop_index('ix_case_state', table_name='case', postgresql_where='outcome IS NULL')
    op.drop_index('ix_case_parent', table_name='case', postgresql_where='parent_id IS NOT NULL')
    op.drop_index('ix_case_measure', table_name='case')
    op.drop_index('ix_case_applicant', table_name='case')
    op.drop_table('case')
    op.drop_index('ix_publicity_due', table_name='publicity', postgresql_where="status = 'open'")
    op.drop_table('publicity')
    op.drop_table('measure_version')
    op.drop_table('case_number')
    op.drop_index('ix_call_measure', table_name='call')
    op.drop_table('call')
    op.drop_table('calendar_day')
    op.drop_index('ix_assignment_seat', table_name='assignment')
    op.drop_table('assignment')
    op.drop_index('uq_policy_version_current', table_name='policy_version', postgresql_where='current')
    op.drop_table('policy_version')
    op.drop_index('ix_organisation_kind', table_name='organisation')
    op.drop_table('organisation')
    op.drop_table('measure')
    op.drop_table('calendar_year')
    op.drop_table('workflow')
    op.drop_table('virtual_clock')
    op.drop_table('territory')
    op.drop_table('sweep')
    op.drop_table('stream')
    op.drop_table('policy')
    op.drop_table('person')
    op.drop_index('ix_event_organisation', table_name='event')
    op.drop_index('ix_event_at', table_name='event')
    op.drop_index('ix_event_actor_at', table_name='event')
    op.drop_table('event')
    op.drop_table('calendar_state')
    op.execute("DROP SEQUENCE entity_id")
