#include "bench/score_stage.h"

#include <stdio.h>
#include <stdlib.h>

#include "bench/content_files.h"
#include "bench/content_patterns.h"

static void start(struct stage *stage, uint32_t pid, uint32_t parent, uint32_t session, const char *comm)
{
	struct bw_process_event event = {
		.pid = pid, .parent = parent, .session = session, .group = session, .cgroup = 7
	};

	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)stage_fork_as(stage, &event);
}

void stage_open(struct stage *stage)
{
	*stage = (struct stage){ .now_ns = UINT64_C(1000000000000),
				 .next_ino = 100,
				 .left = { .names = BW_EVENT_LEFT_MANY } };
	if (bw_actors_new(STAGE_GUARD, &stage->actors) != BW_OK ||
	    bw_score_new(stage->actors, NULL, NULL, &stage->score) != BW_OK)
		abort();
	start(stage, 1, 0, 1, "systemd");
	start(stage, STAGE_HARNESS, 1, STAGE_HARNESS, "bash");
	start(stage, STAGE_GUARD, STAGE_HARNESS, STAGE_HARNESS, "breakwater");
}

void stage_close(struct stage *stage)
{
	bw_score_free(stage->score);
	bw_actors_free(stage->actors);
}

void stage_wait(struct stage *stage, uint64_t seconds)
{
	stage->now_ns += seconds * 1000000000;
}

/* ---- processes ------------------------------------------------------------------------------------ */

uint64_t stage_fork_as(struct stage *stage, const struct bw_process_event *as)
{
	struct bw_process_event event = *as;

	stage->now_ns += 50000;
	event.time_ns = stage->now_ns;
	event.start_ns = stage->now_ns;
	event.act = BW_PROCESS_FORK;
	return bw_actors_hear(stage->actors, &event);
}

uint64_t stage_fork(struct stage *stage, uint32_t parent, uint32_t pid, const char *comm)
{
	struct bw_process_event event = {
		.pid = pid, .parent = parent, .session = 5, .group = 5, .uid = 1000, .cgroup = 7
	};

	event.session = STAGE_HARNESS;
	event.group = STAGE_HARNESS;
	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	return stage_fork_as(stage, &event);
}

void stage_exec(struct stage *stage, uint32_t pid, const char *comm)
{
	struct bw_process_event event = { .pid = pid, .time_ns = stage->now_ns, .uid = 1000, .act = BW_PROCESS_EXEC };

	(void)snprintf(event.comm, sizeof(event.comm), "%s", comm);
	(void)bw_actors_hear(stage->actors, &event);
}

void stage_exit(struct stage *stage, uint32_t pid)
{
	const struct bw_process_event event = { .pid = pid, .time_ns = stage->now_ns, .act = BW_PROCESS_EXIT };

	(void)bw_actors_hear(stage->actors, &event);
}

/* ---- files ------------------------------------------------------------------------------------------ */

static void sample_of(struct bw_slice bytes, struct bw_sample *out)
{
	struct bw_plan plan;

	bw_plan_make(bytes.len, 42, &plan);
	*out = (struct bw_sample){ .size = bytes.len, .count = plan.count };
	for (size_t i = 0; i < plan.count; i++)
		out->pieces[i] = (struct bw_piece){ plan.windows[i].at, bw_slice_sub(bytes, (size_t)plan.windows[i].at,
										     plan.windows[i].len) };
}

struct stage_file stage_file(struct stage *stage, const char *maker, size_t bytes, const char *name)
{
	struct stage_file file = { .folder = { .ino = 2 }, .bytes = BW_BUF_INIT(SIZE_MAX / 2) };
	struct bw_sample sample;

	bw_maker_named(maker)->make(bytes, stage->next_ino, &file.bytes);
	sample_of(bw_buf_slice(&file.bytes), &sample);
	bw_content_of(&sample, &file.known.content);
	file.known.key = (struct bw_file_key){ .ino = stage->next_ino++, .gen = 1 };
	file.known.version = file.known.key.ino;
	(void)snprintf(file.name, sizeof(file.name), "%s", name);
	return file;
}

void stage_file_release(struct stage_file *file)
{
	bw_buf_release(&file->bytes);
}

struct bw_buf stage_shaped(const struct stage_file *file, const char *shape)
{
	struct bw_buf buf = BW_BUF_INIT(SIZE_MAX / 2);

	for (size_t i = 0; i < bw_shapes_n; i++) {
		if (strcmp(bw_shapes[i].id, shape) == 0) {
			bw_shapes[i].make(bw_buf_slice(&file->bytes), file->known.key.ino, &buf);
			return buf;
		}
	}
	abort();
}

/* ---- acts --------------------------------------------------------------------------------------------- */

static void tell(struct stage *stage, struct bw_event_view *view)
{
	stage->now_ns += 100000;
	view->event.time_ns = stage->now_ns;
	view->event.wall_us = (int64_t)(stage->now_ns / 1000);
	if (stage->writer != 0) {
		view->event.writer_count = 1;
		view->event.writers[0] = (struct bw_event_writer){ .time_ns = stage->now_ns, .pid = stage->writer };
	}
	stage->acts++;
	stage->was_told = bw_score_event(stage->score, view, &stage->outcome);
	if (!stage->was_told)
		return;
	if (stage->outcome.verdict.gravity > stage->worst.gravity)
		stage->worst = stage->outcome.verdict;
	if (stage->told == 0 && stage->outcome.verdict.gravity >= BW_GRAVITY_ORDERED)
		stage->told = stage->acts;
}

static void set_name(struct bw_slice *out, uint16_t *out_len, const char *name)
{
	*out = bw_slice_text(name);
	*out_len = (uint16_t)out->len;
}

void stage_write(struct stage *stage, uint32_t pid, enum bw_act act, const struct stage_file *file,
		 struct bw_slice bytes)
{
	struct bw_event_view view = { .event = { .pid = pid,
						 .act = (uint8_t)act,
						 .was_known = 1,
						 .file = file->known.key,
						 .folder = file->folder,
						 .known = file->known,
						 .size = bytes.len,
						 .mtime_s = 1 } };

	set_name(&view.name, &view.event.name_len, file->name);
	sample_of(bytes, &view.sample);
	tell(stage, &view);
}

struct bw_file_key stage_new(struct stage *stage, uint32_t pid, const struct bw_file_key *folder, const char *name,
			     struct bw_slice bytes)
{
	struct bw_event_view view = { .event = { .pid = pid,
						 .act = BW_ACT_CLOSED,
						 .file = { .ino = stage->next_ino++, .gen = 1 },
						 .folder = *folder,
						 .size = bytes.len,
						 .mtime_s = 1 } };

	set_name(&view.name, &view.event.name_len, name);
	sample_of(bytes, &view.sample);
	tell(stage, &view);
	return view.event.file;
}

void stage_remove(struct stage *stage, uint32_t pid, const struct stage_file *file)
{
	struct bw_event_view view = { .event = { .pid = pid,
						 .act = BW_ACT_REMOVED,
						 .was_known = 1,
						 .file = file->known.key,
						 .folder = file->folder,
						 .left = stage->left,
						 .known = file->known } };

	set_name(&view.name, &view.event.name_len, file->name);
	tell(stage, &view);
}

void stage_folder_gone(struct stage *stage, uint32_t pid, const struct bw_file_key *folder)
{
	struct bw_event_view view = { .event = { .pid = pid, .act = BW_ACT_FOLDER_REMOVED, .file = *folder } };

	tell(stage, &view);
}

void stage_move_over(struct stage *stage, uint32_t pid, const struct bw_file_key *moved, const char *name,
		     const struct stage_file *replaced)
{
	struct bw_event_view view = { .event = { .pid = pid,
						 .act = BW_ACT_MOVED,
						 .has_replaced = 1,
						 .file = *moved,
						 .folder = replaced->folder,
						 .folder_to = replaced->folder,
						 .replaced = replaced->known } };

	set_name(&view.name, &view.event.name_len, name);
	set_name(&view.name_to, &view.event.name_to_len, replaced->name);
	tell(stage, &view);
}
