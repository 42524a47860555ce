-- 30_thread.sql: threads, checkpoints, tasks and the run queue.
--
-- No foreign keys and no checks on payloads among these tables: a key would
-- lock one hot row per child, and an error of a check prints the row into the
-- log.  hitl.check() proves the references instead.

CREATE SEQUENCE hitl.thread_id_seq;
CREATE SEQUENCE hitl.task_id_seq;
CREATE SEQUENCE hitl.queue_id_seq;

CREATE TABLE hitl.thread (
  thread_id   bigint NOT NULL,
  graph_id    bigint NOT NULL,
  version     integer NOT NULL,
  owner       regrole NOT NULL,
  root_id         bigint,
  parent_id       bigint,
  parent_step     integer,
  parent_task_id  bigint,
  depth           integer NOT NULL DEFAULT 0,
  frame           text[],
  status      text NOT NULL,
  step        integer NOT NULL,
  checkpoint  integer NOT NULL,
  n_ready        integer NOT NULL DEFAULT 0,
  n_interrupted  integer NOT NULL DEFAULT 0,
  n_waiting      integer NOT NULL DEFAULT 0,
  n_failed       integer NOT NULL DEFAULT 0,
  starter     text NOT NULL,
  started_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  ended_by    text,
  reason      text,
  turn_step   integer NOT NULL DEFAULT 0,
  n_inputs    integer NOT NULL DEFAULT 0,
  forked_from        bigint,
  forked_checkpoint  integer,
  CONSTRAINT thread_pkey PRIMARY KEY (thread_id),
  CONSTRAINT thread_status CHECK (status IN ('running', 'interrupted', 'done', 'failed', 'cancelled'))
) WITH (fillfactor = 70);
CREATE INDEX thread_root ON hitl.thread (root_id) WHERE root_id IS NOT NULL;
CREATE INDEX thread_parent ON hitl.thread (parent_id) WHERE parent_id IS NOT NULL;
COMMENT ON TABLE hitl.thread IS 'Threads: one run of a graph each. The row is the barrier of a super-step and the lock of control; votes never touch it.';
COMMENT ON COLUMN hitl.thread.thread_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.thread.graph_id IS 'The graph it runs.';
COMMENT ON COLUMN hitl.thread.version IS 'The version it started with, or was taken to by migrate().';
COMMENT ON COLUMN hitl.thread.owner IS 'The graph''s owner, as whom its nodes run.';
COMMENT ON COLUMN hitl.thread.root_id IS 'Children only: the thread at the top of the tree, which somebody started.';
COMMENT ON COLUMN hitl.thread.parent_id IS 'Children only: the thread whose node this subgraph is.';
COMMENT ON COLUMN hitl.thread.parent_step IS 'Children only: the super-step of the parent.';
COMMENT ON COLUMN hitl.thread.parent_task_id IS 'Children only: the task of the parent that waits for it.';
COMMENT ON COLUMN hitl.thread.depth IS 'How many threads are above it; 0: it is a root.';
COMMENT ON COLUMN hitl.thread.frame IS 'Children only: the nodes above it, outermost first.';
COMMENT ON COLUMN hitl.thread.status IS 'As last written by an executor; a thread with a row in run_queue is shown as running, and one with waiting tasks as the threads below it are (view threads).';
COMMENT ON COLUMN hitl.thread.step IS 'The super-step that runs, or ran last; the first is 1, or 0 where code of the author takes the input in.';
COMMENT ON COLUMN hitl.thread.checkpoint IS 'Its latest checkpoint.';
COMMENT ON COLUMN hitl.thread.n_ready IS 'Tasks of its step that are ready: the barrier opens when all four are 0.';
COMMENT ON COLUMN hitl.thread.n_interrupted IS 'Tasks of its step that wait for an answer.';
COMMENT ON COLUMN hitl.thread.n_waiting IS 'Tasks of its step that wait for a child.';
COMMENT ON COLUMN hitl.thread.n_failed IS 'Tasks of its step that have failed.';
COMMENT ON COLUMN hitl.thread.starter IS 'Session user who started it.';
COMMENT ON COLUMN hitl.thread.started_at IS 'When.';
COMMENT ON COLUMN hitl.thread.ended_at IS 'When it was done or cancelled.';
COMMENT ON COLUMN hitl.thread.ended_by IS 'Session user who cancelled it.';
COMMENT ON COLUMN hitl.thread.reason IS 'Why it was cancelled.';
COMMENT ON COLUMN hitl.thread.turn_step IS 'The super-step that took its latest input in, 0 for the first: from there the recursion limit counts.';
COMMENT ON COLUMN hitl.thread.n_inputs IS 'How many inputs wait for its end (thread_input).';
COMMENT ON COLUMN hitl.thread.forked_from IS 'The thread that it was forked from. Nothing of it is needed: a fork has a state of its own.';
COMMENT ON COLUMN hitl.thread.forked_checkpoint IS 'The checkpoint at which it was.';

CREATE TABLE hitl.thread_key (
  graph_id   bigint NOT NULL,
  key        text NOT NULL,
  thread_id  bigint NOT NULL,
  input      jsonb,
  CONSTRAINT thread_key_pkey PRIMARY KEY (graph_id, key)
);
COMMENT ON TABLE hitl.thread_key IS 'Names of threads: one per graph and key, so that a start can be repeated.';
COMMENT ON COLUMN hitl.thread_key.graph_id IS 'The graph.';
COMMENT ON COLUMN hitl.thread_key.key IS 'The name, such as an order''s number.';
COMMENT ON COLUMN hitl.thread_key.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.thread_key.input IS 'What it was given last: the same again is no news.';

CREATE SEQUENCE hitl.input_id_seq;
CREATE TABLE hitl.thread_input (
  thread_id  bigint NOT NULL,
  input_id   bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.input_id_seq'),
  input      jsonb,
  given_by   text NOT NULL,
  given_at   timestamptz NOT NULL,
  CONSTRAINT thread_input_pkey PRIMARY KEY (thread_id, input_id)
);
COMMENT ON TABLE hitl.thread_input IS 'Inputs that wait for the end of their thread, in order: start(..., if_busy => ''enqueue''). Gone when they are taken, or dropped because the thread failed, was cancelled or was given other input that superseded them.';
COMMENT ON COLUMN hitl.thread_input.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.thread_input.input_id IS 'Key and order, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.thread_input.input IS 'An object: the channels to write.';
COMMENT ON COLUMN hitl.thread_input.given_by IS 'Session user who gave it.';
COMMENT ON COLUMN hitl.thread_input.given_at IS 'When.';

CREATE TABLE hitl.checkpoint (
  thread_id   bigint NOT NULL,
  checkpoint  integer NOT NULL,
  base        integer NOT NULL,
  step        integer NOT NULL,
  next_step   integer,
  delta       jsonb NOT NULL,
  patch       jsonb,
  snapshot    jsonb,
  weight      bigint NOT NULL,
  joins       jsonb,
  created_at  timestamptz NOT NULL,
  CONSTRAINT checkpoint_pkey PRIMARY KEY (thread_id, checkpoint)
);
COMMENT ON TABLE hitl.checkpoint IS 'The log of a thread''s state. The state at a checkpoint is the snapshot of its base with every later delta laid over it.';
COMMENT ON COLUMN hitl.checkpoint.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.checkpoint.checkpoint IS 'From 0, the input, upwards. Where code of the author takes the input in (his reducers, a router behind START), 0 holds the initial values and 1 the input.';
COMMENT ON COLUMN hitl.checkpoint.base IS 'The checkpoint from which the state is folded: the latest with a snapshot, or this one.';
COMMENT ON COLUMN hitl.checkpoint.step IS 'The super-step that made it; 0 for the input.';
COMMENT ON COLUMN hitl.checkpoint.next_step IS 'The super-step that followed it: the same one, where an update came in between; NULL where the thread had reached END.';
COMMENT ON COLUMN hitl.checkpoint.delta IS 'The channels that were replaced, with their new values.';
COMMENT ON COLUMN hitl.checkpoint.patch IS 'The channels that grew, or changed inside, with how: of an array {"keep": its first n elements, "add": [what follows]}; of an object {"cut": [keys], "set": {key: value}, "in": {key: patch}}.';
COMMENT ON COLUMN hitl.checkpoint.snapshot IS 'The whole state, where the deltas since the last snapshot outweighed it: what is stored is a small multiple of what changed.';
COMMENT ON COLUMN hitl.checkpoint.weight IS 'Bytes of the deltas and patches since base, with their rows, this one included.';
COMMENT ON COLUMN hitl.checkpoint.joins IS 'Which sources of which joins have run.';
COMMENT ON COLUMN hitl.checkpoint.created_at IS 'When.';

CREATE TABLE hitl.task (
  thread_id   bigint NOT NULL,
  task_id     bigint NOT NULL,
  step        integer NOT NULL,
  node        text NOT NULL,
  kind        text NOT NULL DEFAULT 'node',
  status      text NOT NULL,
  attempt     integer NOT NULL DEFAULT 0,
  failures    integer NOT NULL DEFAULT 0,
  conflicts   integer NOT NULL DEFAULT 0,
  crashes     integer NOT NULL DEFAULT 0,
  phase       integer NOT NULL DEFAULT 0,
  saved       jsonb,
  phase_interrupt bigint,
  has_asked   boolean NOT NULL DEFAULT false,
  has_steps   boolean NOT NULL DEFAULT false,
  child_id    bigint,
  input       jsonb,
  "update"    jsonb,
  targets     jsonb,
  is_diverted boolean NOT NULL DEFAULT false,
  error       jsonb,
  created_at  timestamptz NOT NULL,
  ended_at    timestamptz,
  CONSTRAINT task_pkey PRIMARY KEY (thread_id, step, task_id),
  CONSTRAINT task_kind CHECK (kind IN ('node', 'update', 'breakpoint')),
  CONSTRAINT task_status CHECK (status IN ('ready', 'done', 'interrupted', 'waiting', 'failed', 'cancelled'))
) WITH (fillfactor = 70);
COMMENT ON TABLE hitl.task IS 'Tasks: one node to run in one super-step of a thread. Its row lock is the claim: a crash releases it.';
COMMENT ON COLUMN hitl.task.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.task.task_id IS 'Key, from a sequence whose start and step may be set.';
COMMENT ON COLUMN hitl.task.step IS 'The super-step.';
COMMENT ON COLUMN hitl.task.node IS 'The node; START for what the thread is given.';
COMMENT ON COLUMN hitl.task.kind IS 'node: the node is run; update: it is as if the node had returned input, which goes through the reducers and routers; breakpoint: behind the node somebody is asked, then the thread goes where input says.';
COMMENT ON COLUMN hitl.task.status IS 'ready, done, interrupted, waiting (for its child), failed or cancelled; a task that runs is never seen as such.';
COMMENT ON COLUMN hitl.task.attempt IS 'How often its node has failed.';
COMMENT ON COLUMN hitl.task.failures IS 'The same since it was last retried by hand: what its retry policy counts.';
COMMENT ON COLUMN hitl.task.conflicts IS 'How often it was put back: a conflict with others, or the server''s trouble.';
COMMENT ON COLUMN hitl.task.crashes IS 'How often its node has ended the process that ran it, since it was last retried by hand; hitl.max_crashes is the limit.';
COMMENT ON COLUMN hitl.task.phase IS 'Where a node in C goes on (hitl.h): 0 at first, then what it said when it paused.';
COMMENT ON COLUMN hitl.task.saved IS 'What it has kept for that phase.';
COMMENT ON COLUMN hitl.task.phase_interrupt IS 'The question it paused with: its decision is handed to the phase.';
COMMENT ON COLUMN hitl.task.has_asked IS 'It has opened an interrupt: when it runs again its answers are looked up.';
COMMENT ON COLUMN hitl.task.has_steps IS 'Results of steps are kept for it: when it runs again they are looked up.';
COMMENT ON COLUMN hitl.task.child_id IS 'The thread of its subgraph, once there is one.';
COMMENT ON COLUMN hitl.task.input IS 'What a send gave it in the place of the state; of kind update: the update; of kind breakpoint: where the thread goes then.';
COMMENT ON COLUMN hitl.task."update" IS 'What its node returned; of a waiting task: what its gate has written.';
COMMENT ON COLUMN hitl.task.targets IS 'Where its command and its conditional edges lead.';
COMMENT ON COLUMN hitl.task.is_diverted IS 'Its gate was rejected: the thread goes to targets and not along the edges.';
COMMENT ON COLUMN hitl.task.error IS 'How it failed: sqlstate, message, detail, hint, context.';
COMMENT ON COLUMN hitl.task.created_at IS 'When it became ready first.';
COMMENT ON COLUMN hitl.task.ended_at IS 'When it was done, failed or cancelled.';

CREATE TABLE hitl.step_result (
  thread_id  bigint NOT NULL,
  task_id    bigint NOT NULL,
  key        text NOT NULL,
  place      integer NOT NULL,
  function   text NOT NULL,
  args       jsonb,
  result     jsonb,
  strays     integer NOT NULL,
  done_at    timestamptz NOT NULL,
  CONSTRAINT step_result_pkey PRIMARY KEY (thread_id, task_id, key)
);
COMMENT ON TABLE hitl.step_result IS 'What hitl.step() has done for a task, and what came of it. Written in the commit of its effects; a row never changes. A fork of the thread has tasks of its own, and does it anew.';
COMMENT ON COLUMN hitl.step_result.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.step_result.task_id IS 'The task.';
COMMENT ON COLUMN hitl.step_result.key IS 'Names the step within its task.';
COMMENT ON COLUMN hitl.step_result.place IS 'Its place among the steps of the task, in the order in which they were done, from 1.';
COMMENT ON COLUMN hitl.step_result.function IS 'What was called: its signature, qualified. With key and args it is what the result stands for.';
COMMENT ON COLUMN hitl.step_result.args IS 'What it was given; NULL for SQL NULL.';
COMMENT ON COLUMN hitl.step_result.result IS 'What it returned; NULL for SQL NULL.';
COMMENT ON COLUMN hitl.step_result.strays IS 'How many passes of the node in a row, the one that wanted this step the last of them, did not ask for what the pass before had done. At most hitl.max_reasks.';
COMMENT ON COLUMN hitl.step_result.done_at IS 'When.';

CREATE TABLE hitl.run_queue (
  owner      regrole NOT NULL,
  due_at     timestamptz NOT NULL,
  queue_id   bigint NOT NULL DEFAULT pg_catalog.nextval('hitl.queue_id_seq'),
  thread_id  bigint NOT NULL,
  step       integer NOT NULL,
  task_id    bigint NOT NULL,
  CONSTRAINT run_queue_pkey PRIMARY KEY (owner, due_at, queue_id)
) WITH (autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500,
        autovacuum_analyze_scale_factor = 0, autovacuum_analyze_threshold = 5000,
        autovacuum_vacuum_cost_delay = 0);
CREATE INDEX run_queue_thread ON hitl.run_queue (thread_id, task_id);
COMMENT ON TABLE hitl.run_queue IS 'What is to be run: inserted and deleted, never updated. A parked thread has no row here. A row too many is harmless: the task decides.';
COMMENT ON COLUMN hitl.run_queue.owner IS 'As whom it runs: executors serve one role each.';
COMMENT ON COLUMN hitl.run_queue.due_at IS 'Not before this.';
COMMENT ON COLUMN hitl.run_queue.queue_id IS 'Order among equals.';
COMMENT ON COLUMN hitl.run_queue.thread_id IS 'The thread.';
COMMENT ON COLUMN hitl.run_queue.step IS 'The super-step: with it the task is found by key.';
COMMENT ON COLUMN hitl.run_queue.task_id IS 'The task.';

CREATE FUNCTION hitl.start(graph text, input jsonb DEFAULT '{}', key text DEFAULT NULL, if_busy text DEFAULT 'reject') RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_start';
COMMENT ON FUNCTION hitl.start(text, jsonb, text, text) IS
'Starts a thread of the latest version of a graph with input, an object, as its state; returns the thread_id. The thread runs
after the commit, in an executor; without workers CALL hitl.run_pending() runs it (a notice says so, once per session).
key: names the thread within its graph. A start with the key and the input that its thread was given last, unless that was dropped, is a harmless repeat and returns the thread. Other input is refused with IH006 (reject), or with if_busy
enqueue: it waits in order for the end of the thread, and then begins a turn (START with that input, in the state as it is and the version that the thread runs, the recursion limit counted anew); dropped, with an audit row, if a task of the thread fails or it is cancelled (a failure in a subgraph leaves it waiting, for retry() or cancel());
supersede: the thread gives up what it is at (pending interrupts become superseded, a node that runs is stopped and rolled back, waiting inputs are dropped) and the turn begins at once.
With graph or input NULL nothing is started and NULL is returned. With enqueue and supersede each call is new input, equal or not; a thread that is done begins a turn, one that failed takes supersede only, one that is cancelled takes none.
Errors: 42704 no such graph; 55000 it is not compiled, or the thread of the key takes no input; 42501 it is not yours, or a node calls with supersede; 22023 input is not an object, the key is empty or too long, or if_busy is no such word or comes without a key;
IH006 the thread of the key was given another input, or this one and dropped it, or a node of it calls.';

CREATE FUNCTION hitl.start_many(graph text, inputs jsonb[]) RETURNS bigint[]
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_start_many';
COMMENT ON FUNCTION hitl.start_many(text, jsonb[]) IS
'Starts a thread per input, set by set; returns their ids in the order of the inputs. Errors: as start(); 54000 too many at once.';

CREATE FUNCTION hitl.thread_id(graph text, key text) RETURNS bigint
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_thread_id';
COMMENT ON FUNCTION hitl.thread_id(text, text) IS
'The thread that was started with this key; NULL when none was. Errors: 42704 no such graph; 42501 it is not yours.';

CREATE FUNCTION hitl.invoke(graph text, input jsonb DEFAULT '{}') RETURNS jsonb
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_invoke';
COMMENT ON FUNCTION hitl.invoke(text, jsonb) IS
'Starts a thread and runs it here and now, in this transaction, until it is done, fails or waits for a person.
Returns {"thread_id", "status", "state", "interrupts": [...]}, with "error" when a node failed. A node that fails does not abort this transaction.
Nodes run only in a session of the graph''s owner (session_user and current_user). Errors: as start(); 42501 this session is not the owner''s: use start().';

CREATE FUNCTION hitl.resume(thread_id bigint, decision jsonb) RETURNS jsonb
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_resume';
COMMENT ON FUNCTION hitl.resume(bigint, jsonb) IS
'Decides the one pending interrupt of a thread, or of the threads of its subgraphs, and runs the thread on, here and now; returns what invoke() returns.
In a session that is not the owner''s it decides and queues: the status is then running.
Errors: those of decide(); 42704 no such thread; 42501 it is not yours; 55000 nothing is pending; 21000 several are: use decide(); 25001 at repeatable read and above (but for a thread of this transaction).';

CREATE FUNCTION hitl.wait(thread_id bigint, timeout interval DEFAULT '60 s') RETURNS text
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_wait';
COMMENT ON FUNCTION hitl.wait(bigint, interval) IS
'Waits until a thread is settled and returns its status: done, failed, cancelled or interrupted; NULL when the timeout runs out first.
Looks with a fresh snapshot each time. Errors: 42704 no such thread; IH010 this transaction has started it, decided in it, or runs at repeatable read or above.';

CREATE FUNCTION hitl.get_state(thread_id bigint, checkpoint integer DEFAULT NULL) RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_get_state';
COMMENT ON FUNCTION hitl.get_state(bigint, integer) IS
'The state of a thread at a checkpoint, an object; NULL: at its latest one, as it is now, also behind a wait() in the same statement.
Errors: 42704 no such thread or checkpoint; 42501 it is not yours; 22023 checkpoint is negative.';

CREATE FUNCTION hitl.diff(thread_id bigint, a integer, b integer) RETURNS jsonb
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_diff';
COMMENT ON FUNCTION hitl.diff(bigint, integer, integer) IS
'What changed in the state of a thread from checkpoint a to checkpoint b: {"channel": {"from", "to"}}, with no from for what is new and no to for what is gone.
Errors: 42704 no such thread or checkpoint; 42501 it is not yours; 22023 a checkpoint is negative.';

CREATE FUNCTION hitl.update_state(thread_id bigint, "values" jsonb, as_node text DEFAULT NULL) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_update_state';
COMMENT ON FUNCTION hitl.update_state(bigint, jsonb, text) IS
'Writes values, an object, into the state of a thread that waits, has failed, or was made in this transaction (fork); returns the number of the new checkpoint. LangGraph''s update_state.
Without as_node the values go through the reducers as if a node had written them, and what is to run next stays: a node that asks again asks what it asks now, and an answer to anything else does not count.
as_node (a node, or START for new input): as if that node had just returned the values. What the current step has not done is given up (pending interrupts become superseded, tasks cancelled),
what it has done counts, and the thread goes on along the node''s edges, joins and routers. Where code of the author is needed (routers, his reducers) an executor runs it; else it is done at once.
Errors: 42704 no such thread or node; 42501 it is not yours, a node calls, or the author''s reducers are needed in a session that is not his; 22023 values is no object; 22004 the thread_id is NULL;
IH006 the thread is running; 55000 it is done or cancelled: fork() it; and what hitl''s own reducers raise.';

CREATE FUNCTION hitl.fork(thread_id bigint, checkpoint integer DEFAULT NULL, "values" jsonb DEFAULT NULL, as_node text DEFAULT NULL) RETURNS bigint
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_fork';
COMMENT ON FUNCTION hitl.fork(bigint, integer, jsonb, text) IS
'Makes a thread of the same graph version that goes on from a checkpoint of another (NULL: its latest); returns its thread_id. Its checkpoint 0 is the state there, whole; what ran after that checkpoint runs anew
in it, with joins as they waited; with values or as_node it goes on as update_state(values, as_node) says. Questions of tasks that run again are asked again; what earlier answers have written is part of the state and is kept. The trail (event started) names the interrupts of the origin and its subgraphs that were decided in the steps before: detail "decided", the latest 100, latest first, and "n_decided", how many there are. The origin may be in any status and stays as it is. After LangGraph''s forks (time travel).
Errors: 42704 no such thread, checkpoint or node; 42501 it is not yours, or a node calls; 22023 checkpoint is negative, or values is no object; 22004 the thread_id is NULL; 55000 nothing ran after that checkpoint: name as_node; what did is not in the version that migrate() took the thread to; or the thread runs a subgraph: fork its root.';

CREATE FUNCTION hitl.cancel(thread_id bigint, reason text DEFAULT NULL) RETURNS text
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_cancel';
COMMENT ON FUNCTION hitl.cancel(bigint, text) IS
'Cancels a thread and the threads of its subgraphs: pending interrupts are closed, a node that runs is stopped and its effects are rolled back. Returns the status, cancelled;
a thread that is cancelled already stays as it is. Errors: 42704 no such thread; 42501 it is not yours; 55000 it is done; IH006 called by a node of the thread itself, or it is a child: cancel its root; 22004 the thread_id is NULL.';

CREATE FUNCTION hitl.retry(thread_id bigint) RETURNS integer
  LANGUAGE c VOLATILE STRICT PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_retry';
COMMENT ON FUNCTION hitl.retry(bigint) IS
'Runs the failed tasks of a thread and of the threads of its subgraphs again, with the answers that people gave; returns how many. Errors: 42704 no such thread; 42501 it is not yours; 55000 nothing failed.';

CREATE FUNCTION hitl.migrate(thread_id bigint, version integer DEFAULT NULL) RETURNS integer
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_migrate';
COMMENT ON FUNCTION hitl.migrate(bigint, integer) IS
'Takes a thread that waits or has failed, or one that is done (for the turns to come), to another version of its graph, up or down (NULL: to the latest), and returns that version; one that runs it already stays as it is.
What the thread has before it must be there: nodes to run, edges and targets of nodes that have run in this super-step, joins and subgraphs that wait, gates that have asked, the function of a node in C that has paused with a phase. Tasks that failed because a function
has changed (IH011) are queued again, all others that failed wait for retry(). Open questions stay; if a node then asks something else, it asks anew.
Errors: 42704 no such thread or version; 42501 it is not yours, or a node calls; IH006 something of it runs or is queued; 55000 it has ended, it does not fit (every reason is in the detail),
or it failed with IH011 and there is no other version; 22004 the thread_id is NULL.';

CREATE PROCEDURE hitl.run_pending(n integer DEFAULT NULL)
  LANGUAGE c AS 'MODULE_PATHNAME', 'hitl_run_pending';
COMMENT ON PROCEDURE hitl.run_pending(integer) IS
'Runs what is due, at most n tasks (NULL: until nothing is due), in this session: what pg_cron calls where there are no workers. In a plain CALL each
super-step commits; where it may not commit (in a function, in a transaction block) it runs in the caller''s transaction and says so by a notice.
Runs the graphs whose owner''s session this is; a notice tells of others. Errors: 55000 inside a node; 25001 in a transaction block at repeatable read or above; 22023 n is negative.';

CREATE FUNCTION hitl.step(key text, function text, args jsonb DEFAULT '{}') RETURNS jsonb
  LANGUAGE c VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'hitl_step';
COMMENT ON FUNCTION hitl.step(text, text, jsonb) IS
'In a node: work that is done once, however often the node runs: a call of a model, of a bank. function: the name or signature of f(args jsonb) returns jsonb. The node stops
here, as at interrupt(), and its own effects are rolled back; the function runs by itself, as the graph''s owner; its result and its effects on the database are one commit; then the node runs again from its start and
this call returns the result: n steps, n + 1 passes. Later passes (after answers, failures, retry(), crashes) get the same result. Within invoke(), resume() and a run_pending() that may not commit, the result stands and falls with the caller''s transaction.
key names the step within the node; the result stands for key, function and args. In the function hitl.context()->>''effect_key'' is equal over all attempts of the step and no other has it: hand it to the outside world, where a crash between
the call and the commit would have it done again. What the function raises is the node''s failure, under its retry policy; each step has the node''s timeout to itself. Its body is no part of the graph''s version.
Errors: IH005 outside a node, or in a step (also interrupt() in a step); IH007 the key was done with another function or other args, or the node wants new keys on each pass; 42710 the key was used already in this run; 22023 the key is no good; 22004 key or function is NULL;
42883 no such function; 42501 the graph''s owner may not execute it, or the current user is not the owner. The idea is LangGraph''s task in a replayed node.';

CREATE FUNCTION hitl.current_thread() RETURNS bigint
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'hitl_current_thread';
COMMENT ON FUNCTION hitl.current_thread() IS 'The thread whose node runs now; NULL outside a node.';

CREATE FUNCTION hitl.context() RETURNS jsonb
  LANGUAGE c STABLE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'hitl_context';
COMMENT ON FUNCTION hitl.context() IS
'What a node may know of itself: {"thread_id", "root_id", "depth", "frame", "graph", "version", "step", "node", "task_id", "attempt", "effect_key"}; NULL outside a node. In a subgraph
root_id is the thread that was started, frame the nodes above, and depth their number. effect_key
is equal over all attempts and replays of a task: hand it to the outside world to make an effect idempotent there. In a step also "step_key", and the effect_key is the step''s own.';
