#include "bench/generate.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>

#include "crypto/hash.h"
#include "crypto/uuid.h"
#include "sys/clock.h"

#define FIRST_INSTANT INT64_C(1577836800000000) /* 2020-01-01 */

enum {
	CREATORS = 40,
	HOT_VALUES = 2000,    /* met by a third of what has values */
	LATER_PER_MILLE = 83, /* later versions */
	LOOK_BACK = 200000,   /* how far back the object of a later version lies */
};

/* ---- chance, by place: mix(seed, number, which) ------------------------------------ */

struct dice {
	uint64_t state;
};

static uint64_t roll(struct dice *dice) /* splitmix64 */
{
	uint64_t z = (dice->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static uint64_t below(struct dice *dice, uint64_t limit)
{
	return roll(dice) % limit;
}

static struct dice dice_of(uint64_t seed, uint64_t number)
{
	struct dice dice = { seed * UINT64_C(0xd1342543de82ef95) + number };

	dice.state = roll(&dice) ^ number;
	return dice;
}

/* ---- writing ------------------------------------------------------------------------- */

struct writer {
	struct bw_generated *out;
	size_t at;
};

static void BW_PRINTF(2, 3) put(struct writer *w, const char *fmt, ...)
{
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(w->out->json + w->at, sizeof(w->out->json) - w->at, fmt, args);
	va_end(args);
	assert(len >= 0 && (size_t)len < sizeof(w->out->json) - w->at);
	w->at += (size_t)len;
}

static void write_uuid(struct dice *dice, char out[BW_UUID_CHARS + 1])
{
	const uint64_t a = roll(dice);
	const uint64_t b = roll(dice);

	(void)snprintf(out, BW_UUID_CHARS + 1, "%08x-%04x-4%03x-%x%03x-%012llx", (unsigned)(a >> 32),
		       (unsigned)(a >> 16) & 0xffffu, (unsigned)a & 0xfffu, 8u + ((unsigned)b & 3u),
		       (unsigned)(b >> 2) & 0xfffu, (unsigned long long)(b >> 16));
}

static void write_instant(int64_t time_us, char *out, size_t cap)
{
	char text[BW_TIME_BYTES];

	bw_time_format(time_us, text);
	(void)snprintf(out, cap, "%.23sZ", text); /* milliseconds, as most producers write them */
}

static const char *const words[] = {
	"amber",  "bastion", "cobalt",  "drift",  "ember",  "falcon", "granite", "harbor", "ivory",
	"jackal", "krypton", "lantern", "mantis", "nimbus", "onyx",   "petrel",  "quartz", "raven",
	"sable",  "tundra",  "umber",   "viper",  "walrus", "xenon",  "yarrow",  "zephyr",
};

static const char *word(struct dice *dice)
{
	return words[below(dice, BW_COUNT(words))];
}

static const char *const markings[] = {
	"marking-definition--94868c89-83c2-464b-929b-a1a8aa3c8487",
	"marking-definition--bab4a63c-aed9-4cf5-a766-dfca5abac2bb",
	"marking-definition--55d920b0-5e8b-4f79-9ee9-91f868d9b421",
};

static void put_marking(struct writer *w, struct dice *dice)
{
	const uint64_t face = below(dice, 2 * BW_COUNT(markings));

	if (face < BW_COUNT(markings))
		put(w, "\"object_marking_refs\":[\"%s\"],", markings[face]);
}

static void add_value(struct bw_generated *out, struct bw_slice value)
{
	assert(out->record.value_count < BW_GENERATED_TERMS);
	out->values[out->record.value_count++] = value;
}

static void add_text(struct bw_generated *out, struct bw_slice text)
{
	assert(out->record.text_count < BW_GENERATED_TERMS);
	out->texts[out->record.text_count++] = text;
}

/* ---- values --------------------------------------------------------------------------- */

enum value_kind { VALUE_IPV4, VALUE_DOMAIN, VALUE_URL, VALUE_SHA256, VALUE_KINDS };

/* A third of the rolls land in a small pool, and there the first are the likeliest. */
static uint64_t pick_value(struct dice *dice)
{
	if (below(dice, 3) != 0)
		return roll(dice);
	return below(dice, 1 + below(dice, HOT_VALUES)) * UINT64_C(0x9e3779b97f4a7c15);
}

static void write_value(enum value_kind kind, uint64_t value, char *out, size_t cap)
{
	struct dice dice = { value };
	const char *a = word(&dice);
	const char *b = word(&dice);

	switch (kind) {
	case VALUE_IPV4:
		(void)snprintf(out, cap, "%u.%u.%u.%u", 1u + (unsigned)(value % 223), (unsigned)(value >> 8) & 255u,
			       (unsigned)(value >> 16) & 255u, (unsigned)(value >> 24) & 255u);
		break;
	case VALUE_DOMAIN:
		(void)snprintf(out, cap, "%s-%s%llx.example", a, b, (unsigned long long)(value >> 32));
		break;
	case VALUE_URL:
		(void)snprintf(out, cap, "http://%s%llx.example/%s/%llx", a, (unsigned long long)(value >> 32), b,
			       (unsigned long long)(value & 0xffffff));
		break;
	default:
		(void)snprintf(out, cap, "%016llx%016llx%016llx%016llx", (unsigned long long)value,
			       (unsigned long long)roll(&dice), (unsigned long long)roll(&dice),
			       (unsigned long long)roll(&dice));
		break;
	}
}

/* ---- objects --------------------------------------------------------------------------- */

enum kind { INDICATOR, OBSERVABLE, RELATIONSHIP, SIGHTING, DOMAIN_OBJECT };

static enum kind kind_of(uint64_t seed, uint64_t number)
{
	struct dice dice = dice_of(seed, number);
	const uint64_t face = below(&dice, 100);

	return face < 40   ? INDICATOR
	       : face < 60 ? OBSERVABLE
	       : face < 85 ? RELATIONSHIP
	       : face < 95 ? SIGHTING
			   : DOMAIN_OBJECT;
}

static const char *const sdo_types[] = { "malware", "threat-actor", "campaign", "tool", "attack-pattern" };

static void write_object_id(uint64_t seed, uint64_t number, char *out, size_t cap)
{
	static const char *const names[] = { "indicator", "", "relationship", "sighting", "" };
	const enum kind kind = kind_of(seed, number);
	struct dice dice = dice_of(seed ^ 1, number);
	char uuid[BW_UUID_CHARS + 1];

	write_uuid(&dice, uuid);
	(void)snprintf(out, cap, "%s--%s",
		       kind == DOMAIN_OBJECT ? sdo_types[below(&dice, BW_COUNT(sdo_types))] : names[kind], uuid);
}

/* An earlier object of a kind that others point to; the number itself when none is near. */
static uint64_t earlier(uint64_t seed, uint64_t number, enum kind kind, struct dice *dice)
{
	for (int tries = 0; tries < 64; tries++) {
		const uint64_t back = number < LOOK_BACK ? number : LOOK_BACK;
		const uint64_t other = back == 0 ? number : number - 1 - below(dice, back);

		if (kind_of(seed, other) == kind)
			return other;
	}
	return number;
}

static void write_ref(uint64_t seed, uint64_t number, enum kind kind, struct dice *dice, char *out, size_t cap)
{
	const uint64_t other = earlier(seed, number, kind, dice);

	if (kind_of(seed, other) == kind) {
		write_object_id(seed, other, out, cap);
	} else { /* too early for one: an object nobody has */
		char uuid[BW_UUID_CHARS + 1];

		write_uuid(dice, uuid);
		(void)snprintf(out, cap, "%s--%s", kind == INDICATOR ? "indicator" : "malware", uuid);
	}
}

static void write_indicator(struct writer *w, struct dice *dice)
{
	static const char *const forms[VALUE_KINDS] = {
		"[ipv4-addr:value = '%s']",
		"[domain-name:value = '%s']",
		"[url:value = '%s']",
		"[file:hashes.'SHA-256' = '%s']",
	};
	struct bw_generated *out = w->out;
	const enum value_kind kind = (enum value_kind)below(dice, VALUE_KINDS);
	char pattern[320];

	write_value(kind, pick_value(dice), out->term[0], sizeof(out->term[0]));
	(void)snprintf(out->term[1], sizeof(out->term[1]), "%s %s %llu", word(dice), word(dice),
		       (unsigned long long)below(dice, 100000));
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* one of the four above */
	(void)snprintf(pattern, sizeof(pattern), forms[kind], out->term[0]);
#pragma GCC diagnostic pop
	put(w, "{\"confidence\":%u,\"created\":\"%s\",\"created_by_ref\":\"%s\",\"id\":\"%s\",",
	    (unsigned)below(dice, 101), out->created, out->creator, out->id);
	put(w, "\"indicator_types\":[\"malicious-activity\"],\"modified\":\"%s\",\"name\":\"%s\",", out->version,
	    out->term[1]);
	put_marking(w, dice);
	put(w, "\"pattern\":\"%s\",\"pattern_type\":\"stix\",\"spec_version\":\"2.1\",", pattern);
	put(w, "\"type\":\"indicator\",\"valid_from\":\"%s\"}", out->created);
	add_value(out, bw_slice_text(out->term[0]));
	add_text(out, bw_slice_text(out->term[1]));
}

static void write_relationship(struct writer *w, struct dice *dice, uint64_t seed, uint64_t number)
{
	struct bw_generated *out = w->out;
	char source[96];
	char target[96];

	write_ref(seed, number, INDICATOR, dice, source, sizeof(source));
	write_ref(seed, number, DOMAIN_OBJECT, dice, target, sizeof(target));
	put(w, "{\"created\":\"%s\",\"created_by_ref\":\"%s\",\"id\":\"%s\",\"modified\":\"%s\",", out->created,
	    out->creator, out->id, out->version);
	put_marking(w, dice);
	put(w, "\"relationship_type\":\"indicates\",\"source_ref\":\"%s\",\"spec_version\":\"2.1\",", source);
	put(w, "\"target_ref\":\"%s\",\"type\":\"relationship\"}", target);
}

static void write_sighting(struct writer *w, struct dice *dice, uint64_t seed, uint64_t number)
{
	struct bw_generated *out = w->out;
	char target[96];

	write_ref(seed, number, INDICATOR, dice, target, sizeof(target));
	put(w, "{\"count\":%u,\"created\":\"%s\",\"created_by_ref\":\"%s\",\"first_seen\":\"%s\",\"id\":\"%s\",",
	    1u + (unsigned)below(dice, 500), out->created, out->creator, out->created, out->id);
	put(w, "\"modified\":\"%s\",", out->version);
	put_marking(w, dice);
	put(w, "\"sighting_of_ref\":\"%s\",\"spec_version\":\"2.1\",\"type\":\"sighting\",", target);
	put(w, "\"where_sighted_refs\":[\"%s\"]}", out->creator);
}

static void write_domain_object(struct writer *w, struct dice *dice)
{
	struct bw_generated *out = w->out;
	const size_t type_len = (size_t)(strstr(out->id, "--") - out->id);
	char *description = out->term[2];
	size_t at = 0;

	(void)snprintf(out->term[1], sizeof(out->term[1]), "%s %s", word(dice), word(dice));
	for (int i = 0; i < 24; i++)
		at += (size_t)snprintf(description + at, sizeof(out->term[2]) - at, "%s%s", i == 0 ? "" : " ",
				       word(dice));
	put(w, "{\"created\":\"%s\",\"created_by_ref\":\"%s\",\"description\":\"%s\",\"id\":\"%s\",", out->created,
	    out->creator, description, out->id);
	if (strncmp(out->id, "malware--", 9) == 0)
		put(w, "\"is_family\":true,");
	put(w, "\"modified\":\"%s\",\"name\":\"%s\",", out->version, out->term[1]);
	put_marking(w, dice);
	put(w, "\"spec_version\":\"2.1\",\"type\":\"%.*s\"}", (int)type_len, out->id);
	add_text(out, bw_slice_text(out->term[1]));
	add_text(out, bw_slice_text(description));
}

/* ---- observables: the id follows from the value (STIX 2.1 §2.9) ------------------------- */

static const struct bw_uuid sco_space = { { 0x00, 0xab, 0xed, 0xb4, 0xaa, 0x42, 0x46, 0x6c, 0x9c, 0x01, 0xfe, 0xd2,
					    0x33, 0x15, 0xa9, 0xb7 } };

static enum bw_err write_observable(struct writer *w, struct dice *dice)
{
	static const char *const types[VALUE_KINDS] = { "ipv4-addr", "domain-name", "url", "file" };
	struct bw_generated *out = w->out;
	const enum value_kind kind = (enum value_kind)below(dice, VALUE_KINDS);
	char uuid[BW_UUID_CHARS + 1];
	char name[400];
	struct bw_uuid id;

	write_value(kind, pick_value(dice), out->term[0], sizeof(out->term[0]));
	if (kind == VALUE_SHA256)
		(void)snprintf(name, sizeof(name), "{\"hashes\":{\"SHA-256\":\"%s\"}}", out->term[0]);
	else
		(void)snprintf(name, sizeof(name), "{\"value\":\"%s\"}", out->term[0]);
	BW_TRY(bw_uuid_v5(&sco_space, bw_slice_text(name), &id));
	bw_uuid_format(&id, uuid);
	(void)snprintf(out->id, sizeof(out->id), "%s--%s", types[kind], uuid);
	if (kind == VALUE_SHA256)
		put(w, "{\"hashes\":{\"SHA-256\":\"%s\"},\"id\":\"%s\",", out->term[0], out->id);
	else
		put(w, "{\"id\":\"%s\",", out->id);
	put(w, "\"spec_version\":\"2.1\",\"type\":\"%s\"", types[kind]);
	if (kind == VALUE_SHA256)
		put(w, "}");
	else
		put(w, ",\"value\":\"%s\"}", out->term[0]);
	add_value(out, bw_slice_text(out->term[0]));
	return BW_OK;
}

/* ---- all -------------------------------------------------------------------------------- */

/* Created at a time that grows with the number of the object it first was; modified later for later versions. */
static void write_times(struct bw_generated *out, uint64_t seed, uint64_t first, uint64_t number)
{
	struct dice dice = dice_of(seed ^ 2, first);
	struct dice creator = dice_of(seed ^ 3, below(&dice, CREATORS));
	char uuid[BW_UUID_CHARS + 1];

	write_instant(FIRST_INSTANT + (int64_t)first * 10000, out->created, sizeof(out->created));
	write_instant(FIRST_INSTANT + (int64_t)number * 10000, out->version, sizeof(out->version));
	write_uuid(&creator, uuid);
	(void)snprintf(out->creator, sizeof(out->creator), "identity--%s", uuid);
}

static void fill_record(struct bw_generated *out, enum kind kind, size_t json_len)
{
	struct bw_record *record = &out->record;
	const char *end = strstr(out->id, "--");

	record->id = bw_slice_text(out->id);
	record->type_name = bw_slice_of(out->id, (size_t)(end - out->id));
	record->type = bw_stix_type_of(record->type_name);
	record->versioning = kind == OBSERVABLE ? BW_VERSION_CONTENT : BW_VERSION_MODIFIED;
	record->version = kind == OBSERVABLE ? bw_slice_empty : bw_slice_text(out->version);
	record->created = kind == OBSERVABLE ? bw_slice_empty : bw_slice_text(out->created);
	record->creator = kind == OBSERVABLE ? bw_slice_empty : bw_slice_text(out->creator);
	record->spec_major = 2;
	record->spec_minor = 1;
	record->body = bw_slice_of(out->json, json_len);
	record->values = out->values;
	record->texts = out->texts;
}

enum bw_err bw_generate(uint64_t seed, uint64_t number, struct bw_generated *out)
{
	struct writer w = { .out = out };
	struct dice dice = dice_of(seed ^ 4, number);
	const enum kind kind = kind_of(seed, number);
	const bool later = below(&dice, 1000) < LATER_PER_MILLE && kind != OBSERVABLE;
	const uint64_t first = later ? earlier(seed, number, kind, &dice) : number;

	out->record = (struct bw_record){ 0 };
	write_object_id(seed, first, out->id, sizeof(out->id));
	write_times(out, seed, first, number);
	if (kind == INDICATOR)
		write_indicator(&w, &dice);
	else if (kind == OBSERVABLE)
		BW_TRY(write_observable(&w, &dice));
	else if (kind == RELATIONSHIP)
		write_relationship(&w, &dice, seed, number);
	else if (kind == SIGHTING)
		write_sighting(&w, &dice, seed, number);
	else
		write_domain_object(&w, &dice);
	fill_record(out, kind, w.at);
	return bw_sha256(out->record.body, out->record.hash);
}
