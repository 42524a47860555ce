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
  search_path  text NOT NULL,
  compiled_at  timestamptz NOT NULL,
  compiled_by  text NOT NULL,
  CONSTRAINT graph_version_pkey PRIMARY KEY (graph_id, version)
);
COMMENT ON TABLE hitl.graph_version IS 'Compiled versions. A row never changes.';
COMMENT ON COLUMN hitl.graph_version.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.graph_version.version IS 'From 1 upwards.';
COMMENT ON COLUMN hitl.graph_version.search_path IS 'The search_path of its nodes: that of the session that compiled it, resolved, with pg_temp last.';
COMMENT ON COLUMN hitl.graph_version.compiled_at IS 'When.';
COMMENT ON COLUMN hitl.graph_version.compiled_by IS 'Session user who compiled it.';

CREATE TABLE hitl.node (
  graph_id       bigint NOT NULL,
  version        integer NOT NULL,
  node           text NOT NULL,
  handler        text NOT NULL,
  handler_owner  regrole,
  CONSTRAINT node_pkey PRIMARY KEY (graph_id, version, node)
);
COMMENT ON TABLE hitl.node IS 'Nodes of a version; version 0 is the draft that add_node() writes.';
COMMENT ON COLUMN hitl.node.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.node.version IS 'The version; 0 is the draft.';
COMMENT ON COLUMN hitl.node.node IS 'Name of the node.';
COMMENT ON COLUMN hitl.node.handler IS 'Its function: in the draft as the author wrote it, in a version the qualified signature.';
COMMENT ON COLUMN hitl.node.handler_owner IS 'Who owned the function at compile. Another owner at run time fails the node.';

CREATE TABLE hitl.edge (
  graph_id  bigint NOT NULL,
  version   integer NOT NULL,
  source    text NOT NULL,
  target    text NOT NULL,
  CONSTRAINT edge_pkey PRIMARY KEY (graph_id, version, source, target)
);
COMMENT ON TABLE hitl.edge IS 'Edges of a version; version 0 is the draft that add_edge() writes.';
COMMENT ON COLUMN hitl.edge.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.edge.version IS 'The version; 0 is the draft.';
COMMENT ON COLUMN hitl.edge.source IS 'A node, or START.';
COMMENT ON COLUMN hitl.edge.target IS 'A node, or END.';

-- A right on this domain is held by every role that owns a graph.  It is of no
-- use but one: DROP ROLE of an owner is refused, because PostgreSQL keeps a
-- shared dependency for the right and none for a regrole in a row.
CREATE DOMAIN hitl.graph_owner AS boolean;
REVOKE ALL ON DOMAIN hitl.graph_owner FROM PUBLIC;
COMMENT ON DOMAIN hitl.graph_owner IS 'Marker: USAGE on it is held by the roles that own graphs, so that they cannot be dropped.';

CREATE FUNCTION hitl.create_graph(graph text) RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_create_graph';
COMMENT ON FUNCTION hitl.create_graph(text) IS
'Creates an empty graph that belongs to current_user, as whom its nodes will run.
Returns its graph_id. Errors: 42710 the name is taken; 22023 the name is empty or longer than 63 bytes.
The words follow LangGraph (StateGraph).';

CREATE FUNCTION hitl.add_node(graph text, node text, handler text) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_node';
COMMENT ON FUNCTION hitl.add_node(text, text, text) IS
'Adds a node to the draft of a graph. handler: the signature of a function f(state jsonb) returns jsonb, such as ''risky(jsonb)''
or ''risky''; it is looked up when the graph is compiled. What the function returns is the update of the state: an object, or NULL for none.
Errors: 42704 no such graph; 42501 it is not yours; 42710 the node is there already; 42939 the name is reserved (START, END); 22023 the name is empty or too long.';

CREATE FUNCTION hitl.add_edge(graph text, source text, target text) RETURNS void
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_add_edge';
COMMENT ON FUNCTION hitl.add_edge(text, text, text) IS
'Adds an edge to the draft of a graph: when source is done, target runs in the next super-step. START and END are the reserved names of
the entry and the exit; several edges from one source run their targets side by side.
Errors: 42704 no such graph; 42501 it is not yours; 42710 the edge is there already; 22023 it leaves END or enters START.';

CREATE FUNCTION hitl.compile(graph text) RETURNS integer
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_compile';
COMMENT ON FUNCTION hitl.compile(text) IS
'Checks the draft of a graph and makes it a version that never changes; returns its number, from 1. An unchanged draft gives the
version that is there. Records the session''s search_path, resolved: the nodes run under it.
Errors: 42704 no such graph; 42501 it is not yours; 42P17 the draft has faults: every one is in the detail.';
