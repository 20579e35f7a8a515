/*
 * A whole HTTP head as a TAXII request. Properties: what is refused says why
 * with a status an endpoint may give; what is taken lies within the limits, and
 * `next` written and read again is the same place.
 */
#include <stdlib.h>

#include "intel/pick.h"
#include "serve/limits.h"
#include "serve/taxii.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_refusal(const struct bw_problem *problem)
{
	check(problem->status == 400 || (problem->status >= 404 && problem->status <= 406) || problem->status == 415);
	check(problem->title != NULL && problem->description[0] != 0);
	check((problem->status == 405) == (problem->allow != NULL));
}

static void check_words(const struct bw_words *words)
{
	check(words->count <= BW_MATCH_MAX);
	for (size_t i = 0; i < words->count; i++)
		check(words->list[i].len > 0);
}

static void check_taken(const struct bw_taxii_request *request)
{
	check(request->what != BW_TAXII_NOWHERE);
	check(request->limit <= BW_PAGE_MAX);
	check(request->added_after_us >= -1);
	check((request->picks & ~(unsigned)(BW_PICK_LAST | BW_PICK_FIRST | BW_PICK_ALL)) == 0);
	check_words(&request->ids);
	check_words(&request->types);
	check_words(&request->versions);
	check_words(&request->specs);
	if (request->added_after_us >= 0) {
		char next[BW_NEXT_TEXT];
		int64_t again;

		bw_taxii_next_format(request->added_after_us, next);
		check(bw_taxii_next_parse(bw_slice_text(next), &again) == BW_OK);
		check(again == request->added_after_us);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_arena arena = BW_ARENA_INIT(BW_MIB);
	struct bw_taxii_request request;
	struct bw_problem problem = { 0 };
	struct bw_http_request http;
	size_t seen = 0;
	enum bw_err err;

	if (bw_http_request_parse(bw_slice_of(data, size), &seen, &http, NULL) != BW_OK)
		return 0;
	bw_taxii_route(http.path, &arena, &request);
	err = bw_taxii_read(&http, &arena, &request, &problem);
	if (err == BW_ERR_USAGE)
		check_refusal(&problem);
	else if (err == BW_OK)
		check_taken(&request);
	else
		check(err == BW_ERR_MEMORY);
	bw_arena_release(&arena);
	return 0;
}
