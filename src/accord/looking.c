#include "accord/looking.h"

#define ARENA_BYTES (512 * BW_MIB)

static enum bw_err open_all(struct bw_looking *l)
{
	BW_TRY(bw_facts_child_start(&l->child, &l->why));
	BW_TRY(bw_book_open(bw_call_data(l->call), &l->arena, &l->book, &l->why));
	BW_TRY(bw_desk_open(bw_call_data(l->call), &l->desk, &l->why));
	return bw_sources_over(bw_desk_store(l->desk), &l->sources);
}

int bw_looking_run(struct bw_call *call, enum bw_err (*work)(struct bw_looking *l))
{
	struct bw_looking l = { .call = call, .arena = BW_ARENA_INIT(ARENA_BYTES) };
	enum bw_err err = open_all(&l);
	int status = BW_EXIT_OK;

	if (err == BW_OK)
		err = work(&l);
	if (err == BW_ERR_USAGE)
		status = bw_complain(call, BW_EXIT_USAGE, NULL, "%s", l.why.text);
	else if (err != BW_OK)
		status = bw_complain_why(call, err, &l.why);
	bw_sources_close(l.sources);
	bw_desk_close(l.desk);
	bw_facts_child_end(l.child);
	bw_arena_release(&l.arena);
	return status;
}
