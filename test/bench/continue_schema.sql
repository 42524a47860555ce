-- continue_schema.sql: one node twice, in continue mode and in replay mode: state.n statements, a question, one statement.
-- And functions that are no nodes.
\set ON_ERROR_STOP on
CREATE UNLOGGED TABLE work (mode text NOT NULL, i integer NOT NULL);
CREATE FUNCTION works(mode text, state jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  FOR i IN 1..(state->>'n')::int LOOP
    INSERT INTO work VALUES (mode, i);
  END LOOP;
END $$;
CREATE FUNCTION continues(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb;
BEGIN
  PERFORM works('continue', state);
  decision := hitl.interrupt('{"action": "go on"}');
  INSERT INTO work VALUES ('continue', 0);
  RETURN jsonb_build_object('said', decision->'type');
END $$;
CREATE FUNCTION replays(state jsonb) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  decision jsonb;
BEGIN
  PERFORM works('replay', state);
  decision := hitl.interrupt('{"action": "go on"}');
  INSERT INTO work VALUES ('replay', 0);
  RETURN jsonb_build_object('said', decision->'type');
END $$;
SELECT hitl.create_graph(g), hitl.add_node(g, 'n', g || 's', suspend => g), hitl.add_edge(g, 'START', 'n'), hitl.add_edge(g, 'n', 'END'), hitl.compile(g)
FROM unnest(array['continue', 'replay']) g;
CREATE TABLE todo (k bigint PRIMARY KEY, thread_id bigint NOT NULL);
