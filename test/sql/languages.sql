-- Nodes in other languages: PL/Perl and PL/Python.  A node is a function of the state, whatever it is written in.
-- Proves: they are asked, paused, rolled back, resumed as PL/pgSQL is; neither eval nor try/except swallows a pause, nor does what they do
-- after it; their errors are the node's, with the text; what they keep in their interpreters does not reach another role.
CREATE EXTENSION hitl;
CREATE EXTENSION plperl;
CREATE EXTENSION plpython3u;
SET client_min_messages = warning;
CREATE TABLE effects (node text, effect text);

CREATE FUNCTION in_perl(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  my ($state) = @_;
  spi_exec_query("INSERT INTO effects VALUES ('perl', 'before')");
  my $decision = spi_exec_query(q{SELECT hitl.interrupt('{"action": "pay", "args": {"amount": 10}}')->'args'->>'amount' AS amount})->{rows}[0]{amount};
  spi_exec_query("INSERT INTO effects VALUES ('perl', 'after')");
  return qq({"amount": $decision});
$$;
CREATE FUNCTION in_python(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
  import json
  plpy.execute("INSERT INTO effects VALUES ('python', 'before')")
  decision = json.loads(plpy.execute("""SELECT hitl.interrupt('{"action": "pay", "args": {"amount": 10}}') AS decision""")[0]['decision'])
  plpy.execute("INSERT INTO effects VALUES ('python', 'after')")
  return json.dumps({'amount': decision['args']['amount']})
$$;
-- These would swallow it.
CREATE FUNCTION perl_swallows(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  eval { spi_exec_query(q{SELECT hitl.interrupt('{"action": "pay"}')}) };
  if ($@) {
    eval { spi_exec_query("INSERT INTO effects VALUES ('perl_swallows', 'after the pause')") };
    eval { spi_exec_query("INSERT INTO effects VALUES ('perl_swallows', 'after the pause')") };
    return '{"status": "swallowed"}';
  }
  return '{"status": "asked"}';
$$;
CREATE FUNCTION python_swallows(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
  try:
    plpy.execute("""SELECT hitl.interrupt('{"action": "pay"}')""")
  except BaseException:
    for i in range(3):
      try:
        plpy.execute("INSERT INTO effects VALUES ('python_swallows', 'after the pause')")
      except plpy.SPIError:
        pass
    try:
      with plpy.subtransaction():
        plpy.execute("INSERT INTO effects VALUES ('python_swallows', 'after the pause')")
    except BaseException:
      pass
    return '{"status": "swallowed"}'
  return '{"status": "asked"}'
$$;
-- These turn it into something else.
CREATE FUNCTION perl_dies(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  eval { spi_exec_query(q{SELECT hitl.interrupt('{"action": "pay"}')}) };
  die "died of: something else\n" if $@;
  return '{"status": "asked"}';
$$;
CREATE FUNCTION python_raises(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
  try:
    plpy.execute("""SELECT hitl.interrupt('{"action": "pay"}')""")
  except plpy.SPIError as e:
    raise ValueError('something else') from e
  return '{"status": "asked"}'
$$;
-- These fail, or return what is no update.
CREATE FUNCTION perl_fails(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$ die "no money\n"; $$;
CREATE FUNCTION python_fails(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
  plpy.error('no money', detail='The account holds 3.', hint='Pay in first.', sqlstate='P0099')
$$;
CREATE FUNCTION perl_returns_undef(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$ return undef; $$;
CREATE FUNCTION python_returns_list(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$ return '[1]' $$;

SELECT hitl.create_graph(node), hitl.add_node(node, 'n', node), hitl.add_edge(node, 'START', 'n'), hitl.add_edge(node, 'n', 'END'), hitl.compile(node)
  FROM unnest('{in_perl, in_python, perl_swallows, python_swallows, perl_dies, python_raises, perl_fails, python_fails, perl_returns_undef, python_returns_list}'::text[]) node;

-- Here and now, and by the workers.
SELECT graph, d->>'status' AS status, d->'error'->>'sqlstate' AS sqlstate, d->'error'->>'message' AS message, d->'error'->>'detail' AS detail, d->'error'->>'hint' AS hint
  FROM (SELECT graph FROM hitl.graph ORDER BY graph_id) g, hitl.invoke(graph) d;
SELECT count(hitl.start(graph)) FROM hitl.graph;
SELECT graph, hitl.wait(thread_id, '20 s') FROM (SELECT DISTINCT ON (graph) graph, thread_id FROM hitl.threads ORDER BY graph, thread_id DESC) t;
SELECT graph, sqlstate, message FROM hitl.failed ORDER BY graph, thread_id;

-- Before the decision nothing of it is there; after it, once.
SELECT * FROM effects;
SELECT graph, action, args FROM hitl.pending ORDER BY graph, interrupt_id;
SELECT count(hitl.resume(thread_id, '{"type": "approve"}')) FROM hitl.pending WHERE graph NOT IN ('in_perl', 'in_python');
SELECT count(hitl.resume(thread_id, '{"type": "edit", "edits": {"amount": 9}}')) FROM (SELECT DISTINCT ON (graph) thread_id FROM hitl.pending ORDER BY graph, thread_id) p;
SELECT count(hitl.edit(interrupt_id, '{"amount": 8}')) FROM hitl.pending;
SELECT graph, hitl.wait(thread_id, '20 s') FROM hitl.threads WHERE status <> 'failed' ORDER BY graph, thread_id;
SELECT graph, hitl.get_state(thread_id) FROM hitl.threads WHERE status <> 'failed' ORDER BY graph, thread_id;
SELECT node, effect, count(*) FROM effects GROUP BY node, effect ORDER BY node, effect DESC;

-- A step: the call runs by itself, once, in whatever language the node is and the step is; a node that swallows the stop is stopped all the same.
CREATE FUNCTION charges(args jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  spi_exec_query("INSERT INTO effects VALUES ('charges', 'charged')");
  return '{"receipt": "R-1"}';
$$;
CREATE FUNCTION perl_steps(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  spi_exec_query("INSERT INTO effects VALUES ('perl_steps', 'own')");
  my $r = eval { spi_exec_query(q{SELECT hitl.step('charge', 'charges', '{"n": 1}') AS r})->{rows}[0]{r} };
  return '{"status": "swallowed"}' if $@;
  return $r;
$$;
CREATE FUNCTION python_steps(state jsonb) RETURNS jsonb LANGUAGE plpython3u AS $$
  plpy.execute("INSERT INTO effects VALUES ('python_steps', 'own')")
  try:
    return plpy.execute("SELECT hitl.step('charge', 'charges', '{\"n\": 1}') AS r")[0]['r']
  except plpy.SPIError:
    return '{"status": "swallowed"}'
$$;
SELECT hitl.create_graph(node), hitl.add_node(node, 'n', node), hitl.add_edge(node, 'START', 'n'), hitl.add_edge(node, 'n', 'END'), hitl.compile(node) FROM unnest('{perl_steps, python_steps}'::text[]) node;
TRUNCATE effects;
SELECT graph, d->>'status' AS status, d->'state' AS state FROM unnest('{perl_steps, python_steps}'::text[]) graph, hitl.invoke(graph) d;
SELECT node, effect, count(*) FROM effects GROUP BY node, effect ORDER BY node;

-- A cancel that the language has made an error of its own is the node's error; nothing of the node stays.
CREATE FUNCTION perl_sleeps(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  spi_exec_query("INSERT INTO effects VALUES ('perl_sleeps', 'slept')");
  eval { spi_exec_query(q{SELECT pg_sleep(60)}) };
  die "woken\n" if $@;
$$;
SELECT hitl.create_graph('sleeps'), hitl.add_node('sleeps', 'n', 'perl_sleeps'), hitl.add_edge('sleeps', 'START', 'n'), hitl.add_edge('sleeps', 'n', 'END'), hitl.compile('sleeps');
SET statement_timeout = '100 ms';
SELECT d->>'status' AS status, d->'error'->>'message' AS message FROM hitl.invoke('sleeps') d;
RESET statement_timeout;
SELECT * FROM effects WHERE node = 'perl_sleeps';

-- An interpreter's globals outlive a node, and never reach another role.
CREATE FUNCTION perl_shares(state jsonb) RETURNS jsonb LANGUAGE plperl AS $$
  my $me = spi_exec_query('SELECT current_user')->{rows}[0]{current_user};
  my $seen = defined $_SHARED{who} ? $_SHARED{who} : $me;
  $_SHARED{who} = $me;
  return qq({"me": "$me", "seen": "$seen"});
$$;
CREATE ROLE regress_one LOGIN;
CREATE ROLE regress_two LOGIN;
SELECT hitl.grant_author('regress_one'), hitl.grant_author('regress_two');
SET ROLE regress_one;
SELECT hitl.create_graph('one'), hitl.add_node('one', 'n', 'perl_shares'), hitl.add_edge('one', 'START', 'n'), hitl.add_edge('one', 'n', 'END'), hitl.compile('one');
SET ROLE regress_two;
SELECT hitl.create_graph('two'), hitl.add_node('two', 'n', 'perl_shares'), hitl.add_edge('two', 'START', 'n'), hitl.add_edge('two', 'n', 'END'), hitl.compile('two');
RESET ROLE;
SELECT count(hitl.start(graph)) FROM unnest('{one, two, one, two, one, two}'::text[]) graph;
SELECT hitl.wait(thread_id, '20 s') FROM hitl.threads WHERE graph IN ('one', 'two');
SELECT DISTINCT hitl.get_state(thread_id) FROM hitl.threads WHERE graph IN ('one', 'two') ORDER BY 1;

SELECT * FROM hitl.check();
DROP EXTENSION hitl, plperl, plpython3u CASCADE;
DROP SCHEMA hitl;
DROP TABLE effects;
DROP ROLE regress_one, regress_two;
