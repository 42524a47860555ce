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

-- Who is reached for a role: the role itself, if it has an address; else its
-- members that have one.  A superuser may act as anybody, but is meant only
-- where he was made a member.  Where the role has an address, its members, for
-- whom all that have one are looked at, are not: each half is asked for one role.
CREATE VIEW hitl._reachable AS
  SELECT r.rolname AS role, r.rolname AS member, c.address
  FROM hitl.contact c JOIN pg_catalog.pg_roles r ON r.oid = c.role
  UNION ALL
  SELECT r.rolname, p.rolname, c.address
  FROM pg_catalog.pg_roles r
       JOIN hitl.contact c ON NOT EXISTS (SELECT FROM hitl.contact o WHERE o.role = r.oid)
       JOIN pg_catalog.pg_roles p ON p.oid = c.role
  WHERE pg_catalog.pg_has_role(p.oid, r.oid, 'USAGE')
    AND (NOT p.rolsuper OR EXISTS (SELECT FROM pg_catalog.pg_auth_members a WHERE a.roleid = r.oid AND a.member = p.oid));
COMMENT ON VIEW hitl._reachable IS 'Internal: who is told for a role, and where.';

CREATE VIEW hitl.contacts WITH (security_barrier) AS
  SELECT r.rolname AS role, c.address, c.set_by, c.set_at
  FROM hitl.contact c JOIN pg_catalog.pg_roles r ON r.oid = c.role
  WHERE c.role IN (SELECT m.role FROM hitl._role_of_me m)
  ORDER BY r.rolname;
COMMENT ON VIEW hitl.contacts IS 'Where I am told, and the roles that I may act as. set_contact() writes it.';

CREATE VIEW hitl.notifications WITH (security_barrier) AS
  SELECT o.outbox_id, o.interrupt_id, i.thread_id, o.kind, o.role, o.created_at,
         CASE WHEN o.sent_at IS NOT NULL THEN 'sent' WHEN o.dropped_at IS NOT NULL THEN 'dropped'
              WHEN o.error IS NOT NULL THEN 'failed' ELSE 'waiting' END AS status,
         o.attempts, COALESCE(o.sent_at, o.dropped_at) AS settled_at, o.due_at, o.error, o.message_id
  FROM hitl.outbox o
       JOIN hitl.interrupt i ON i.interrupt_id = o.interrupt_id
       JOIN hitl._graph_watched g ON g.graph_id = i.graph_id
  ORDER BY o.outbox_id;
COMMENT ON VIEW hitl.notifications IS 'Who was to be told what, of my graphs and those that I operate or audit, and what became of it: waiting, failed (the last attempt, by error; due_at is the next), sent, or dropped (settled before anybody was told).';

CREATE FUNCTION hitl.set_contact(role text, address text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_set_contact';
COMMENT ON FUNCTION hitl.set_contact(text, text) IS
'Says where a role is told: a mail address, or whatever the sender''s command takes (a number, a channel). NULL: nowhere any more. What is for a group goes to the group''s
address if it has one, else to each of its members that has one. For the person itself, and for who has admin option on the role; a member of a group does not set the group''s. Errors: 42704 no such role; 42501 it is not yours to say, or you are a node; 22023 it is empty, too long, or not plain ASCII without spaces; 22004 role is NULL.';

CREATE FUNCTION hitl.outbox_claim(max integer DEFAULT 10, lease interval DEFAULT '1 minute',
                                  OUT outbox_id bigint, OUT message_id uuid, OUT interrupt_id bigint, OUT kind text, OUT role text, OUT address text, OUT attempt integer)
  RETURNS SETOF record
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_outbox_claim';
COMMENT ON FUNCTION hitl.outbox_claim(integer, interval) IS
'For senders: takes up to max messages that are due, oldest first, which no other sender gets until the lease runs out. Each is to be handed over and then marked by outbox_done(), or
outbox_failed(); what is neither comes again: at least once, with the same message_id. address: where to, several with commas where the role has none itself and its members have; NULL: nobody has said. A question that was settled
meanwhile is not told of any more. render(interrupt_id, ''email'', outbox_id) is the mail. Returns no row when nothing is due. Errors: 42501 in a node; 22023 max or lease are not above zero. The pattern is the transactional outbox.';

CREATE FUNCTION hitl.outbox_done(outbox_id bigint) RETURNS boolean
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_outbox_done';
COMMENT ON FUNCTION hitl.outbox_done(bigint) IS
'For senders: the message was handed over; the audit says notified. Returns false if that was known already, which is no harm. Errors: 42704 no such message; 42501 it is about somebody else''s graph, or you are a node.';

CREATE FUNCTION hitl.outbox_failed(outbox_id bigint, error text) RETURNS timestamptz
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_outbox_failed';
COMMENT ON FUNCTION hitl.outbox_failed(bigint, text) IS
'For senders: the message could not be handed over; error says why, and is shown in notifications. Returns when it is due again: after 10 s, then twice as long each time, up to an hour; NULL: it was sent or dropped meanwhile.
Errors: 42704 no such message; 42501 it is about somebody else''s graph, or you are a node.';

CREATE FUNCTION hitl.remind(interrupt_id bigint, role text DEFAULT NULL) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_remind';
COMMENT ON FUNCTION hitl.remind(bigint, text) IS
'Puts a reminder of a pending interrupt into the outbox: to role, or to who may decide it. Returns the number of messages. Errors: 42704 no such interrupt or role; IH001 it is settled; 42501 it is of
somebody else''s graph, you are a node, or an operator who may not read it names a role that may not decide it; 22004 interrupt_id is NULL.';

CREATE FUNCTION hitl.render(interrupt_id bigint, format text DEFAULT 'text', outbox_id bigint DEFAULT NULL) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_render';
COMMENT ON FUNCTION hitl.render(bigint, text, bigint) IS
'A question for a person to read: what is to be decided, by when, and the statements that answer it, bound to what is shown here. format: text, or email: the same behind the headers of RFC 5322 (To, Subject, Date, Message-ID), with lines
that end in a line feed, as sendmail -t takes it; From is left to the sender. With outbox_id it is that message: its reason, to whom it goes, and its Message-ID. What the node said is marked by | and has neither control characters nor line ends of its own; where the
policy hides the args, it says no more than a list does; of a batch each action is there, and a decision for each; to an operator, who may send it but not read it, it says only that there is something to decide. Errors: 42704 no such interrupt or message; IH003 you may neither decide nor see it; 42501 the message is about somebody else''s graph; 22023 no such format, a message about another interrupt, or the role''s address is no mail address; 22004 interrupt_id is NULL.';
