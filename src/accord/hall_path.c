#include "accord/hall_path.h"

#include "accord/accord.h"
#include "base/text.h"

static bool is_id(struct bw_slice id)
{
	if (id.len == 0 || id.len > BW_ACCORD_ID_MAX)
		return false;
	for (size_t i = 0; i < id.len; i++)
		if (!bw_is_lower(id.ptr[i]) && !bw_is_digit(id.ptr[i]) && id.ptr[i] != '-')
			return false;
	return true;
}

static bool skip(struct bw_slice *path, struct bw_slice prefix)
{
	if (!bw_slice_starts(*path, prefix))
		return false;
	*path = bw_slice_from(*path, prefix.len);
	return true;
}

static enum bw_err only(bool is_method)
{
	return is_method ? BW_OK : BW_ERR_UNSUPPORTED;
}

static enum bw_err parse_accord(enum bw_http_method method, struct bw_slice rest, struct bw_slice query,
				struct bw_hall_path *out)
{
	const bool is_get = method == BW_HTTP_GET;
	struct bw_slice what;

	if (bw_slice_is(rest, "papers")) {
		out->verb = BW_HALL_PAPERS;
		return only(is_get);
	}
	BW_NEED(bw_slice_cut(rest, '/', &out->accord, &what) && is_id(out->accord), NOT_FOUND);
	if (bw_slice_is(what, "documents")) {
		out->verb = method == BW_HTTP_POST ? BW_HALL_DOCUMENTS_TAKE : BW_HALL_DOCUMENTS;
		return only(is_get || method == BW_HTTP_POST);
	}
	if (bw_slice_is(what, "known")) {
		out->verb = BW_HALL_KNOWN;
		return only(is_get);
	}
	if (bw_slice_is(what, "word")) {
		out->verb = BW_HALL_WORD;
		return only(method == BW_HTTP_POST);
	}
	BW_NEED(bw_slice_is(what, "passage"), NOT_FOUND);
	out->verb = BW_HALL_PASSAGE;
	BW_NEED(query.len == 0 || bw_slice_starts(query, BW_LIT("from=")), NOT_FOUND);
	out->text = bw_slice_from(query, sizeof("from=") - 1);
	BW_NEED(out->text.len <= BW_RUN_TARGET_MAX, NOT_FOUND);
	return only(is_get);
}

static enum bw_err parse_log(enum bw_http_method method, struct bw_slice rest, struct bw_hall_path *out)
{
	BW_NEED(bw_slice_cut(rest, '/', &out->accord, &out->text) && is_id(out->accord), NOT_FOUND);
	BW_NEED(out->text.len > 0 && out->text.len <= BW_RUN_TARGET_MAX, NOT_FOUND);
	out->verb = BW_HALL_PUBLIC;
	return only(method == BW_HTTP_GET || method == BW_HTTP_HEAD);
}

enum bw_err bw_hall_path_parse(enum bw_http_method method, struct bw_slice path, struct bw_slice query,
			       struct bw_hall_path *out)
{
	struct bw_hall_path found = { .accord = bw_slice_empty, .text = bw_slice_empty };
	struct bw_slice rest = path;

	if (bw_slice_is(path, "/witness/v1/add-checkpoint")) {
		found.verb = BW_HALL_WITNESS;
		BW_TRY(only(method == BW_HTTP_POST));
	} else if (skip(&rest, BW_LIT("/accord/v1/"))) {
		BW_TRY(parse_accord(method, rest, query, &found));
	} else {
		BW_NEED(skip(&rest, BW_LIT("/log/v1/")), NOT_FOUND);
		BW_TRY(parse_log(method, rest, &found));
	}
	*out = found;
	return BW_OK;
}
