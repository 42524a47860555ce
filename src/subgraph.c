/*
 * subgraph.c
 *    What a subgraph is given, and what its node makes of what came of it.
 *
 * A child has a state of its own; what goes in and what comes out are keys,
 * renamed by two maps.  A key that is not there is not made: an absent channel
 * and one that is null are different things.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "json.h"
#include "subgraph.h"

/* An object of what the map leads to, under the names of the map. */
static Jsonb *
pick(Jsonb *map, Jsonb *from)
{
	JsonBuilder b;
	ListCell   *cell;

	json_begin(&b);
	foreach(cell, json_keys(map))
	{
		Jsonb	   *value = json_get(from, json_get_string(map, lfirst(cell)));

		if (value != NULL)
			json_add_jsonb(&b, lfirst(cell), value);
	}
	return json_end(&b);
}

/* The child's input.  given: what the node is given, an object. */
Jsonb *
subgraph_input(const HitlSubgraph *subgraph, Jsonb *given)
{
	return subgraph->input != NULL ? pick(subgraph->input, given) : given;
}

/*
 * The node's update.  before: the child's state with its input in it and before
 * its first node; after: at its end.  Without a map it is what differs: a child
 * that was given the parent's state hands back what it has done to it, and not
 * the rest as if it had written it.
 */
Jsonb *
subgraph_output(const HitlSubgraph *subgraph, Jsonb *before, Jsonb *after)
{
	JsonBuilder b;
	ListCell   *cell;

	if (subgraph->output != NULL)
		return pick(subgraph->output, after);
	json_begin(&b);
	foreach(cell, json_keys(after))
	{
		Jsonb	   *value = json_get(after, lfirst(cell));

		if (!json_equal(json_get(before, lfirst(cell)), value))
			json_add_jsonb(&b, lfirst(cell), value);
	}
	return json_end(&b);
}
