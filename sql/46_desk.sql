-- 46_desk.sql: the desk: who holds a question, in whose place somebody decides, what was said and seen.
--
-- All of it is written under the lock of the interrupt's row, but for absences,
-- which are of no interrupt, and for what was seen.

CREATE SEQUENCE hitl.comment_id_seq;
CREATE SEQUENCE hitl.absence_id_seq;

CREATE TABLE hitl.delegation (
  interrupt_id    bigint NOT NULL,
  delegator       text NOT NULL,
  delegator_role  regrole,
  role            regrole NOT NULL,
  is_added        boolean NOT NULL,
  delegated_at    timestamptz NOT NULL,
  CONSTRAINT delegation_pkey PRIMARY KEY (interrupt_id, delegator, role)
);
COMMENT ON TABLE hitl.delegation IS 'Who may decide an interrupt in the place of somebody else: a vote of a member of the role counts for the delegator, whose right it is. The rows stay when the interrupt is settled.';
COMMENT ON COLUMN hitl.delegation.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.delegation.delegator IS 'The person in whose place members of the role decide. As good as that person''s own right.';
COMMENT ON COLUMN hitl.delegation.delegator_role IS 'The role that had this name then; NULL: the person is no role. While it does not have it any more nobody decides in that place.';
COMMENT ON COLUMN hitl.delegation.role IS 'Members of this role (USAGE) may.';
COMMENT ON COLUMN hitl.delegation.is_added IS 'The role was not in the audience: it is there only for this, and has no right of its own.';
COMMENT ON COLUMN hitl.delegation.delegated_at IS 'When.';

CREATE TABLE hitl.absence (
  absence_id       bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.absence_id_seq'),
  person           text NOT NULL,
  person_role      regrole NOT NULL,
  substitute       text NOT NULL,
  substitute_role  regrole NOT NULL,
  starts_at        timestamptz NOT NULL,
  ends_at          timestamptz NOT NULL,
  set_at           timestamptz NOT NULL,
  revoked_at       timestamptz,
  CONSTRAINT absence_pkey PRIMARY KEY (absence_id)
);
CREATE INDEX absence_substitute ON hitl.absence (substitute) WHERE revoked_at IS NULL;
CREATE INDEX absence_person ON hitl.absence (person) WHERE revoked_at IS NULL;
COMMENT ON TABLE hitl.absence IS 'Who is out of office, and who decides in that person''s place meanwhile. Rows stay, as a trail.';
COMMENT ON COLUMN hitl.absence.absence_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.absence.person IS 'Who is away.';
COMMENT ON COLUMN hitl.absence.substitute IS 'The person who sees and decides in the place of the one who is away, with that person''s right.';
COMMENT ON COLUMN hitl.absence.person_role IS 'The role that had this name then: another one that gets the name later is not away.';
COMMENT ON COLUMN hitl.absence.substitute_role IS 'The same of the substitute: another one that gets the name later decides in nobody''s place.';
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
  CONSTRAINT comment_kind CHECK (kind IN ('comment', 'assigned', 'delegated', 'dismissed', 'released', 'reopened'))
);
COMMENT ON TABLE hitl.comment IS 'What people said about an interrupt beside their votes. A row never changes.';
COMMENT ON COLUMN hitl.comment.interrupt_id IS 'The interrupt.';
COMMENT ON COLUMN hitl.comment.comment_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.comment.kind IS 'comment, or of what it is the reason: assigned, delegated, dismissed, released, reopened.';
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

CREATE FUNCTION hitl._me() RETURNS text
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'hitl_me';
COMMENT ON FUNCTION hitl._me() IS 'Internal: the person who speaks in this session, for the views.';

CREATE FUNCTION hitl._inbox(OUT interrupt_id bigint, OUT in_place_of text) RETURNS SETOF record
  LANGUAGE c STABLE PARALLEL UNSAFE ROWS 100 AS 'MODULE_PATHNAME', 'hitl_inbox';
COMMENT ON FUNCTION hitl._inbox() IS 'Internal: what the session''s person may decide, in order, for the view inbox. In the target list it is read only as far as somebody asks.';

CREATE FUNCTION hitl.claim(interrupt_id bigint, lease interval DEFAULT NULL) RETURNS timestamptz
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_claim';
COMMENT ON FUNCTION hitl.claim(bigint, interval) IS
'Holds an interrupt, so that nobody else works on it: for the lease, or as long as its policy says (claim_for), or for hitl.claim_lease. Then the claim lapses by itself, and before if its holder may not decide it any more. Who holds it can claim it again, from now on for that long.
A claim is a sign to others: it keeps nobody from voting, unless the policy says claim_required. Returns until when. Errors: 42704 no such interrupt; IH001 it is settled; IH003 you may not decide it;
IH012 somebody else holds it; 42501 a node calls; 22023 the lease is not longer than nothing, or longer than hitl.max_claim_lease and than its policy lends it (claim_for); 22004 an argument is NULL. The idea is the user task of Camunda, and the lease that of message queues.';

CREATE FUNCTION hitl.claim_next(graph text DEFAULT NULL, role text DEFAULT NULL, lease interval DEFAULT NULL) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_claim_next';
COMMENT ON FUNCTION hitl.claim_next(text, text, interval) IS
'Claims the first of my inbox that nobody holds, of a graph or for a role of its audience if these are given; never waits: what somebody else has locked is passed over. Returns its interrupt_id, NULL when there is none.
Errors: 42704 no such graph or role; 42501 a node calls; 22023 the lease is not longer than nothing, or too long, as for claim().';

CREATE FUNCTION hitl.release(interrupt_id bigint, reason text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_release';
COMMENT ON FUNCTION hitl.release(bigint, text) IS
'Ends a claim or an assignment: mine, or, for the graph''s owner and operators, anybody''s. Returns whether anybody held it. The reason is kept as a comment.
Errors: 42704 no such interrupt; IH001 it is settled; IH003 you may not decide it; IH012 somebody else holds it; 42501 a node calls; 22004 an argument is NULL.';

CREATE FUNCTION hitl.assign(interrupt_id bigint, person text, reason text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_assign';
COMMENT ON FUNCTION hitl.assign(bigint, text, text) IS
'Claims an interrupt for somebody else who may decide it, until it is released, or that person may not decide it any more: by who may decide it too, the graph''s owner, or an operator. person: a role that may log in. The reason is kept as a comment.
Errors: 42704 no such interrupt or role; IH001 it is settled; IH003 you, or that person, may not decide it; IH012 a third holds it, and you are neither the graph''s owner nor an operator; 22023 that role may not log in, or it is you yourself, and you are neither: claim() it; 42501 a node calls; 22004 an argument is NULL.';

CREATE FUNCTION hitl.delegate(interrupt_id bigint, role text, reason text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_delegate';
COMMENT ON FUNCTION hitl.delegate(bigint, text, text) IS
'Lets members of a role decide an interrupt in my place. Their vote counts as mine, and mine and theirs are one vote; it is no wider than my right, and not to be handed on. A claim of mine ends. The reason is kept as a comment.
Errors: 42704 no such interrupt or role; IH001 it is settled; IH003 you may not decide it, or only in somebody else''s place; 22023 it is yourself; 42501 its policy wants everybody to decide in person, or a node calls; 22004 an argument is NULL.';

CREATE FUNCTION hitl.comment(interrupt_id bigint, text text) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_comment';
COMMENT ON FUNCTION hitl.comment(bigint, text) IS
'Says something about an interrupt to all who are shown it, also when it is settled. Returns the comment''s id. Errors: 42704 no such interrupt; IH003 you may not see it; 42501 a node calls, or a function (SECURITY DEFINER) of the graph''s owner; 22004 an argument is NULL.';

CREATE FUNCTION hitl.snooze(interrupt_id bigint, until timestamptz) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_snooze';
COMMENT ON FUNCTION hitl.snooze(bigint, timestamptz) IS
'Keeps an interrupt out of my inbox until then; NULL: back in it. Others see it as before. Errors: 42704 no such interrupt; IH001 it is settled; IH003 you may not decide it; 22023 that time is over; 42501 a node calls; 22004 the interrupt is NULL.';

CREATE FUNCTION hitl.dismiss(interrupt_id bigint, reason text DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_dismiss';
COMMENT ON FUNCTION hitl.dismiss(bigint, text) IS
'Takes an interrupt out of my hands and my inbox, for good: it is not a reject, and stays with the others who may decide it. claim(), or snooze(id, NULL), brings it back. The reason is kept as a comment.
Errors: 42704 no such interrupt; IH001 it is settled; IH003 you may not decide it; 42501 a node calls; 22004 the interrupt is NULL. It is what MCP calls cancel, other than decline.';

CREATE FUNCTION hitl.out_of_office(substitute text, since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_out_of_office';
COMMENT ON FUNCTION hitl.out_of_office(text, timestamptz, timestamptz) IS
'I am away, since then (NULL: now) and until then (NULL: until back()): meanwhile the substitute, a role that may log in, has what I may decide in the inbox too, and decides it in my place: that counts as my vote.
Returns the absence''s id; the view absences shows it. Errors: 42704 no such role; 22023 it is yourself or may not log in, or the time is over before it begins; 42501 an application speaks for you, the current user is somebody else, or a node calls; 22004 substitute is NULL.';

CREATE FUNCTION hitl.back() RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_back';
COMMENT ON FUNCTION hitl.back() IS 'I am back: my absences, also those to come, are over. Returns how many. Errors: as out_of_office().';

CREATE FUNCTION hitl.show(interrupt_id bigint) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_show';
COMMENT ON FUNCTION hitl.show(bigint) IS
'An interrupt with all that a person needs to decide it: the question (action, args, description, payload, allowed), the proposal that is voted on and what it would change (diff), the policy in words, the votes so far and what is missing,
delegations, comments, earlier rounds (history), the thread and, for who may see it, its state (what is larger than 2 kB is only named), the deadlines, who holds it; once it is settled, the decision. Hand content_hash or revision back as seen with your vote.
That you looked is kept, with the first time for each revision; where the policy hides the args the server''s log has it too (interrupt and person), also of a transaction that is rolled back. For who may decide it, has voted on it, or owns the graph. Errors: 42704 no such interrupt; IH003 you may not see it; 42501 a node calls; 22004 the interrupt is NULL;
25006 its policy hides the args, and here (a standby, a transaction that is read only) it cannot be kept that you looked.';
