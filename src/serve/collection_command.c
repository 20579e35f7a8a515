/* `breakwater collection add|list|mark|remove`. */
#include <stdio.h>

#include "base/command.h"
#include "codec/json_text.h"
#include "crypto/keys.h"
#include "desk/desk_command.h"
#include "intel/policy.h"
#include "sys/clock.h"

/* A title is what people see in lists: one line, and something to see. */
static bool is_title(struct bw_slice title)
{
	for (size_t i = 0; i < title.len; i++)
		if (title.ptr[i] < ' ' || title.ptr[i] == 0x7f)
			return false;
	return title.len < BW_TITLE_MAX && bw_slice_trim(title).len > 0;
}

static int add_run(struct bw_call *call)
{
	const struct bw_slice title = bw_slice_text(bw_call_arg(call, 0));
	const struct bw_slice fields[] = { title, bw_call_slice(call, "id"), bw_call_slice(call, "alias"),
					   bw_call_slice(call, "description") };

	if (!is_title(title))
		return bw_complain(call, BW_EXIT_USAGE, "for more than a title there is --description",
				   "a title is one line of 1 to %d bytes, not all of them blank", BW_TITLE_MAX - 1);
	return bw_errand_run(call, &(struct bw_errand){ .verb = BW_OFFICE_COLLECTION_ADD,
							.fields = fields,
							.count = BW_COUNT(fields),
							.say = "",
							.json_name = "id" });
}

static int remove_run(struct bw_call *call)
{
	const struct bw_slice name = bw_slice_text(bw_call_arg(call, 0));

	if (!bw_call_flag(call, "yes"))
		return bw_complain(
			call, BW_EXIT_USAGE, "to go on, say: breakwater collection remove --yes NAME",
			"removing '%s' removes every object in it, and nothing brings them back but a backup",
			bw_call_arg(call, 0));
	return bw_errand_run(call, &(struct bw_errand){ .verb = BW_OFFICE_COLLECTION_REMOVE,
							.fields = &name,
							.count = 1,
							.say = "objects removed: ",
							.json_name = "objects_removed",
							.answer_is_number = true });
}

/* A colour, the id of a marking definition, or "none": then empty. */
static bool marking_of(struct bw_slice word, struct bw_slice *out)
{
	const char *colour = bw_tlp_marking(bw_slice_starts(word, BW_LIT("tlp:")) ? bw_slice_from(word, 4) : word);
	const struct bw_slice definition = BW_LIT("marking-definition--");

	*out = bw_slice_empty;
	if (bw_slice_is(word, "none"))
		return true;
	*out = colour != NULL ? bw_slice_text(colour) : word;
	return bw_slice_starts(*out, definition) && out->len == definition.len + BW_UUID_TEXT - 1;
}

static int mark_run(struct bw_call *call)
{
	struct bw_slice fields[2] = { bw_slice_text(bw_call_arg(call, 0)) };

	if (!marking_of(bw_slice_text(bw_call_arg(call, 1)), &fields[1]))
		return bw_complain(call, BW_EXIT_USAGE,
				   "one of: clear, green, amber, amber+strict, red, none, or marking-definition--UUID",
				   "'%s' is no marking", bw_call_arg(call, 1));
	return bw_errand_run(call, &(struct bw_errand){ .verb = BW_OFFICE_COLLECTION_MARK,
							.fields = fields,
							.count = BW_COUNT(fields),
							.say = "marked" });
}

static enum bw_err write_row(struct bw_buf *out, const struct bw_collection *c)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "id", bw_slice_text(c->id)));
	BW_TRY(bw_json_add_text(out, "title", bw_slice_text(c->title)));
	BW_TRY(bw_json_add_text(out, "alias", bw_slice_text(c->alias)));
	BW_TRY(bw_json_add_text(out, "description", bw_slice_text(c->description)));
	BW_TRY(bw_json_add_num(out, "objects", (int64_t)c->object_count));
	if (c->marking[0] != 0)
		BW_TRY(bw_json_add_text(out, "marking", bw_slice_text(c->marking)));
	if (c->is_inbound) {
		char name[BW_NODE_NAME_CHARS + 1];

		bw_node_name(c->node, name);
		BW_TRY(bw_json_add_text(out, "from", bw_slice_text(name)));
	}
	if (c->last_added_us > 0) {
		char time[BW_TIME_BYTES];

		bw_time_format(c->last_added_us, time);
		BW_TRY(bw_json_add_text(out, "last_added", bw_slice_text(time)));
	}
	return bw_buf_add_text(out, "}\n");
}

static int print_json(const struct bw_collection *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		BW_CLEANUP(bw_buf_release) struct bw_buf line = BW_BUF_INIT(64 * BW_KIB);

		if (write_row(&line, &list[i]) != BW_OK)
			return BW_EXIT_FAILED;
		(void)fputs(bw_buf_text(&line), stdout);
	}
	return BW_EXIT_OK;
}

static const char *words_for_marking(const char *marking)
{
	const enum bw_tlp colour = bw_tlp_of(bw_slice_text(marking));

	return colour == BW_TLP_NONE ? marking : bw_tlp_name(colour);
}

static int print_text(const struct bw_collection *list, size_t count)
{
	if (count == 0)
		(void)printf("no collections yet; make one with: breakwater collection add TITLE\n");
	for (size_t i = 0; i < count; i++)
		(void)printf("%s  %10llu objects  %s%s%s%s%s%s%s\n", list[i].id,
			     (unsigned long long)list[i].object_count, list[i].title, list[i].alias[0] != 0 ? " (" : "",
			     list[i].alias, list[i].alias[0] != 0 ? ")" : "",
			     list[i].is_inbound ? ", from a partner" : "", list[i].marking[0] != 0 ? ", else " : "",
			     words_for_marking(list[i].marking));
	return BW_EXIT_OK;
}

static int list_run(struct bw_call *call)
{
	BW_CLEANUP(bw_arena_release) struct bw_arena arena = BW_ARENA_INIT(256 * BW_MIB);
	struct bw_collection *list;
	size_t count;
	int status;
	struct bw_desk *desk = bw_desk_for(call, &status);
	enum bw_err err;

	if (desk == NULL)
		return status;
	err = bw_store_collections(bw_desk_store(desk), &arena, &list, &count);
	if (err != BW_OK)
		status = bw_complain_store(call, desk, err, "list collections");
	bw_desk_close(desk);
	if (err != BW_OK)
		return status;
	return bw_call_json(call) ? print_json(list, count) : print_text(list, count);
}

static const struct bw_option add_options[] = {
	{ .name = "id", .kind = BW_OPT_TEXT, .value_name = "UUID", .help = "version 4 UUID; without it one is made" },
	{ .name = "alias", .kind = BW_OPT_TEXT, .value_name = "NAME", .help = "a name usable in place of the id" },
	{ .name = "description", .kind = BW_OPT_TEXT, .help = "what the collection holds, for its readers" },
	{ 0 },
};

static const struct bw_option remove_options[] = {
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "yes, remove the collection and all that is in it" },
	{ 0 },
};

static const struct bw_command collection_verbs[] = {
	{ .name = "add",
	  .summary = "make a collection and print its id",
	  .usage = "TITLE",
	  .options = add_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = add_run },
	{ .name = "list", .summary = "list collections with their sizes", .usage = "", .max_args = 0, .run = list_run },
	{ .name = "mark",
	  .summary =
		  "say which marking holds for objects in a collection that bear none; without one they go to nobody",
	  .usage = "NAME clear|green|amber|amber+strict|red|none|MARKING-ID",
	  .min_args = 2,
	  .max_args = 2,
	  .run = mark_run },
	{ .name = "remove",
	  .summary = "remove a collection and every object in it",
	  .usage = "NAME",
	  .options = remove_options,
	  .min_args = 1,
	  .max_args = 1,
	  .run = remove_run },
	{ 0 },
};

const struct bw_command bw_collection_command = {
	.name = "collection",
	.summary = "make, list and remove collections",
	.usage = "add|list|mark|remove",
	.verbs = collection_verbs,
};
