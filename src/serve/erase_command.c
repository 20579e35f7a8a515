/* `breakwater erase`, `delete` and `compact`: what leaves the store, and how thoroughly. */
#include <stdio.h>

#include "base/command.h"
#include "desk/desk_command.h"

static int erase_run(struct bw_call *call)
{
	const char *reason = bw_call_text(call, "reason");

	if (reason == NULL || reason[0] == 0)
		return bw_complain(call, BW_EXIT_USAGE, "say why: --reason TEXT; it is kept in the audit log",
				   "an erasure needs a reason");
	if (!bw_call_flag(call, "yes"))
		return bw_complain(call, BW_EXIT_USAGE, "to go on, say: breakwater erase --yes --reason TEXT ID",
				   "erasing '%s' takes every version of it out of every collection, for good",
				   bw_call_arg(call, 0));
	return bw_errand_run(call, &(struct bw_errand){
					   .verb = BW_OFFICE_ERASE,
					   .fields = (const struct bw_slice[]){ bw_slice_text(bw_call_arg(call, 0)),
										bw_slice_text(reason) },
					   .count = 2,
					   .say = "versions erased: ",
					   .json_name = "versions_erased",
					   .answer_is_number = true,
				   });
}

static int delete_run(struct bw_call *call)
{
	const char *collection = bw_call_text(call, "collection");

	if (collection == NULL)
		return bw_complain(call, BW_EXIT_USAGE, "say which: --collection NAME",
				   "an object is deleted from one collection");
	if (!bw_call_flag(call, "yes"))
		return bw_complain(call, BW_EXIT_USAGE, "to go on, say: breakwater delete --yes --collection NAME ID",
				   "deleting '%s' takes every version of it out of the collection '%s'",
				   bw_call_arg(call, 0), collection);
	return bw_errand_run(call, &(struct bw_errand){
					   .verb = BW_OFFICE_DELETE,
					   .fields = (const struct bw_slice[]){ bw_slice_text(collection),
										bw_slice_text(bw_call_arg(call, 0)) },
					   .count = 2,
					   .say = "versions deleted: ",
					   .json_name = "versions_deleted",
					   .answer_is_number = true,
				   });
}

static int compact_run(struct bw_call *call)
{
	return bw_errand_run(call, &(struct bw_errand){
					   .verb = BW_OFFICE_COMPACT,
					   .say = "compacted: what was erased or deleted has left the files",
				   });
}

static const struct bw_option erase_options[] = {
	{ .name = "reason", .kind = BW_OPT_TEXT, .help = "why; kept in the audit log" },
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "yes, erase it" },
	{ 0 },
};

static const struct bw_option delete_options[] = {
	{ .name = "collection", .kind = BW_OPT_TEXT, .value_name = "NAME", .help = "id, alias or title" },
	{ .name = "yes", .kind = BW_OPT_FLAG, .help = "yes, delete it" },
	{ 0 },
};

const struct bw_command bw_erase_command = {
	.name = "erase",
	.summary = "take an object out of everything, for good",
	.usage = "--reason TEXT --yes ID",
	.details =
		"Every version leaves every collection and every index at once, and the files at the next 'compact'. "
		"The store remembers a salted hash of the id, so that the object is refused when it comes back and "
		"erased again when an older backup is restored; the audit log names the id and the reason. Backups "
		"made before still hold the object.",
	.options = erase_options,
	.min_args = 1,
	.max_args = 1,
	.run = erase_run,
};

const struct bw_command bw_delete_command = {
	.name = "delete",
	.summary = "take an object out of one collection",
	.usage = "--collection NAME --yes ID",
	.details = "The same as DELETE over TAXII: every version leaves the collection, other collections keep theirs, "
		   "and the object may be added again. To be rid of it for good, see 'erase'.",
	.options = delete_options,
	.min_args = 1,
	.max_args = 1,
	.run = delete_run,
};

const struct bw_command bw_compact_command = {
	.name = "compact",
	.summary = "let what was erased or deleted leave the files",
	.usage = "",
	.details =
		"Writes the store anew without what is gone. Needs as much free room as the store has, takes minutes "
		"with millions of objects, and writers wait meanwhile.",
	.max_args = 0,
	.run = compact_run,
};
