-- hitl_sample: nodes, a router and an observer in C.

CREATE TABLE sample.ledger (thread_id bigint NOT NULL, entry text NOT NULL, amount numeric NOT NULL);
COMMENT ON TABLE sample.ledger IS 'What sample.pay() did: reserved, then paid or released.';

CREATE TABLE sample.event (event_id bigint GENERATED ALWAYS AS IDENTITY, event text NOT NULL, thread_id bigint NOT NULL, interrupt_id bigint, observed_as text NOT NULL);
COMMENT ON TABLE sample.event IS 'What the observer saw, in the commit in which it happened.';

CREATE FUNCTION sample.pay(state jsonb) RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'sample_pay';
COMMENT ON FUNCTION sample.pay(jsonb) IS 'A node with phases: reserves state.amount, asks above 1000, then pays or releases it.';

CREATE FUNCTION sample.ask(state jsonb) RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'sample_ask';
COMMENT ON FUNCTION sample.ask(jsonb) IS 'A node that asks as hitl.interrupt() does: what it did before is rolled back. With state.twice it has asked the same before, and paused with a phase.';

CREATE FUNCTION sample.route(state jsonb) RETURNS text LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'sample_route';
COMMENT ON FUNCTION sample.route(jsonb) IS 'A router: big above 1000, else small.';

CREATE FUNCTION sample.misuse(state jsonb) RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'sample_misuse';
COMMENT ON FUNCTION sample.misuse(jsonb) IS 'A node that uses the interface wrongly, in the way that state.how names.';

CREATE FUNCTION sample.crash(state jsonb) RETURNS jsonb LANGUAGE c AS 'MODULE_PATHNAME', 'sample_crash';
COMMENT ON FUNCTION sample.crash(jsonb) IS 'A node that crashes the server.';
