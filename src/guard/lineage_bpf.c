/* The program in the kernel, loaded and heard. Built only where clang, bpftool and libbpf were found. */
#include <bpf/libbpf.h>
#include <errno.h>
#include <lineage.skel.h>
#include <lineage_record.h>
#include <stdlib.h>

#include "guard/lineage_parts.h"

_Static_assert(sizeof(struct lineage_record) == 72, "as the program in the kernel writes it");

struct bw_kernel_ear {
	struct lineage_bpf *program;
	struct ring_buffer *ring;
	unsigned long long lost;
	void (*take)(void *context, const struct bw_process_event *event, bool kernel);
	void *context;
};

static int be_silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int on_record(void *context, void *data, size_t len)
{
	const struct bw_kernel_ear *ear = context;
	struct bw_process_event event;
	struct lineage_record record;

	if (len < sizeof(record))
		return 0;
	memcpy(&record, data, sizeof(record));
	event = (struct bw_process_event){ .time_ns = record.time_ns,
					   .start_ns = record.start_ns,
					   .cgroup = record.cgroup,
					   .pid = record.pid,
					   .parent = record.parent,
					   .session = record.session,
					   .group = record.group,
					   .uid = record.uid,
					   .act = record.act };
	memcpy(event.comm, record.comm, sizeof(event.comm));
	event.comm[sizeof(event.comm) - 1] = '\0';
	ear->take(ear->context, &event, record.kernel != 0);
	return 0;
}

enum bw_err bw_kernel_ear_open(struct bw_kernel_ear **out, struct bw_why *why)
{
	struct bw_kernel_ear *ear = calloc(1, sizeof(*ear));

	BW_NEED(ear != NULL, MEMORY);
	(void)libbpf_set_print(be_silent);
	ear->program = lineage_bpf__open_and_load();
	if (ear->program == NULL) {
		bw_kernel_ear_free(ear);
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the kernel did not take the program: %s", strerror(errno));
	}
	ear->ring = ring_buffer__new(bpf_map__fd(ear->program->maps.records), on_record, ear, NULL);
	if (ear->ring == NULL || lineage_bpf__attach(ear->program) != 0) {
		bw_kernel_ear_free(ear);
		return bw_why_set(why, BW_ERR_UNSUPPORTED, "the program could not be attached: %s", strerror(errno));
	}
	*out = ear;
	return BW_OK;
}

void bw_kernel_ear_free(struct bw_kernel_ear *ear)
{
	if (ear == NULL)
		return;
	ring_buffer__free(ear->ring);
	lineage_bpf__destroy(ear->program);
	free(ear);
}

int bw_kernel_ear_fd(const struct bw_kernel_ear *ear)
{
	return ring_buffer__epoll_fd(ear->ring);
}

bool bw_kernel_ear_drain(struct bw_kernel_ear *ear,
			 void (*take)(void *context, const struct bw_process_event *event, bool kernel), void *context)
{
	const unsigned long long lost = ear->program->bss->lost;
	const bool did_lose = lost != ear->lost;

	ear->take = take;
	ear->context = context;
	ear->lost = lost;
	(void)ring_buffer__consume(ear->ring);
	return did_lose;
}
