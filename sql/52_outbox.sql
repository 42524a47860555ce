-- 52_outbox.sql: what people are to be told, written in the commit that gives the reason for it.

CREATE SEQUENCE hitl.outbox_id_seq;

CREATE TABLE hitl.outbox (
  outbox_id     bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.outbox_id_seq'),
  dedup_key     text NOT NULL,
  message_id    uuid NOT NULL DEFAULT pg_catalog.gen_random_uuid(),
  interrupt_id  bigint NOT NULL,
  kind          text NOT NULL,
  role          text NOT NULL,
  created_at    timestamptz NOT NULL,
  due_at        timestamptz NOT NULL,
  attempts      integer NOT NULL DEFAULT 0,
  sent_at       timestamptz,
  dropped_at    timestamptz,
  error         text,
  CONSTRAINT outbox_pkey PRIMARY KEY (outbox_id)
);
CREATE UNIQUE INDEX outbox_dedup ON hitl.outbox (dedup_key);
CREATE INDEX outbox_due ON hitl.outbox (due_at, outbox_id) WHERE sent_at IS NULL AND dropped_at IS NULL;
CREATE INDEX outbox_interrupt ON hitl.outbox (interrupt_id);
COMMENT ON TABLE hitl.outbox IS 'Messages to people: a row for each that is to be told something, ids only, in the commit that gives the reason. A sender hands them on, at least once.';
COMMENT ON COLUMN hitl.outbox.outbox_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.outbox.dedup_key IS 'What makes it one message: the interrupt, the reason and the role. The same reason noted twice is one message.';
COMMENT ON COLUMN hitl.outbox.message_id IS 'The same at each attempt, also in a restored copy of the database: the Message-ID of a mail, and the key by which a receiver knows a repeat.';
COMMENT ON COLUMN hitl.outbox.interrupt_id IS 'What it is about.';
COMMENT ON COLUMN hitl.outbox.kind IS 'Why: opened, reminder, escalated, warning, expired, ...';
COMMENT ON COLUMN hitl.outbox.role IS 'Who is to be told, by name: a role with an address, or one whose members have none.';
COMMENT ON COLUMN hitl.outbox.created_at IS 'When there was the reason.';
COMMENT ON COLUMN hitl.outbox.due_at IS 'From when on a sender may take it: later than now while one holds it, and after an attempt that failed.';
COMMENT ON COLUMN hitl.outbox.attempts IS 'How often a sender has taken it.';
COMMENT ON COLUMN hitl.outbox.sent_at IS 'When it was handed over; NULL: not yet.';
COMMENT ON COLUMN hitl.outbox.dropped_at IS 'When it was found to be of no use any more: the question was settled before anybody was told of it.';
COMMENT ON COLUMN hitl.outbox.error IS 'Why the last attempt failed, as the sender says.';

CREATE TABLE hitl.contact (
  role     regrole NOT NULL,
  address  text NOT NULL,
  set_by   text NOT NULL,
  set_at   timestamptz NOT NULL,
  CONSTRAINT contact_pkey PRIMARY KEY (role)
);
COMMENT ON TABLE hitl.contact IS 'Where a role is told: an address, a row per role. Where a role has none, its members with an address are told, each by itself.';
COMMENT ON COLUMN hitl.contact.role IS 'A person or a group.';
COMMENT ON COLUMN hitl.contact.address IS 'A mail address, or whatever the sender''s command takes: a number, a channel.';
COMMENT ON COLUMN hitl.contact.set_by IS 'Session user who set it.';
COMMENT ON COLUMN hitl.contact.set_at IS 'When.';
