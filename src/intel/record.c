#include "intel/record.h"

struct bw_slice bw_timestamp_key(struct bw_slice text)
{
	size_t len = text.len > 0 ? text.len - 1 : 0; /* the Z */

	if (memchr(text.ptr, '.', len) == NULL)
		return bw_slice_sub(text, 0, len);
	while (len > 0 && text.ptr[len - 1] == '0')
		len--;
	if (len > 0 && text.ptr[len - 1] == '.')
		len--;
	return bw_slice_sub(text, 0, len);
}
