/*
 * URLs as typed or as a server gives them. Properties: what is taken prints as
 * a URL that means the same; nothing that could end a header line gets through.
 */
#include <stdlib.h>

#include "net/url.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(bool claim)
{
	if (!claim)
		abort();
}

static void check_url(const struct bw_url *url)
{
	static char text[BW_URL_TEXT_BYTES];
	struct bw_url again;

	check(url->target[0] == '/' && url->port != 0 && url->host[0] != '\0');
	bw_url_text(url, text);
	for (const char *at = text; *at != '\0'; at++)
		check(*at > 0x20 && *at < 0x7f);
	check(bw_url_parse(bw_slice_text(text), &again, NULL) == BW_OK);
	check(bw_url_same_origin(url, &again) && strcmp(url->target, again.target) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct bw_url url;
	static struct bw_url base;
	struct bw_fault fault = { 0 };

	if (bw_url_parse(bw_slice_of(data, size), &url, &fault) == BW_OK)
		check_url(&url);
	else
		check(fault.reason != NULL && fault.offset <= size);
	check(bw_url_parse(BW_LIT("https://a.example/taxii2/?q"), &base, NULL) == BW_OK);
	if (bw_url_join(&base, bw_slice_of(data, size), &url, NULL) == BW_OK)
		check_url(&url);
	return 0;
}
