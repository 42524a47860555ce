/*
 * content.c
 *    What a vote is bound to, as a hash.
 *
 * SHA-256 over what question_difference() compares (key, action and args; of a
 * payload with neither action nor args, the payload but for what may change
 * from run to run), and the proposal that is voted on.
 *
 * The encoding is our own and never what the server prints, which changes with
 * settings and versions.  It begins with a version byte; every field has a tag,
 * and what has a length says it first, so that no two contents are one string
 * of bytes.  Equal as jsonb is equal here: numbers are written without the
 * zeroes at their end, and the keys of an object come in jsonb's order, each
 * once.  Strings are UTF-8, as far as the database says what they are; jsonb
 * orders keys as the database encodes them, so with keys that are not ASCII a
 * hash is one of that encoding.
 *
 * Layer 1: pure.
 */
#include "postgres.h"

#include "answer.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "content.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

/* of the encoding; with another one no hash is what it was */
#define CONTENT_VERSION 1

/* what a field is */
#define TAG_KEY			'k'
#define TAG_ACTION		'c'
#define TAG_ARGS		'r'
#define TAG_PAYLOAD		'p'
#define TAG_PROPOSAL	'o'

/* what a value is */
#define TAG_OBJECT		'{'
#define TAG_ARRAY		'['
#define TAG_STRING		'"'
#define TAG_NUMBER		'#'
#define TAG_TRUE		't'
#define TAG_FALSE		'f'
#define TAG_NULL		'n'

static void
fail(pg_cryptohash_ctx *hash)
{
	elog(ERROR, "hitl could not compute a SHA-256: %s", pg_cryptohash_error(hash));
}

static void
add_bytes(pg_cryptohash_ctx *hash, const char *bytes, Size n)
{
	if (pg_cryptohash_update(hash, (const uint8 *) bytes, n) < 0)
		fail(hash);
}

static void
add_tag(pg_cryptohash_ctx *hash, char tag)
{
	add_bytes(hash, &tag, 1);
}

/* Eight bytes, the highest first. */
static void
add_count(pg_cryptohash_ctx *hash, uint64 n)
{
	char		bytes[8];

	for (int i = 0; i < 8; i++)
		bytes[i] = (char) (n >> (8 * (7 - i)));
	add_bytes(hash, bytes, sizeof(bytes));
}

static void
add_text(pg_cryptohash_ctx *hash, char tag, const char *text, Size n)
{
	char	   *utf8 = NULL;

	if (GetDatabaseEncoding() != PG_SQL_ASCII && GetDatabaseEncoding() != PG_UTF8)
	{
		char	   *copy = pnstrdup(text, n);

		utf8 = pg_server_to_any(copy, n, PG_UTF8);
		text = utf8;
		n = strlen(utf8);
	}
	add_tag(hash, tag);
	add_count(hash, n);
	add_bytes(hash, text, n);
}

static void
add_scalar(pg_cryptohash_ctx *hash, const JsonbValue *value)
{
	char	   *number;

	switch (value->type)
	{
		case jbvNull:
			add_tag(hash, TAG_NULL);
			break;
		case jbvBool:
			add_tag(hash, value->val.boolean ? TAG_TRUE : TAG_FALSE);
			break;
		case jbvNumeric:
			number = numeric_normalize(value->val.numeric);
			add_tag(hash, TAG_NUMBER);
			add_count(hash, strlen(number));
			add_bytes(hash, number, strlen(number));
			pfree(number);
			break;
		case jbvString:
			add_text(hash, TAG_STRING, value->val.string.val, value->val.string.len);
			break;
		default:
			elog(ERROR, "hitl found a value of type %d in jsonb", (int) value->type);
	}
}

/* However deep a value is nested, this does not recurse. */
static void
add_json(pg_cryptohash_ctx *hash, Jsonb *json)
{
	JsonbIterator *it = JsonbIteratorInit(&json->root);
	JsonbValue	v;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&it, &v, false)) != WJB_DONE)
	{
		switch (token)
		{
			case WJB_BEGIN_OBJECT:
				add_tag(hash, TAG_OBJECT);
				add_count(hash, v.val.object.nPairs);
				break;
			case WJB_BEGIN_ARRAY:
				/* a scalar alone is wrapped into an array that is none */
				if (v.val.array.rawScalar)
					break;
				add_tag(hash, TAG_ARRAY);
				add_count(hash, v.val.array.nElems);
				break;
			case WJB_KEY:
			case WJB_VALUE:
			case WJB_ELEM:
				add_scalar(hash, &v);
				break;
			default:
				/* the end of what has said how long it is */
				break;
		}
	}
}

/* NULL is a field that is not there: not what null is. */
static void
add_field(pg_cryptohash_ctx *hash, char tag, Jsonb *json)
{
	if (json == NULL)
		return;
	add_tag(hash, tag);
	add_json(hash, json);
}

/*
 * The hash of a question and of the answer that is proposed to it (NULL: the
 * question as asked), in hexadecimal.
 */
char *
content_hash(const HitlQuestion *question, Jsonb *proposal)
{
	const char	version = CONTENT_VERSION;
	pg_cryptohash_ctx *hash = pg_cryptohash_create(PG_SHA256);
	uint8		digest[PG_SHA256_DIGEST_LENGTH];
	char	   *text = palloc(HITL_HASH_CHARS + 1);

	if (hash == NULL || pg_cryptohash_init(hash) < 0)
		fail(hash);
	add_bytes(hash, &version, 1);
	add_text(hash, TAG_KEY, question->key, strlen(question->key));
	if (question_is_named(question))
	{
		if (question->action != NULL)
			add_text(hash, TAG_ACTION, question->action, strlen(question->action));
		add_field(hash, TAG_ARGS, question->args);
	}
	else
		add_field(hash, TAG_PAYLOAD, question_bare_payload(question));
	add_field(hash, TAG_PROPOSAL, proposal);
	if (pg_cryptohash_final(hash, digest, sizeof(digest)) < 0)
		fail(hash);
	pg_cryptohash_free(hash);
	text[hex_encode((const char *) digest, sizeof(digest), text)] = '\0';
	return text;
}
