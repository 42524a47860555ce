-- 42_policy.sql: who has to agree to what: policies, the rules that choose them, and what needed nobody.

CREATE SEQUENCE hitl.policy_id_seq;
CREATE SEQUENCE hitl.rule_id_seq;
CREATE SEQUENCE hitl.automatic_verdict_id_seq;

CREATE TABLE hitl.policy (
  policy_id  bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.policy_id_seq'),
  policy     text NOT NULL,
  owner      regrole NOT NULL,
  version    integer NOT NULL,
  CONSTRAINT policy_pkey PRIMARY KEY (policy_id),
  CONSTRAINT policy_name_key UNIQUE (policy)
);
COMMENT ON TABLE hitl.policy IS 'Policies by name. A name is for ever, so that nobody else can come to stand behind it.';
COMMENT ON COLUMN hitl.policy.policy_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.policy.policy IS 'Name, unique in the database.';
COMMENT ON COLUMN hitl.policy.owner IS 'The role that made it: who may act as it may write new versions.';
COMMENT ON COLUMN hitl.policy.version IS 'Latest version: what is opened from now on gets it.';

CREATE TABLE hitl.policy_version (
  policy_id   bigint NOT NULL,
  version     integer NOT NULL,
  definition  jsonb NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  CONSTRAINT policy_version_pkey PRIMARY KEY (policy_id, version)
);
COMMENT ON TABLE hitl.policy_version IS 'Versions of policies. A row never changes; an interrupt keeps the version that it opened with.';
COMMENT ON COLUMN hitl.policy_version.policy_id IS 'The policy.';
COMMENT ON COLUMN hitl.policy_version.version IS 'From 1 upwards.';
COMMENT ON COLUMN hitl.policy_version.definition IS 'The policy as a document, in full: also what its author left to the defaults. Signatures are qualified.';
COMMENT ON COLUMN hitl.policy_version.created_by IS 'Session user who wrote it.';
COMMENT ON COLUMN hitl.policy_version.created_at IS 'When.';

CREATE TABLE hitl.policy_group (
  policy_id  bigint NOT NULL,
  version    integer NOT NULL,
  name       text NOT NULL,
  role       regrole NOT NULL,
  CONSTRAINT policy_group_pkey PRIMARY KEY (policy_id, version, name)
);
COMMENT ON TABLE hitl.policy_group IS 'Which roles the groups of a version of a policy are. A row never changes: a group that is renamed stays what it is, and another role that gets its name does not come in its place.';
COMMENT ON COLUMN hitl.policy_group.policy_id IS 'The policy.';
COMMENT ON COLUMN hitl.policy_group.version IS 'The version.';
COMMENT ON COLUMN hitl.policy_group.name IS 'The group as the definition names it.';
COMMENT ON COLUMN hitl.policy_group.role IS 'The role that had this name when the version was written.';

CREATE TABLE hitl.rule (
  rule_id     bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.rule_id_seq'),
  rule        text NOT NULL,
  owner       regrole NOT NULL,
  policy_id   bigint,
  action      text,
  graph_id    bigint,
  node        text,
  args        text,
  skip_when   text,
  priority    integer NOT NULL,
  created_by  text NOT NULL,
  created_at  timestamptz NOT NULL,
  dropped_by  text,
  dropped_at  timestamptz,
  CONSTRAINT rule_pkey PRIMARY KEY (rule_id)
);
-- one is in force; those that were dropped stay, as a trail
CREATE UNIQUE INDEX rule_in_force ON hitl.rule (rule) WHERE dropped_at IS NULL;
COMMENT ON TABLE hitl.rule IS 'Rules: which policy a question gets, and what may run without a person. Every process keeps the rows until an invalidation of this table: write them by create_rule() and drop_rule(), which send it.';
COMMENT ON COLUMN hitl.rule.rule_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.rule.rule IS 'Name, unique among the rules in force.';
COMMENT ON COLUMN hitl.rule.owner IS 'The role that made it. The rule counts for graphs of owners as whom this role may act; a superuser''s for all, and before the others.';
COMMENT ON COLUMN hitl.rule.policy_id IS 'The policy that it chooses, in its latest version. NULL: none, it only says what needs nobody.';
COMMENT ON COLUMN hitl.rule.action IS 'A pattern for the action: * stands for any characters, ? for one. NULL: any question.';
COMMENT ON COLUMN hitl.rule.graph_id IS 'The graph; NULL: any.';
COMMENT ON COLUMN hitl.rule.node IS 'The node; NULL: any.';
COMMENT ON COLUMN hitl.rule.args IS 'A jsonpath predicate on the args: where it is false the rule does not apply, where it is unknown it does. NULL: any args.';
COMMENT ON COLUMN hitl.rule.skip_when IS 'A jsonpath predicate on the args: where it is true, and that of args too, nobody is asked. NULL: somebody always is.';
COMMENT ON COLUMN hitl.rule.priority IS 'Lower comes first, among the rules of superusers and among the others.';
COMMENT ON COLUMN hitl.rule.created_by IS 'Session user who made it.';
COMMENT ON COLUMN hitl.rule.created_at IS 'When.';
COMMENT ON COLUMN hitl.rule.dropped_by IS 'Session user who dropped it. NULL: it is in force.';
COMMENT ON COLUMN hitl.rule.dropped_at IS 'When.';

CREATE TABLE hitl.automatic_verdict (
  thread_id   bigint NOT NULL,
  verdict_id  bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.automatic_verdict_id_seq'),
  task_id     bigint NOT NULL,
  graph_id    bigint NOT NULL,
  node        text NOT NULL,
  key         text NOT NULL,
  action      text,
  rule        text NOT NULL,
  at          timestamptz NOT NULL,
  CONSTRAINT automatic_verdict_pkey PRIMARY KEY (thread_id, verdict_id)
);
CREATE INDEX automatic_verdict_day ON hitl.automatic_verdict USING brin (((at AT TIME ZONE 'UTC')::pg_catalog.date));
COMMENT ON TABLE hitl.automatic_verdict IS 'What ran without a person because a rule or a gate said so: a row per question that nobody was asked, in the commit of the node''s effects. Rows are only added.';
COMMENT ON COLUMN hitl.automatic_verdict.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.automatic_verdict.verdict_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.automatic_verdict.task_id IS 'The task.';
COMMENT ON COLUMN hitl.automatic_verdict.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.automatic_verdict.node IS 'The node.';
COMMENT ON COLUMN hitl.automatic_verdict.key IS 'The question''s key in the node; #gate for its gate.';
COMMENT ON COLUMN hitl.automatic_verdict.action IS 'The action, where the question has one.';
COMMENT ON COLUMN hitl.automatic_verdict.rule IS 'The rule by name; gate: the gate''s own skip_when.';
COMMENT ON COLUMN hitl.automatic_verdict.at IS 'When the run was recorded.';

CREATE FUNCTION hitl.create_policy(policy text, definition jsonb) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_create_policy';
COMMENT ON FUNCTION hitl.create_policy(text, jsonb) IS
'Makes a policy, or a new version of one that is yours; returns the version. The same definition again is the same version. What is open keeps the version that it opened with.
Keys, all optional: allowed [decision types]; groups [roles who may decide; left out: the graph''s owner and its reviewers]; quorum: n, "all", {"finance": 1, "legal": 2} (or "all" of a group; a vote counts for one group), or {"weights": {"finance": 2, "legal": 1}, "needed": 3};
veto: true (default: one reject is the end), false (rejects need the quorum too), or [roles]; starter_may_decide (false; who gave it its input or wrote into its state is one too), previous_decider_may_decide (false), editor_may_decide_alone (true), automation_may_decide (false), asserted_may_decide (true), may_delegate (true), claim_required (false);
reason_required: true or [types]; editable [keys of the args]; args_schema, response_schema (JSON Schema); validator f(question jsonb, answer jsonb) returns text (NULL: fine) and business_time f(timestamptz, interval) returns timestamptz, which run with the search_path "pg_catalog, pg_temp"; guard f(question jsonb, decision jsonb) returns boolean;
priority; hide_args; due_in, expires_in, warn_before, claim_for (such as "2 days 4 hours"); notify [roles]; on_expiry: "stay", "reject", "fail", {"type": "approve", "without_a_person": true}, {"type": "respond", "response": ...}, {"type": "route", "node": "x"};
ladder (at most 100 steps): [{"after", "if": "not_claimed" or "not_decided", "do": "notify", "widen", "reassign", "priority" or "decide", "role", "priority", "decision", "without_a_person", "repeat", "every"}].
Errors: 22023 a key is not known or its value is no good, the detail names it; 42704 a role does not exist; 42883 a function does not; 42501 you are no author (grant_author()), the policy is somebody else''s, a validator or business_time belongs neither to a superuser nor to hitl''s owner, or a node calls; 22004 an argument is NULL.
The ideas: AWS''s multi-party approval, GitHub''s environments, Opsgenie''s escalations.';

CREATE FUNCTION hitl.create_rule(rule text, policy text DEFAULT NULL, action text DEFAULT NULL, graph text DEFAULT NULL, node text DEFAULT NULL,
                                 args text DEFAULT NULL, skip_when text DEFAULT NULL, priority integer DEFAULT 0) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_create_rule';
COMMENT ON FUNCTION hitl.create_rule(text, text, text, text, text, text, text, integer) IS
'Makes a rule, in force from the commit on for all that is asked after it; returns its id. Of a question that a node asks, the first rule that says something counts: those of superusers first, then by priority (lower first), then by age; a rule counts for graphs of owners as whom its own owner may act.
It is for questions whose action matches the pattern action (* any characters, ? one), of this graph and node, and whose args the jsonpath predicate args does not exclude: only false does, what is unknown (a misspelt key, null, a string for a number) lets the policy apply: so the strictest rule comes first.
skip_when is a jsonpath predicate on the args: only where it is true, and args too, the node goes on without a person and is given {"type": "approve", "automatic": true, "rule", "args", "at"}; see automatic_verdicts. Without a rule a question gets the policy that its gate or payload names, else none.
Of a batch each action is asked for: nobody is asked only if that is so of each, a policy for one is for all, and actions for several policies (that of no rule comes under the one that the payload names) cannot be asked about together (22023 in the node). An edit that a rule, or where none is for it the question or its gate, puts under another policy than the one that the interrupt was opened under is refused (IH004).
Errors: 42704 no such policy, graph or node; 42710 a rule of that name is in force; 22023 it has neither a policy nor skip_when, or its name is no good; 42601 a predicate cannot be read, 22023 or passes over what is missing; 42501 you are no author, the graph is not yours, or a node calls; 22004 rule or priority is NULL.';

CREATE FUNCTION hitl.drop_rule(rule text) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_drop_rule';
COMMENT ON FUNCTION hitl.drop_rule(text) IS
'Ends a rule, from the commit on. What is open already keeps the policy that the rule chose for it. Errors: 42704 no such rule is in force; 42501 it is not yours, or a node calls; 22004 rule is NULL.';

CREATE VIEW hitl._policy_of_me AS
  SELECT p.policy_id
  FROM hitl.policy p
       JOIN hitl.policy_version v ON v.policy_id = p.policy_id AND v.version = p.version
  WHERE p.owner IN (SELECT m.role FROM hitl._role_of_me m)
     OR EXISTS (SELECT FROM hitl._role_of_me m JOIN pg_catalog.pg_roles r ON r.oid = m.role
                WHERE (v.definition OPERATOR(pg_catalog.->) 'groups') OPERATOR(pg_catalog.?) r.rolname::pg_catalog.text)
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id = 0);
COMMENT ON VIEW hitl._policy_of_me IS 'Internal: the policies that I may read: those of roles as which I may act, those whose groups I am in, and all for an auditor of all graphs.';

CREATE VIEW hitl.policies WITH (security_barrier) AS
  SELECT p.policy, p.version, p.owner, v.definition, v.created_by, v.created_at
  FROM hitl.policy p
       JOIN hitl.policy_version v ON v.policy_id = p.policy_id AND v.version = p.version
  WHERE p.policy_id IN (SELECT m.policy_id FROM hitl._policy_of_me m)
  ORDER BY p.policy;
COMMENT ON VIEW hitl.policies IS 'Policies in their latest version: those of roles as which I may act, and those whose groups I am in; an auditor of all graphs sees all.';

CREATE VIEW hitl.policy_history WITH (security_barrier) AS
  SELECT p.policy, v.version, p.owner, v.definition, v.created_by, v.created_at
  FROM hitl.policy p
       JOIN hitl.policy_version v ON v.policy_id = p.policy_id
  WHERE p.policy_id IN (SELECT m.policy_id FROM hitl._policy_of_me m)
  ORDER BY p.policy, v.version;
COMMENT ON VIEW hitl.policy_history IS 'All versions of the policies that I may see, oldest first.';

CREATE VIEW hitl.rules WITH (security_barrier) AS
  SELECT r.rule, p.policy, r.action, g.graph, r.node, r.args, r.skip_when, r.priority, r.owner, o.rolsuper AS is_first,
         r.created_by, r.created_at
  FROM hitl.rule r
       LEFT JOIN hitl.policy p ON p.policy_id = r.policy_id
       LEFT JOIN hitl.graph g ON g.graph_id = r.graph_id
       LEFT JOIN pg_catalog.pg_roles o ON o.oid = r.owner
  WHERE r.dropped_at IS NULL
    AND (r.owner IN (SELECT m.role FROM hitl._role_of_me m)
         OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id IN (0, r.graph_id)))
  ORDER BY o.rolsuper DESC, r.priority, r.rule_id;
COMMENT ON VIEW hitl.rules IS 'The rules in force of roles as which I may act (auditors: those of their graphs), in the order in which they are asked; is_first: a superuser''s, which is asked before all others. NULL in action, graph, node or args: any.';

CREATE VIEW hitl.rule_history WITH (security_barrier) AS
  SELECT r.rule, p.policy, r.action, g.graph, r.node, r.args, r.skip_when, r.priority, r.owner, r.created_by, r.created_at, r.dropped_by, r.dropped_at
  FROM hitl.rule r
       LEFT JOIN hitl.policy p ON p.policy_id = r.policy_id
       LEFT JOIN hitl.graph g ON g.graph_id = r.graph_id
  WHERE r.owner IN (SELECT m.role FROM hitl._role_of_me m)
     OR EXISTS (SELECT FROM hitl._grant_of_me m WHERE m."right" = 'auditor' AND m.graph_id IN (0, r.graph_id))
  ORDER BY r.rule_id;
COMMENT ON VIEW hitl.rule_history IS 'All rules that there ever were, oldest first: as in rules, and by whom and when each was dropped (NULL: it is in force).';

CREATE VIEW hitl.automatic_verdicts WITH (security_barrier) AS
  SELECT (a.at AT TIME ZONE 'UTC')::pg_catalog.date AS day, a.rule, g.graph, a.node, a.action, pg_catalog.count(*) AS verdicts
  FROM hitl.automatic_verdict a
       JOIN hitl.graph g ON g.graph_id = a.graph_id
  WHERE a.graph_id IN (SELECT w.graph_id FROM hitl._graph_watched w)
  GROUP BY 1, 2, 3, 4, 5
  ORDER BY 1, 2, 3, 4, 5;
COMMENT ON VIEW hitl.automatic_verdicts IS 'How often nobody was asked: per day (UTC), rule (gate: a gate''s skip_when), graph, node and action.';
