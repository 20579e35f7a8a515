/* An answer of the DNS, forged or not, is refused, or names a host of plain characters and a port. */
#include <stdlib.h>

#include "base/text.h"
#include "net/srv.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bw_srv srv;

	if (bw_srv_parse(bw_slice_of(data, size), &srv) != BW_OK)
		return 0;
	if (srv.port == 0 || srv.host[0] == '\0' || strlen(srv.host) > BW_URL_HOST_MAX)
		abort();
	for (const char *at = srv.host; *at != '\0'; at++) {
		if (!bw_is_digit((uint8_t)*at) && !bw_is_lower((uint8_t)*at) && *at != '-' && *at != '.')
			abort();
	}
	return 0;
}
