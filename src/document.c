/*
 * document.c
 *    A graph written as a document, in full and in a fixed order.
 *
 * The same graph gives the same document, whatever short forms its author used:
 * so two versions can be compared as documents.  definition.c reads it, and has
 * the form.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "document.h"
#include "json.h"
#include "names.h"

static Jsonb *
channel_document(const HitlChannel *channel)
{
	JsonBuilder b;

	json_begin(&b);
	if (channel->reducer == HITL_REDUCER_FUNCTION)
		json_add_string(&b, "reducer", channel->function.signature);
	else
		json_add_string(&b, "reducer", name_reducer(channel->reducer));
	if (channel->initial != NULL)
		json_add_jsonb(&b, "initial", channel->initial);
	return json_end(&b);
}

static Jsonb *
retry_document(const HitlRetry *retry)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_int64(&b, "max_attempts", retry->max_attempts);
	json_add_number(&b, "initial_interval", retry->initial_interval);
	json_add_number(&b, "backoff_factor", retry->backoff_factor);
	json_add_number(&b, "max_interval", retry->max_interval);
	json_add_bool(&b, "jitter", retry->jitter);
	if (retry->retry_on != NIL)
		json_add_jsonb(&b, "retry_on", json_string_list(retry->retry_on));
	return json_end(&b);
}

static Jsonb *
gate_document(const HitlGate *gate)
{
	List	   *allowed = NIL;
	JsonBuilder b;

	for (int i = 0; i < HITL_DECISION_TYPES; i++)
		if (gate->allowed & HITL_DECISION_BIT(i))
			allowed = lappend(allowed, (void *) name_decision_type((HitlDecisionType) i));
	json_begin(&b);
	json_add_string(&b, "action", gate->action);
	if (gate->description != NULL)
		json_add_string(&b, "description", gate->description);
	json_add_string(&b, "args", gate->args);
	if (gate->skip_when != NULL)
		json_add_string(&b, "skip_when", gate->skip_when);
	json_add_jsonb(&b, "allowed", json_string_list(allowed));
	json_add_string(&b, "on_reject", gate->on_reject);
	json_add_string(&b, "feedback_key", gate->feedback_key);
	json_add_string(&b, "on_respond", gate->runs_on_respond ? "run" : "output");
	if (gate->policy != NULL)
		json_add_string(&b, "policy", gate->policy);
	return json_end(&b);
}

static Jsonb *
subgraph_document(const HitlSubgraph *subgraph)
{
	JsonBuilder b;

	json_begin(&b);
	json_add_string(&b, "graph", subgraph->graph);
	if (subgraph->version != 0)
		json_add_int64(&b, "version", subgraph->version);
	if (subgraph->input != NULL)
		json_add_jsonb(&b, "input", subgraph->input);
	if (subgraph->output != NULL)
		json_add_jsonb(&b, "output", subgraph->output);
	return json_end(&b);
}

static Jsonb *
node_document(const HitlNode *node)
{
	JsonBuilder b;

	json_begin(&b);
	if (node->subgraph != NULL)
		json_add_jsonb(&b, "subgraph", subgraph_document(node->subgraph));
	else if (node->sql != NULL)
		json_add_string(&b, "sql", node->sql);
	else if (node->handler.signature != NULL)
		json_add_string(&b, "handler", node->handler.signature);
	if (node->retry.max_attempts != 1)
		json_add_jsonb(&b, "retry", retry_document(&node->retry));
	if (node->timeout_ms != 0)
		json_add_number(&b, "timeout", node->timeout_ms / 1000.0);
	if (node->gate != NULL)
		json_add_jsonb(&b, "gate", gate_document(node->gate));
	if (node->continues)
		json_add_string(&b, "suspend", "continue");
	if (node->destinations != NIL)
		json_add_jsonb(&b, "destinations", json_string_list(node->destinations));
	return json_end(&b);
}

/* Of a draft or a compiled version; signatures are as they stand there. */
Jsonb *
document_write(const HitlGraphVersion *graph)
{
	JsonBuilder b;
	JsonBuilder members;
	List	   *list;

	json_begin(&b);
	json_add_int64(&b, "recursion_limit", graph->recursion_limit);
	json_add_string(&b, "functions", graph->is_pinned ? "pinned" : "live");

	json_begin(&members);
	for (int i = 0; i < graph->n_channels; i++)
		json_add_jsonb(&members, graph->channels[i].name, channel_document(&graph->channels[i]));
	json_add_jsonb(&b, "channels", json_end(&members));

	json_begin(&members);
	for (int i = 0; i < graph->n_nodes; i++)
		json_add_jsonb(&members, graph->nodes[i].name, node_document(&graph->nodes[i]));
	json_add_jsonb(&b, "nodes", json_end(&members));

	list = NIL;
	for (int i = 0; i < graph->n_edges; i++)
		list = lappend(list, json_string_list(list_make2(graph->edges[i].source, graph->edges[i].target)));
	json_add_jsonb(&b, "edges", json_list(list));

	list = NIL;
	for (int i = 0; i < graph->n_joins; i++)
	{
		JsonBuilder join;
		List	   *sources = NIL;

		for (int j = 0; j < graph->joins[i].n_sources; j++)
			sources = lappend(sources, graph->joins[i].sources[j]);
		json_begin(&join);
		json_add_jsonb(&join, "sources", json_string_list(sources));
		json_add_string(&join, "target", graph->joins[i].target);
		list = lappend(list, json_end(&join));
	}
	json_add_jsonb(&b, "joins", json_list(list));

	list = NIL;
	for (int i = 0; i < graph->n_branches; i++)
	{
		JsonBuilder branch;

		json_begin(&branch);
		json_add_string(&branch, "source", graph->branches[i].source);
		json_add_string(&branch, "router", graph->branches[i].router.signature);
		if (graph->branches[i].map != NULL)
			json_add_jsonb(&branch, "map", graph->branches[i].map);
		list = lappend(list, json_end(&branch));
	}
	json_add_jsonb(&b, "conditional_edges", json_list(list));
	if (graph->interrupt_before != NIL)
		json_add_jsonb(&b, "interrupt_before", json_string_list(graph->interrupt_before));
	if (graph->interrupt_after != NIL)
		json_add_jsonb(&b, "interrupt_after", json_string_list(graph->interrupt_after));
	return json_end(&b);
}
