-- 46_desk.sql: the desk: who holds a question, in whose place somebody decides, what was said and seen.
--
-- All of it is written under the lock of the interrupt's row, but for absences,
-- which are of no interrupt, and for what was seen.

CREATE SEQUENCE hitl.comment_id_seq;
CREATE SEQUENCE hitl.absence_id_seq;

CREATE TABLE hitl.delegation (
  interrupt_id  bigint NOT NULL,
  delegator     text NOT NULL,
  role          regrole NOT NULL,
  is_added      boolean NOT NULL,
  delegated_at  timestamptz NOT NULL,
  CONSTRAINT delegation_pkey PRIMARY KEY (interrupt_id, delegator, role)
);
COMMENT ON TABLE hitl.delegation IS 'Who may decide an interrupt in the place of somebody else: a vote of a member of the role counts for the delegator, whose right it is. The rows stay when the interrupt is settled.';
COMMENT ON COLUMN hitl.delegation.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.delegation.delegator IS 'The person in whose place members of the role decide. As good as that person''s own right.';
COMMENT ON COLUMN hitl.delegation.role IS 'Members of this role (USAGE) may.';
COMMENT ON COLUMN hitl.delegation.is_added IS 'The role was not in the audience: it is there only for this, and has no right of its own.';
COMMENT ON COLUMN hitl.delegation.delegated_at IS 'When.';

CREATE TABLE hitl.absence (
  absence_id  bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.absence_id_seq'),
  person      text NOT NULL,
  substitute  text NOT NULL,
  starts_at   timestamptz NOT NULL,
  ends_at     timestamptz NOT NULL,
  set_at      timestamptz NOT NULL,
  revoked_at  timestamptz,
  CONSTRAINT absence_pkey PRIMARY KEY (absence_id)
);
CREATE INDEX absence_substitute ON hitl.absence (substitute) WHERE revoked_at IS NULL;
CREATE INDEX absence_person ON hitl.absence (person) WHERE revoked_at IS NULL;
COMMENT ON TABLE hitl.absence IS 'Who is out of office, and who decides in that person''s place meanwhile. Rows stay, as a trail.';
COMMENT ON COLUMN hitl.absence.absence_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.absence.person IS 'Who is away.';
COMMENT ON COLUMN hitl.absence.substitute IS 'The person who sees and decides in the place of the one who is away, with that person''s right.';
COMMENT ON COLUMN hitl.absence.starts_at IS 'From when.';
COMMENT ON COLUMN hitl.absence.ends_at IS 'Until when, exclusive; infinity: until back().';
COMMENT ON COLUMN hitl.absence.set_at IS 'When it was told.';
COMMENT ON COLUMN hitl.absence.revoked_at IS 'When it was taken back; NULL: it stands.';

CREATE TABLE hitl.snooze (
  interrupt_id  bigint NOT NULL,
  person        text NOT NULL,
  until_at      timestamptz NOT NULL,
  CONSTRAINT snooze_pkey PRIMARY KEY (interrupt_id, person)
);
COMMENT ON TABLE hitl.snooze IS 'What is out of a person''s inbox for a while.';
COMMENT ON COLUMN hitl.snooze.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.snooze.person IS 'Whose inbox.';
COMMENT ON COLUMN hitl.snooze.until_at IS 'Until when; infinity: dismissed, or snoozed for good.';

CREATE TABLE hitl.comment (
  interrupt_id  bigint NOT NULL,
  comment_id    bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.comment_id_seq'),
  kind          text NOT NULL,
  person        text NOT NULL,
  login         text NOT NULL,
  text          text,
  commented_at  timestamptz NOT NULL,
  CONSTRAINT comment_pkey PRIMARY KEY (interrupt_id, comment_id),
  CONSTRAINT comment_kind CHECK (kind IN ('comment', 'assigned', 'delegated', 'dismissed', 'released'))
);
COMMENT ON TABLE hitl.comment IS 'What people said about an interrupt beside their votes. A row never changes.';
COMMENT ON COLUMN hitl.comment.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.comment.comment_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.comment.kind IS 'comment, or of what it is the reason: assigned, delegated, dismissed, released.';
COMMENT ON COLUMN hitl.comment.person IS 'Who said it.';
COMMENT ON COLUMN hitl.comment.login IS 'Session user.';
COMMENT ON COLUMN hitl.comment.text IS 'What was said.';
COMMENT ON COLUMN hitl.comment.commented_at IS 'When.';

CREATE TABLE hitl.viewed (
  interrupt_id  bigint NOT NULL,
  person        text NOT NULL,
  revision      integer NOT NULL,
  viewed_at     timestamptz NOT NULL,
  CONSTRAINT viewed_pkey PRIMARY KEY (interrupt_id, person, revision)
);
COMMENT ON TABLE hitl.viewed IS 'Who was shown an interrupt, and when first: a row per person and revision, written by show().';
COMMENT ON COLUMN hitl.viewed.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.viewed.person IS 'Who was shown it.';
COMMENT ON COLUMN hitl.viewed.revision IS 'Which revision.';
COMMENT ON COLUMN hitl.viewed.viewed_at IS 'When first.';
