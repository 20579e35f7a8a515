/* `generate_lines SEED FIRST COUNT` prints made-up objects (bench/generate.h), one a line. */
#include <stdio.h>
#include <stdlib.h>

#include "base/num.h"
#include "bench/generate.h"

static bool read_number(const char *text, uint64_t *out)
{
	return bw_parse_u64(bw_slice_text(text), out) == BW_OK;
}

int main(int argc, char **argv)
{
	static struct bw_generated made;
	uint64_t seed;
	uint64_t first;
	uint64_t count;

	if (argc != 4 || !read_number(argv[1], &seed) || !read_number(argv[2], &first) ||
	    !read_number(argv[3], &count)) {
		(void)fputs("usage: generate_lines SEED FIRST COUNT\n", stderr);
		return 2;
	}
	for (uint64_t i = 0; i < count; i++) {
		if (bw_generate(seed, first + i, &made) != BW_OK)
			return 3;
		(void)fwrite(made.record.body.ptr, 1, made.record.body.len, stdout);
		(void)putchar('\n');
	}
	return fflush(stdout) == 0 ? 0 : 3;
}
