#include "guard/lineage_table.h"

#include <stdlib.h>

enum { HEADS = 64 * 1024, DEPTH_MAX = 256, NONE = 0 };

/* Chained by number; a dead one also waits in a queue, the oldest first. Links are places plus one. */
struct node {
	struct bw_process process;
	uint32_t next;
	uint32_t older;
	uint32_t newer;
};

struct bw_processes {
	uint32_t heads[HEADS];
	uint32_t used;
	uint32_t alive;
	uint32_t oldest; /* of those in the queue: the dead, and when there are none, everybody */
	uint32_t newest;
	uint32_t victim; /* round robin when nobody is dead */
	struct node nodes[BW_PROCESSES_MAX];
};

enum bw_err bw_processes_new(struct bw_processes **out)
{
	struct bw_processes *made = calloc(1, sizeof(*made));

	BW_NEED(made != NULL, MEMORY);
	*out = made;
	return BW_OK;
}

void bw_processes_free(struct bw_processes *processes)
{
	free(processes);
}

static uint32_t *head_of(struct bw_processes *processes, uint32_t pid)
{
	return &processes->heads[pid % HEADS]; /* numbers rise one by one: no hash spreads them better */
}

static uint32_t place_of(const struct bw_processes *processes, uint32_t pid)
{
	uint32_t at = processes->heads[pid % HEADS];

	while (at != NONE && processes->nodes[at - 1].process.pid != pid)
		at = processes->nodes[at - 1].next;
	return at;
}

static void leave_queue(struct bw_processes *processes, uint32_t at)
{
	struct node *node = &processes->nodes[at - 1];

	if (node->older != NONE)
		processes->nodes[node->older - 1].newer = node->newer;
	else if (processes->oldest == at)
		processes->oldest = node->newer;
	if (node->newer != NONE)
		processes->nodes[node->newer - 1].older = node->older;
	else if (processes->newest == at)
		processes->newest = node->older;
	node->older = node->newer = NONE;
}

static void join_queue(struct bw_processes *processes, uint32_t at)
{
	struct node *node = &processes->nodes[at - 1];

	node->older = processes->newest;
	node->newer = NONE;
	if (processes->newest != NONE)
		processes->nodes[processes->newest - 1].newer = at;
	else
		processes->oldest = at;
	processes->newest = at;
}

static void unchain(struct bw_processes *processes, uint32_t at)
{
	uint32_t *link = head_of(processes, processes->nodes[at - 1].process.pid);

	while (*link != at)
		link = &processes->nodes[*link - 1].next;
	*link = processes->nodes[at - 1].next;
}

/* A free place: a fresh one, that of the longest dead, or, with 65,536 living ones, just the next. */
static uint32_t take_place(struct bw_processes *processes)
{
	uint32_t at = processes->oldest;

	if (processes->used < BW_PROCESSES_MAX)
		return ++processes->used;
	if (at == NONE) {
		processes->victim = processes->victim % BW_PROCESSES_MAX + 1;
		at = processes->victim;
		processes->alive--;
	} else {
		leave_queue(processes, at);
	}
	unchain(processes, at);
	return at;
}

void bw_processes_put(struct bw_processes *processes, const struct bw_process *process)
{
	uint32_t at = place_of(processes, process->pid);

	if (at == NONE) {
		uint32_t *head = head_of(processes, process->pid);

		at = take_place(processes);
		processes->nodes[at - 1].next = *head;
		*head = at;
	} else if (processes->nodes[at - 1].process.alive) {
		processes->alive--;
	} else {
		leave_queue(processes, at);
	}
	processes->nodes[at - 1].process = *process;
	if (process->alive)
		processes->alive++;
	else
		join_queue(processes, at);
}

void bw_processes_end(struct bw_processes *processes, uint32_t pid)
{
	const uint32_t at = place_of(processes, pid);

	if (at == NONE || !processes->nodes[at - 1].process.alive)
		return;
	processes->nodes[at - 1].process.alive = false;
	processes->alive--;
	join_queue(processes, at);
}

const struct bw_process *bw_processes_find(const struct bw_processes *processes, uint32_t pid)
{
	const uint32_t at = place_of(processes, pid);

	return at == NONE ? NULL : &processes->nodes[at - 1].process;
}

size_t bw_processes_count(const struct bw_processes *processes)
{
	return processes->used;
}

const struct bw_process *bw_processes_at(const struct bw_processes *processes, size_t n)
{
	return &processes->nodes[n].process;
}

size_t bw_processes_alive(const struct bw_processes *processes)
{
	return processes->alive;
}

bool bw_processes_descends(const struct bw_processes *processes, uint32_t pid, uint32_t ancestor)
{
	for (unsigned depth = 0; depth < DEPTH_MAX && pid > 1; depth++) {
		const struct bw_process *process = bw_processes_find(processes, pid);

		if (pid == ancestor)
			return true;
		if (process == NULL)
			return false;
		pid = process->parent;
	}
	return pid == ancestor;
}
