-- 25_grant.sql: who may do what beside the owners of graphs, and what I may see.

CREATE TABLE hitl.grant (
  "right"     text NOT NULL,
  role        regrole NOT NULL,
  graph_id    bigint NOT NULL,
  reviewers   regrole,
  gave_usage  boolean NOT NULL,
  granted_by  text NOT NULL,
  granted_at  timestamptz NOT NULL,
  CONSTRAINT grant_pkey PRIMARY KEY ("right", graph_id, role),
  CONSTRAINT grant_right CHECK ("right" IN ('author', 'reviewer', 'operator', 'auditor', 'proxy'))
);
COMMENT ON TABLE hitl.grant IS 'Rights that were granted, and hold. What was revoked is in the trail only (hitl.audit, thread 0).';
COMMENT ON COLUMN hitl.grant."right" IS 'author, reviewer, operator, auditor; proxy: the role is the login of an application that speaks for many people.';
COMMENT ON COLUMN hitl.grant.role IS 'Who has it: the role with all that may act as it (USAGE).';
COMMENT ON COLUMN hitl.grant.graph_id IS 'The graph; 0: all graphs.';
COMMENT ON COLUMN hitl.grant.reviewers IS 'Of a proxy: the role whose members it may name, and whose rights a person has who is no role.';
COMMENT ON COLUMN hitl.grant.gave_usage IS 'The role has USAGE on the schema by a grant of hitl, which the last revoke takes back.';
COMMENT ON COLUMN hitl.grant.granted_by IS 'Session user.';
COMMENT ON COLUMN hitl.grant.granted_at IS 'When.';

-- As hitl.graph_owner: a right on it is the shared dependency that a regrole in a row does not have.
CREATE DOMAIN hitl.grantee AS boolean;
REVOKE ALL ON DOMAIN hitl.grantee FROM PUBLIC;
COMMENT ON DOMAIN hitl.grantee IS 'Marker: USAGE on it is held by the roles that grants name, so that they cannot be dropped.';

-- ---------------------------------------------------------------------------- who I am, and what I may see
--
-- Views ask these, never a function for each row: (SELECT hitl._member()) is evaluated once, and what it may see is a set.

CREATE FUNCTION hitl._member() RETURNS oid
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'hitl_member';
COMMENT ON FUNCTION hitl._member() IS 'Internal: the role whose rights count in views: current_user; in the session of a proxy, that of the person it speaks for. Errors: as grant_proxy() says.';

CREATE VIEW hitl._role_of_me AS
  SELECT r.oid AS role FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role((SELECT hitl._member()), r.oid, 'USAGE');
COMMENT ON VIEW hitl._role_of_me IS 'Internal: the roles that I may act as, for the rows that name one.';

CREATE VIEW hitl._grant_of_me AS
  SELECT g."right", g.graph_id
  FROM hitl.grant g
       -- nothing, but a view of one table could be written through
       CROSS JOIN (SELECT 1) nothing
  WHERE pg_catalog.pg_has_role((SELECT hitl._member()), g.role, 'USAGE');
COMMENT ON VIEW hitl._grant_of_me IS 'Internal: the rights that were granted to me, or to a role that I may act as; graph_id 0: for all graphs.';

CREATE VIEW hitl._graph_watched AS
  SELECT g.graph_id, g.graph, g.owner
  FROM hitl.graph g
       CROSS JOIN (SELECT 1) nothing
  WHERE pg_catalog.pg_has_role((SELECT hitl._member()), g.owner, 'USAGE')
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" IN ('operator', 'auditor') AND m.graph_id IN (0, g.graph_id));
COMMENT ON VIEW hitl._graph_watched IS 'Internal: the graphs of which I may see what their threads do: mine, and those that I operate or audit.';

CREATE VIEW hitl._graph_read AS
  SELECT g.graph_id, g.graph, g.owner
  FROM hitl.graph g
       CROSS JOIN (SELECT 1) nothing
  WHERE pg_catalog.pg_has_role((SELECT hitl._member()), g.owner, 'USAGE')
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id IN (0, g.graph_id));
COMMENT ON VIEW hitl._graph_read IS 'Internal: the graphs of which I may read all: states, questions, decisions; mine, and those that I audit.';

CREATE VIEW hitl.grants WITH (security_barrier) AS
  SELECT g."right", g.role, p.graph, g.reviewers, g.granted_by, g.granted_at
  FROM hitl.grant g
       LEFT JOIN hitl.graph p ON p.graph_id = g.graph_id
  WHERE pg_catalog.pg_has_role((SELECT hitl._member()), g.role, 'USAGE')
     OR g.graph_id IN (SELECT w.graph_id FROM hitl._graph_read w)
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id = 0)
  ORDER BY g."right", p.graph NULLS FIRST, g.role;
COMMENT ON VIEW hitl.grants IS 'Rights that were granted: which, to which role, for which graph (NULL is all), of a proxy the role of its reviewers, by whom, when. I see mine, those of my graphs, and as an auditor or superuser all. Owners of graphs need none for theirs.';

-- --------------------------------------------------------------------------------------------- grant and revoke

CREATE FUNCTION hitl.grant_author(role text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_grant_author';
COMMENT ON FUNCTION hitl.grant_author(text) IS
'Lets a role, with all that may act as it, create graphs, policies and rules, which then belong to who creates them. As every grant it gives USAGE on the schema too, keeps the role from being dropped, and is taken back by revoke_author() or DROP OWNED.
Returns whether that changed anything. For superusers and the owner of hitl. Errors: 42501 you may not grant, or a node or a trigger calls; 42704 no such role; 22004 the role is NULL.';

CREATE FUNCTION hitl.grant_reviewer(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_grant_reviewer';
COMMENT ON FUNCTION hitl.grant_reviewer(text, text) IS
'Lets a role decide interrupts of a graph (NULL: of all graphs) whose policy names no groups, those that are pending too; it sees them, and what its members decided, and nothing else of their threads. For the graph''s owner; for all graphs superusers and the owner of hitl.
Returns: as grant_author(). Errors: as grant_author(); 42704 no such graph.';

CREATE FUNCTION hitl.grant_operator(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_grant_operator';
COMMENT ON FUNCTION hitl.grant_operator(text, text) IS
'Lets a role keep a graph running (NULL: all graphs): start, cancel, retry and migrate threads, set breakpoints, see threads, failed, timeline and why(); neither their state nor their questions, and not update_state(), fork() or a decision.
For the graph''s owner; for all graphs superusers and the owner of hitl. Returns: as grant_author(). Errors: as grant_author(); 42704 no such graph.';

CREATE FUNCTION hitl.grant_auditor(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_grant_auditor';
COMMENT ON FUNCTION hitl.grant_auditor(text, text) IS
'Lets a role read everything of a graph (NULL: of all graphs), state and questions too, and change nothing. For the graph''s owner; for all graphs superusers and the owner of hitl. Returns: as grant_author(). Errors: as grant_author(); 42704 no such graph.';

CREATE FUNCTION hitl.grant_proxy(login text, reviewers text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_grant_proxy';
COMMENT ON FUNCTION hitl.grant_proxy(text, text) IS
'Registers the login of an application that speaks for many people. Who votes, claims and looks in its sessions is the person that it names: SET hitl.actor = ''anna'', or SET ROLE. A person who is a role must be a member of reviewers (USAGE) and no superuser, and has that role''s memberships;
a person who is no role has those of reviewers. Votes count for the person, once with those of the person''s own login, and are marked as asserted by the login; a policy may refuse them (asserted_may_decide). A login that names nobody decides nothing.
For superusers and the owner of hitl. Another call for the same login replaces reviewers. Returns: as grant_author(). Errors: as grant_author(); in sessions of the login 42501 it names nobody, or somebody who is no member of reviewers.';

CREATE FUNCTION hitl.revoke_author(role text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_revoke_author';
COMMENT ON FUNCTION hitl.revoke_author(text) IS
'Takes back what grant_author() gave; graphs that were created stay with their owner. With the last grant goes USAGE on the schema, if a grant gave it and the role owns no graph. Returns: as grant_author(). Errors: as grant_author().';

CREATE FUNCTION hitl.revoke_reviewer(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_revoke_reviewer';
COMMENT ON FUNCTION hitl.revoke_reviewer(text, text) IS
'Takes back what grant_reviewer() gave with the same arguments, for what is pending too; votes that were given stay. Another grant to the role stays. Returns: as grant_reviewer(). Errors: as grant_reviewer(); what becomes of USAGE: as revoke_author().';

CREATE FUNCTION hitl.revoke_operator(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_revoke_operator';
COMMENT ON FUNCTION hitl.revoke_operator(text, text) IS
'Takes back what grant_operator() gave with the same arguments. Returns: as grant_operator(). Errors: as grant_operator(); what becomes of USAGE: as revoke_author().';

CREATE FUNCTION hitl.revoke_auditor(role text, graph text DEFAULT NULL) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_revoke_auditor';
COMMENT ON FUNCTION hitl.revoke_auditor(text, text) IS
'Takes back what grant_auditor() gave with the same arguments. Returns: as grant_auditor(). Errors: as grant_auditor(); what becomes of USAGE: as revoke_author().';

CREATE FUNCTION hitl.revoke_proxy(login text) RETURNS boolean
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_revoke_proxy';
COMMENT ON FUNCTION hitl.revoke_proxy(text) IS
'Takes back what grant_proxy() gave: the login speaks for itself again; votes that it asserted stay. Returns: as grant_proxy(). Errors: as grant_proxy(); what becomes of USAGE: as revoke_author().';
