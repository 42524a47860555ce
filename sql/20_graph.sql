-- 20_graph.sql: graphs, their versions, nodes and edges.

CREATE SEQUENCE hitl.graph_id_seq;

CREATE TABLE hitl.graph (
  graph_id    bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.graph_id_seq'),
  graph       text NOT NULL,
  owner       regrole NOT NULL,
  version     integer NOT NULL DEFAULT 0,
  created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
  CONSTRAINT graph_pkey PRIMARY KEY (graph_id),
  CONSTRAINT graph_name_key UNIQUE (graph)
);
COMMENT ON TABLE hitl.graph IS 'Graphs by name. Its nodes run as its owner.';
COMMENT ON COLUMN hitl.graph.graph_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.graph.graph IS 'Name, unique in the database.';
COMMENT ON COLUMN hitl.graph.owner IS 'The role that made it: nodes run as this role.';
COMMENT ON COLUMN hitl.graph.version IS 'Latest compiled version; 0 when there is none.';
COMMENT ON COLUMN hitl.graph.created_at IS 'When create_graph() was called.';

CREATE TABLE hitl.graph_version (
  graph_id     bigint NOT NULL,
  version      integer NOT NULL,
  definition   jsonb NOT NULL,
  search_path  text,
  compiled_at  timestamptz,
  compiled_by  text,
  CONSTRAINT graph_version_pkey PRIMARY KEY (graph_id, version)
);
COMMENT ON TABLE hitl.graph_version IS 'Versions of graphs: 0 is the draft that add_node() and the like write, all others are compiled and never change.';
COMMENT ON COLUMN hitl.graph_version.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.graph_version.version IS '0: the draft; compiled ones from 1 upwards.';
COMMENT ON COLUMN hitl.graph_version.definition IS 'The graph as a document, as define() takes it; in a compiled one signatures are qualified.';
COMMENT ON COLUMN hitl.graph_version.search_path IS 'The search_path of its nodes: that of the session that compiled it, resolved, with pg_temp last.';
COMMENT ON COLUMN hitl.graph_version.compiled_at IS 'When.';
COMMENT ON COLUMN hitl.graph_version.compiled_by IS 'Session user who compiled it.';

CREATE TABLE hitl.graph_function (
  graph_id   bigint NOT NULL,
  version    integer NOT NULL,
  signature  text NOT NULL,
  owner      regrole NOT NULL,
  code_hash  text NOT NULL,
  shadow     text,
  CONSTRAINT graph_function_pkey PRIMARY KEY (graph_id, version, signature)
);
COMMENT ON TABLE hitl.graph_function IS 'The functions that a compiled version names: its handlers, routers and reducers.';
COMMENT ON COLUMN hitl.graph_function.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.graph_function.version IS 'The version.';
COMMENT ON COLUMN hitl.graph_function.signature IS 'Qualified.';
COMMENT ON COLUMN hitl.graph_function.owner IS 'Who owned it at compile. Another owner at run time fails the node (IH011).';
COMMENT ON COLUMN hitl.graph_function.code_hash IS
'SHA-256, in hexadecimal, of its code at compile: language, body, settings, strictness, volatility, SECURITY DEFINER; of a C function its symbol and file; of an aggregate also that of its functions, and their owners where they are not the aggregate''s. Other code at run time fails the node (IH011).';

COMMENT ON COLUMN hitl.graph_function.shadow IS 'Qualified: the copy in schema hitl_pinned that a pinned graph calls; NULL where there is none.';

-- Copies of functions, of pinned graphs.  They are made when a graph is compiled and belong to its owner, not to the
-- extension: pg_dump takes them along.  Nobody else than this schema's owner may put anything here; nobody has any right.
CREATE SCHEMA hitl_pinned;
COMMENT ON SCHEMA hitl_pinned IS 'hitl: copies of functions as they were when a pinned graph was compiled (create_graph(..., functions => ''pinned'')).';

-- A right on this domain is held by every role that owns a graph.  It is of no
-- use but one: DROP ROLE of an owner is refused, because PostgreSQL keeps a
-- shared dependency for the right and none for a regrole in a row.
CREATE DOMAIN hitl.graph_owner AS boolean;
REVOKE ALL ON DOMAIN hitl.graph_owner FROM PUBLIC;
COMMENT ON DOMAIN hitl.graph_owner IS 'Marker: USAGE on it is held by the roles that own graphs, so that they cannot be dropped.';

CREATE FUNCTION hitl.create_graph(graph text, recursion_limit integer DEFAULT 25, functions text DEFAULT 'live') RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_create_graph';
COMMENT ON FUNCTION hitl.create_graph(text, integer, text) IS
'Creates an empty graph that belongs to current_user, as whom its nodes will run. A thread that has not ended after recursion_limit super-steps
fails; retry() lets it go on for as many more. functions: live, a thread that comes to a function whose code has changed since compile() stops (IH011) until migrate(); or pinned,
compile() copies the functions that belong to the graph''s owner, and threads run the copies of their version; others (and C, SECURITY DEFINER, aggregates) are live. Returns its graph_id.
Errors: 42710 the name is taken; 42501 a node calls; 22023 the name is empty or longer than 63 bytes, the limit is not positive, or functions is another word. The words follow LangGraph (StateGraph).';

CREATE FUNCTION hitl.add_node(graph text, node text, handler text DEFAULT NULL, sql text DEFAULT NULL, retry jsonb DEFAULT NULL,
                              timeout interval DEFAULT NULL, gate jsonb DEFAULT NULL, destinations text[] DEFAULT NULL,
                              subgraph text DEFAULT NULL, input jsonb DEFAULT NULL, output jsonb DEFAULT NULL, suspend text DEFAULT 'replay') RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_node';
COMMENT ON FUNCTION hitl.add_node(text, text, text, text, jsonb, interval, jsonb, text[], text, jsonb, jsonb, text) IS
'Adds a node to the draft of a graph. handler: the signature of a function f(state jsonb) returns jsonb, such as ''risky(jsonb)'' or ''risky''; it is
looked up when the graph is compiled. Or sql: a statement with $1 as the state that returns one row of one jsonb. What comes back is the update of the state: an
object, hitl.command(...), or NULL for none. retry: {"max_attempts", "initial_interval", "backoff_factor", "max_interval" (seconds), "jitter", "retry_on" (SQLSTATEs or classes)}.
timeout: how long one run may take, hitl.max_node_timeout at most. gate: a question in front of the node, with no code: {"action", "args": "$.path.of.keys", "skip_when": jsonpath predicate on the args: only true skips,
"description", "allowed", "on_reject": node or END, "feedback_key", "on_respond": "output" | "run"}. destinations: where its commands may lead. Or subgraph: the name of a graph of the same owner, which
runs as a thread of its own for each task, in the version that is the latest when this graph is compiled. input: {"key in the child''s state": "key in this one"}; without it the child gets
all that the node is given. output: {"key in this state": "key in the child''s"}; without it the node updates what the child has changed.
suspend: what happens at hitl.interrupt(). replay: what the node did is rolled back, and it runs again from its beginning when there is a decision. continue, of a function in PL/pgSQL: all it did is committed with the question, and it goes on behind the
statement that asked, with its variables and loops as they were; check_node() says whether it can.
Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 42710 the node is there already; 22023 something has not the right shape; 22004 an argument is NULL; IH014 it cannot continue.';

CREATE FUNCTION hitl.check_node(function regprocedure, OUT function_name text, OUT line integer, OUT statement text, OUT can_continue boolean, OUT reason text, OUT advice text)
  RETURNS SETOF record LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_check_node';
COMMENT ON FUNCTION hitl.check_node(regprocedure) IS
'Can a function be a node in continue mode (add_node(..., suspend => ''continue''))? A row for each place where it, or a function that it calls from such a place, may pause: the function, the line of its body, the kind of the
statement; whether it can go on behind it; if not, why, and what to write instead. A row without a line: the function cannot be one at all. No rows: it does not pause. The current search_path counts, as at compile.
Errors: 42601, 42704 and what else the compiler of PL/pgSQL raises.';

CREATE FUNCTION hitl.add_edge(graph text, source text, target text) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_edge';
COMMENT ON FUNCTION hitl.add_edge(text, text, text) IS
'Adds an edge to the draft of a graph: when source is done, target runs in the next super-step. START and END are the reserved names of
the entry and the exit; several edges from one source run their targets side by side.
Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 42710 the edge is there already; 22023 it leaves END or enters START.';

CREATE FUNCTION hitl.add_join(graph text, sources text[], target text) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_join';
COMMENT ON FUNCTION hitl.add_join(text, text[], text) IS
'Adds a join to the draft of a graph: target runs once all sources have run, in whichever super-steps (several plain edges run it after each step
in which one of them did). Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 22023 no sources, or one twice.';

CREATE FUNCTION hitl.add_conditional_edges(graph text, source text, router text, map jsonb DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_conditional_edges';
COMMENT ON FUNCTION hitl.add_conditional_edges(text, text, text, jsonb) IS
'Adds edges that a function decides: router f(state jsonb) returns text, text[], jsonb or jsonb[]: the name of a node (or END), several, or what
hitl.send() makes; NULL or nothing leads nowhere. It is called with the state as the source''s update leaves it, in the source''s own run. map, an object: what the router says -> name
of a node. Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 22023 the map is no object of names; 22004 an argument is NULL.';

CREATE FUNCTION hitl.add_channel(graph text, channel text, reducer text DEFAULT 'overwrite', initial jsonb DEFAULT NULL) RETURNS void
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_channel';
COMMENT ON FUNCTION hitl.add_channel(text, text, text, jsonb) IS
'Declares how a key of the state takes updates. reducer: overwrite (at most one writer in a super-step), append, merge (deep), add, min, max, union (a set),
messages (upsert by "id", LangGraph''s add_messages), or a signature of yours: a function f(current jsonb, update jsonb) returns jsonb, called for each update,
or an aggregate agg(jsonb) returns jsonb, over the current value (if it is not null) and then the updates in the order of the tasks. initial: its value before any input.
Keys that are not declared are overwritten. Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 42710 it is declared already; 22004 an argument is NULL.';

CREATE FUNCTION hitl.compile(graph text) RETURNS integer
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_compile';
COMMENT ON FUNCTION hitl.compile(text) IS
'Checks the draft of a graph and makes it a version that never changes; returns its number, from 1. An unchanged draft gives the
version that is there, unless the code of one of its functions has changed. Records the session''s search_path, resolved: the nodes run under it.
Errors: 42704 no such graph; 42501 it is not yours, or a node calls; 42P17 the draft has faults: every one is in the detail.';

CREATE FUNCTION hitl.define(definition jsonb) RETURNS integer
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_define';
COMMENT ON FUNCTION hitl.define(jsonb) IS
'A whole graph as one document, new or in the place of what was there, and compiled; returns the version. The same document again gives the same version, unless the code of one of its functions has changed.
{"graph": name, "recursion_limit": 25, "functions": "live" | "pinned", "channels": {name: {"reducer", "initial"}}, "nodes": {name: {"handler" | "sql" | "subgraph": {"graph", "version", "input", "output"}, "retry", "timeout" (seconds), "gate", "destinations"}},
"edges": [[source, target]], "joins": [{"sources": [...], "target"}], "conditional_edges": [{"source", "router", "map"}], "interrupt_before": [names of nodes, or "*"], "interrupt_after": [...]}.
Errors: 42501 it is not yours, or a node calls; 42P17 it has faults: every one is in the detail.';

CREATE FUNCTION hitl.command(update jsonb DEFAULT NULL, goto text DEFAULT NULL, sends jsonb[] DEFAULT NULL) RETURNS jsonb
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hitl_command';
COMMENT ON FUNCTION hitl.command(jsonb, text, jsonb[]) IS
'What a node returns to say both what it updates and where the thread goes next, beside the node''s edges: goto is a node or END, sends are made by hitl.send().
Errors: 22023 update is not an object. LangGraph''s Command.';

CREATE FUNCTION hitl.send(node text, input jsonb DEFAULT NULL) RETURNS jsonb
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hitl_send';
COMMENT ON FUNCTION hitl.send(text, jsonb) IS
'For routers and commands: a task of a node with an input of its own in the place of the state (NULL: the state). LangGraph''s Send. Errors: 22004 node is NULL.';

CREATE FUNCTION hitl.overwrite(value jsonb) RETURNS jsonb
  LANGUAGE c IMMUTABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'hitl_overwrite';
COMMENT ON FUNCTION hitl.overwrite(jsonb) IS
'What a node returns for a channel to give it this value, whatever its reducer: {"notes": hitl.overwrite([])}. What other nodes write to the channel in the same super-step is reduced onto it;
two of these are the error that names both nodes (21000). NULL is JSON''s null. Errors: as those of the update. LangGraph''s Overwrite.';
