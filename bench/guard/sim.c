/*
 * The harmless simulator by itself, for stories and benches; `guard_sim help`.
 * What it may touch is said, and kept, in guard/sim.h.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "codec/json_text.h"
#include "guard/sim.h"

static const char usage[] =
	"guard_sim seed DIR [--files N] [--seed S] [--mix MIX] [--homes N] [--big BYTES] [--owners UID,UID]\n"
	"guard_sim run DIR --pattern S01[,S22] [--strain S] [--actors N] [--shape SHAPE] [--walk WALK]\n"
	"              [--pace max|N/s|N/min|N/h|step] [--burst N] [--limit N] [--only KIND] [--report FILE]\n"
	"              [--share //HOST/SHARE --share-folder DIR --login FILE [--port N] [--dialect SMB3]]\n"
	"guard_sim verify DIR | undo DIR | remove DIR | names DIR | report FILE | patterns\n";

static int fail(const char *what)
{
	fprintf(stderr, "guard_sim: %s\n", what);
	return 3;
}

/* The value of an option, or NULL. */
static const char *option(int argc, char **argv, const char *name)
{
	for (int n = 2; n + 1 < argc; n++) {
		if (strcmp(argv[n], name) == 0)
			return argv[n + 1];
	}
	return NULL;
}

static bool number(int argc, char **argv, const char *name, uint64_t *out)
{
	const char *text = option(argc, argv, name);

	if (text == NULL || bw_parse_u64(bw_slice_text(text), out) == BW_OK)
		return true;
	fprintf(stderr, "guard_sim: %s '%s' is not a number\n", name, text);
	return false;
}

static bool owners(const char *text, struct bw_sim_seed *how)
{
	struct bw_slice rest = bw_slice_text(text == NULL ? "" : text);

	for (bool more = text != NULL; more;) {
		struct bw_slice item;
		struct bw_slice after = bw_slice_empty;
		uint64_t uid;

		more = bw_slice_cut(rest, ',', &item, &after);
		if (bw_parse_u64(more ? item : rest, &uid) != BW_OK || uid > UINT32_MAX - 1 ||
		    how->owner_count == BW_SIM_OWNERS_MAX)
			return false;
		how->owners[how->owner_count++] = (uid_t)uid;
		rest = after;
	}
	return true;
}

static int seed(int argc, char **argv)
{
	struct bw_sim_seed how = { .mix = option(argc, argv, "--mix") };
	uint64_t files = 500;
	uint64_t homes = 0;
	struct bw_why why = { 0 };

	if (!number(argc, argv, "--files", &files) || !number(argc, argv, "--seed", &how.seed) ||
	    !number(argc, argv, "--homes", &homes) || !number(argc, argv, "--big", &how.big_bytes))
		return 2;
	if (!owners(option(argc, argv, "--owners"), &how))
		return fail("--owners takes up to 16 numbers of users");
	how.files = files > UINT32_MAX ? UINT32_MAX : (uint32_t)files;
	how.homes = homes > UINT32_MAX ? UINT32_MAX : (uint32_t)homes;
	if (bw_sim_seed(argv[2], &how, &why) != BW_OK)
		return fail(why.text);
	printf("{\"seeded\":%llu}\n", (unsigned long long)files);
	return 0;
}

static bool parse_pace(const char *text, struct bw_sim_run *how)
{
	struct bw_slice count;
	struct bw_slice unit;
	uint64_t each;

	if (text == NULL || strcmp(text, "max") == 0)
		return true;
	if (strcmp(text, "step") == 0) {
		how->step_fd = 0;
		return true;
	}
	if (!bw_slice_cut(bw_slice_text(text), '/', &count, &unit) || bw_parse_u64(count, &each) != BW_OK || each == 0)
		return false;
	if (bw_slice_is(unit, "s"))
		how->pace_ns = UINT64_C(1000000000) / each;
	else if (bw_slice_is(unit, "min"))
		how->pace_ns = UINT64_C(60000000000) / each;
	else if (bw_slice_is(unit, "h"))
		how->pace_ns = UINT64_C(3600000000000) / each;
	return how->pace_ns > 0;
}

static bool parse_words(int argc, char **argv, struct bw_sim_run *how)
{
	const char *shape = option(argc, argv, "--shape");
	const char *walk = option(argc, argv, "--walk");

	while (shape != NULL && how->shape < BW_SIM_SHAPES && strcmp(shape, bw_sim_shape_name(how->shape)) != 0)
		how->shape++;
	while (walk != NULL && how->walk < BW_SIM_WALKS && strcmp(walk, bw_sim_walk_name(how->walk)) != 0)
		how->walk++;
	if (how->shape == BW_SIM_SHAPES || how->walk == BW_SIM_WALKS)
		return false;
	return parse_pace(option(argc, argv, "--pace"), how);
}

static void print_tally(const struct bw_sim_tally *tally)
{
	printf("{\"touched\":%llu,\"finished\":%llu,\"left\":%llu,\"failed\":%llu,\"impossible\":%llu}\n",
	       (unsigned long long)tally->touched, (unsigned long long)tally->finished, (unsigned long long)tally->left,
	       (unsigned long long)tally->failed, (unsigned long long)tally->impossible);
}

static int run(int argc, char **argv)
{
	struct bw_sim_share share = { .url = option(argc, argv, "--share"),
				      .folder = option(argc, argv, "--share-folder"),
				      .login_file = option(argc, argv, "--login"),
				      .dialect = option(argc, argv, "--dialect") };
	struct bw_sim_run how = BW_SIM_RUN_INIT;
	struct bw_sim_tally tally = { 0 };
	struct bw_sim_box *box;
	struct bw_why why = { 0 };
	uint64_t actors = 0;
	uint64_t burst = 0;
	uint64_t limit = 0;
	uint64_t port = 0;
	enum bw_err err;

	if (!number(argc, argv, "--strain", &how.strain) || !number(argc, argv, "--actors", &actors) ||
	    !number(argc, argv, "--burst", &burst) || !number(argc, argv, "--limit", &limit) ||
	    !number(argc, argv, "--port", &port))
		return 2;
	if (actors > BW_SIM_ACTORS_MAX || burst > UINT32_MAX || limit > UINT32_MAX || port > UINT16_MAX)
		return fail("a number is too large");
	if (!parse_words(argc, argv, &how))
		return fail("no such shape, walk or pace");
	how.patterns = option(argc, argv, "--pattern");
	how.report = option(argc, argv, "--report");
	how.only = option(argc, argv, "--only");
	how.actors = (uint32_t)actors;
	how.burst = (uint32_t)burst;
	how.limit = (uint32_t)limit;
	share.port = (uint16_t)port;
	share.folder = share.folder == NULL ? "" : share.folder;
	how.share = share.url == NULL ? NULL : &share;
	if (bw_sim_open(argv[2], &box, &why) != BW_OK)
		return fail(why.text);
	err = bw_sim_run(box, &how, &tally, &why);
	bw_sim_free(box);
	if (err != BW_OK)
		return fail(why.text);
	print_tally(&tally);
	return 0;
}

static int verify(struct bw_sim_box *box)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf first = BW_BUF_INIT(4096);
	struct bw_sim_check check = { 0 };
	struct bw_why why = { 0 };

	if (bw_sim_verify(box, &check, &why) != BW_OK ||
	    bw_json_add_string(&first, bw_slice_text(check.first)) != BW_OK)
		return fail(why.text);
	printf("{\"untouched\":%llu,\"changed\":%llu,\"metadata\":%llu,\"missing\":%llu,\"extra\":%llu,\"first\":%s}\n",
	       (unsigned long long)check.untouched, (unsigned long long)check.changed,
	       (unsigned long long)check.metadata, (unsigned long long)check.missing, (unsigned long long)check.extra,
	       bw_buf_text(&first));
	return check.changed + check.metadata + check.missing + check.extra == 0 ? 0 : 1;
}

static int undo(struct bw_sim_box *box)
{
	struct bw_why why = { 0 };
	uint64_t restored;

	if (bw_sim_undo(box, &restored, &why) != BW_OK)
		return fail(why.text);
	printf("{\"restored\":%llu}\n", (unsigned long long)restored);
	return 0;
}

static int names(struct bw_sim_box *box)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf out = BW_BUF_INIT(BW_GIB);

	for (size_t n = 0; n < bw_sim_rows(box); n++) {
		bool file;
		const struct bw_slice name = bw_sim_row_name(box, n, &file);

		bw_buf_clear(&out);
		if (bw_json_add_string(&out, name) != BW_OK)
			return fail("out of memory");
		printf("{\"row\":%zu,\"file\":%s,\"name\":%s}\n", n, file ? "true" : "false", bw_buf_text(&out));
	}
	return 0;
}

static int in_box(const char *dir, int (*verb)(struct bw_sim_box *box))
{
	struct bw_sim_box *box;
	struct bw_why why = { 0 };
	int status;

	if (bw_sim_open(dir, &box, &why) != BW_OK)
		return fail(why.text);
	status = verb(box);
	bw_sim_free(box);
	return status;
}

static int report(const char *path)
{
	struct bw_sim_report about = { 0 };
	struct bw_sim_tally tally = { 0 };
	struct bw_why why = { 0 };

	if (bw_sim_report_read(path, &about, &why) != BW_OK)
		return fail(why.text);
	bw_sim_report_tally(&about, &tally);
	print_tally(&tally);
	bw_sim_report_release(&about);
	return 0;
}

static int patterns(void)
{
	for (size_t n = 0; n < bw_sim_pattern_count(); n++)
		printf("%s  %s\n", bw_sim_pattern_id(n), bw_sim_pattern_words(n));
	return 0;
}

int main(int argc, char **argv)
{
	const char *verb = argc > 1 ? argv[1] : "";
	struct bw_why why = { 0 };

	if (strcmp(verb, "patterns") == 0)
		return patterns();
	if (argc < 3) {
		fputs(usage, strcmp(verb, "help") == 0 ? stdout : stderr);
		return strcmp(verb, "help") == 0 ? 0 : 2;
	}
	if (strcmp(verb, "seed") == 0)
		return seed(argc, argv);
	if (strcmp(verb, "run") == 0)
		return run(argc, argv);
	if (strcmp(verb, "verify") == 0)
		return in_box(argv[2], verify);
	if (strcmp(verb, "undo") == 0)
		return in_box(argv[2], undo);
	if (strcmp(verb, "names") == 0)
		return in_box(argv[2], names);
	if (strcmp(verb, "report") == 0)
		return report(argv[2]);
	if (strcmp(verb, "remove") == 0)
		return bw_sim_remove(argv[2], &why) == BW_OK ? 0 : fail(why.text);
	fputs(usage, stderr);
	return 2;
}
