/* The program in the kernel, loaded and asked. Built only where clang, bpftool and libbpf were found. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <writers_record.h>

#include <writers.skel.h> /* speaks of the one above */

#include "crypto/hash.h"
#include "guard/writers_parts.h"

_Static_assert((int)WRITERS_MOST == (int)BW_EVENT_WRITERS_MAX, "one row is one answer");
_Static_assert(sizeof(struct writers_row) == 88, "as the program writes them");

struct bw_writers_ear {
	struct writers_bpf *program;
	uint64_t secret;
};

static int be_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

enum bw_err bw_writers_ear_open(struct bw_writers_ear **out, struct bw_why *why)
{
	struct bw_writers_ear *ear = calloc(1, sizeof(*ear));

	BW_NEED(ear != NULL, MEMORY);
	(void)libbpf_set_print(be_silent);
	bw_random(&ear->secret, sizeof(ear->secret));
	ear->program = writers_bpf__open();
	if (ear->program != NULL)
		ear->program->rodata->secret = ear->secret;
	if (ear->program == NULL || writers_bpf__load(ear->program) != 0 || writers_bpf__attach(ear->program) != 0) {
		const int error = errno;

		bw_writers_ear_free(ear);
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the kernel did not take the program: %s", strerror(error));
	}
	*out = ear;
	return BW_OK;
}

void bw_writers_ear_free(struct bw_writers_ear *ear)
{
	if (ear == NULL)
		return;
	writers_bpf__destroy(ear->program);
	free(ear);
}

size_t bw_writers_ear_ask(const struct bw_writers_ear *ear, const struct bw_file_key *file,
			  struct bw_event_writer out[BW_EVENT_WRITERS_MAX])
{
	const struct writers_row *shared = &ear->program->bss->rows[writers_place(ear->secret, file->ino, file->gen)];
	struct writers_row row;
	size_t count = 0;

	memcpy(&row, shared,
	       sizeof(row)); /* it may change meanwhile: then it is another's, or one writer more or less */
	if (row.ino != file->ino || row.gen != file->gen)
		return 0;
	for (size_t i = 0; i < WRITERS_MOST; i++) {
		if (row.ones[i].time_ns != 0)
			out[count++] = (struct bw_event_writer){ .time_ns = row.ones[i].time_ns,
								 .pid = row.ones[i].pid };
	}
	return count;
}
