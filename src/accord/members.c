#include "accord/members.h"

#include "codec/json_walk.h"

bool bw_member_is_one_of(struct bw_slice name, const struct bw_slice *names, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (bw_slice_equals(name, names[i]))
			return true;
	return false;
}

bool bw_member_is_ref(struct bw_slice name)
{
	const size_t s = name.len > 0 && name.ptr[name.len - 1] == 's' ? 1 : 0;

	return name.len >= 4 + s && memcmp(name.ptr + name.len - 4 - s, "_ref", 4) == 0;
}

enum bw_err bw_members_type(struct bw_slice object, struct bw_slice *out_name, enum bw_stix_type *out)
{
	struct bw_json_walk walk;
	struct bw_slice name;
	struct bw_slice value;
	bool more;

	BW_TRY(bw_json_walk_open(object, &walk));
	BW_NEED(walk.close == '}', TYPE);
	do {
		BW_TRY(bw_json_walk_next(&walk, &name, &value, &more));
		BW_NEED(more, MISSING);
	} while (!bw_slice_is(name, "type") || value.len <= 2);
	value = bw_slice_sub(value, 1, value.len - 2);
	*out = bw_stix_type_of(value);
	if (out_name != NULL)
		*out_name = value;
	return BW_OK;
}
