/* What an event of the kernel becomes: for whom it is news, and with which of the file's bytes. */
#include <fcntl.h>
#include <sys/fanotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "guard/watch_parts.h"

enum {
	STRANGERS_MAX = 16,    /* unknown files written in a marked folder within a second: its mark is lifted */
	LOAD_NO_GUESSES = 96,  /* of 256: from here on new files are not sampled */
	LOAD_NO_SAMPLES = 224, /* and from here nothing is */
};

#define STRANGERS_NS UINT64_C(1000000000)
#define LINK_AGE_NS INT64_C(1000000000) /* a file that is older when its name is new was linked in */

/* One act on one file on its way. */
struct draft {
	struct bw_event event;
	const struct bw_volume *volume;
	const struct bw_handle *file;
	struct bw_slice name;
	struct bw_slice name_to;
};

static bool key_of(const struct bw_volume *volume, const struct bw_fan_id *id, struct bw_file_key *out)
{
	return id->there && bw_file_key_of_handle(id->handle.type, bw_slice_of(id->handle.bytes, id->handle.len),
						  volume->number, out) == BW_OK;
}

static uint32_t session_of(const struct watch *w, uint32_t pid)
{
	const struct bw_process *process = bw_processes_find(bw_lineage_processes(w->lineage), pid);

	return process == NULL ? 0 : process->session;
}

/* ---- on their way ---------------------------------------------------------------------- */

/* Head and names into a room; what of the room is filled so far. */
static size_t write_down(const struct draft *draft, uint8_t *room)
{
	size_t at = sizeof(draft->event);

	memcpy(room, &draft->event, sizeof(draft->event));
	memcpy(room + at, draft->name.ptr, draft->name.len);
	at += draft->name.len;
	memcpy(room + at, draft->name_to.ptr, draft->name_to.len);
	return at + draft->name_to.len;
}

static void to_keep(struct watch *w, const struct draft *draft)
{
	uint8_t *room = bw_ring_room(w->guard->work, bw_event_bytes(&draft->event));

	if (room == NULL) {
		watch_lose(w);
		return;
	}
	bw_ring_put_quietly(w->guard->work, BW_RECORD_EVENT,
			    write_down(draft, room)); /* watch.c wakes, batch by batch */
}

static void to_judge(struct watch *w, struct draft *draft, bool sample)
{
	const size_t head = bw_event_bytes(&draft->event);
	uint8_t *room = NULL;

	if (sample && bw_ring_load(w->guard->events) < LOAD_NO_SAMPLES)
		room = bw_ring_room(w->guard->events, head + BW_CONTENT_WHOLE_MAX);
	if (room != NULL &&
	    bw_watch_sample(draft->volume, draft->file, w->guard->settings.salt, &draft->event, room + head))
		atomic_fetch_add_explicit(&w->board->samples, 1, memory_order_relaxed);
	else
		room = bw_ring_room(w->guard->events, head);
	if (room == NULL) {
		watch_lose(w);
		return;
	}
	(void)write_down(draft, room);
	bw_ring_put_quietly(w->guard->events, BW_RECORD_EVENT, bw_event_bytes(&draft->event));
	if (draft->event.was_known || draft->event.has_replaced)
		bw_ring_wake(w->guard->events); /* evidence does not wait for the batch's end */
	draft->event.sample_len = 0;            /* keep gets the same without it */
	draft->event.piece_count = 0;
}

/* ---- who it was -------------------------------------------------------------------------- */

/* Its group and session may have changed since its fork: the judge must know them before the event. */
static void look_up_actor(struct watch *w, uint32_t pid)
{
	if (pid == 0 || pid == w->looked_up)
		return;
	w->looked_up = pid;
	(void)bw_lineage_refresh(w->lineage, pid, watch_hear, w);
}

/* Whoever closes a file need not have written it. */
static void find_writers(struct watch *w, struct bw_event *event)
{
	bw_writers_tell(w->writers, event);
	for (size_t i = 0; i < event->writer_count; i++)
		look_up_actor(w, event->writers[i].pid);
}

/* What a thread of the kernel's own does (nfsd) has no actor here. */
static uint32_t actor_of(const struct watch *w, uint32_t pid)
{
	const struct bw_process *process = bw_processes_find(bw_lineage_processes(w->lineage), pid);

	return process != NULL && process->kernel ? 0 : pid;
}

/* Whose history it counts as. A service of root's (smbd, nfsd) acts for others. */
static uint32_t maker_of(const struct watch *w, uint32_t pid)
{
	const struct bw_process *process = bw_processes_find(bw_lineage_processes(w->lineage), pid);

	return process == NULL || process->kernel || process->uid == 0 ? 0 : process->uid + 1;
}

/* ---- acts ----------------------------------------------------------------------------------- */

static struct draft draft_of(const struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan,
			     enum bw_act act)
{
	struct draft draft = { .event = { .time_ns = w->now_ns,
					  .wall_us = w->now_us,
					  .pid = actor_of(w, fan->pid),
					  .maker = maker_of(w, fan->pid),
					  .act = (uint8_t)act },
			       .volume = volume,
			       .file = &fan->file.handle,
			       .name = fan->folder.name,
			       .name_to = bw_slice_empty };

	if (act == BW_ACT_MOVED || act == BW_ACT_FOLDER)
		draft.name_to = fan->folder_to.name;
	draft.event.name_len = (uint16_t)draft.name.len;
	draft.event.name_to_len = (uint16_t)draft.name_to.len;
	(void)key_of(volume, &fan->file, &draft.event.file);
	(void)key_of(volume, &fan->folder, &draft.event.folder);
	(void)key_of(volume, &fan->folder_to, &draft.event.folder_to);
	draft.event.was_known = bw_index_by_key(w->guard->index, &draft.event.file, &draft.event.known) == BW_OK;
	return draft;
}

/* A folder in which a known file was touched is worth a mark. */
static void ask_for_mark(struct watch *w, const struct draft *draft, const struct bw_fan_id *id)
{
	struct bw_cover_folder *folder;

	if (!id->there)
		return;
	folder = bw_cover_of(w->cover, draft->volume, &draft->event.folder, &id->handle);
	if (folder->covered && !folder->asked)
		folder->asked = bw_marks_ask(w->marks, draft->volume, &id->handle);
}

/* One with new files gets its mark too, when they have come: what is in it may be cut by name, with no other news. */
static void ask_for_mark_later(struct watch *w, const struct draft *draft, const struct bw_fan_id *id)
{
	struct bw_cover_folder *folder = bw_cover_of(w->cover, draft->volume, &draft->event.folder, &id->handle);

	if (folder->covered && !folder->asked)
		folder->asked = bw_marks_ask_later(w->marks, draft->volume, &id->handle);
}

static bool is_covered(struct watch *w, const struct bw_volume *volume, const struct bw_fan_id *id)
{
	struct bw_file_key key;

	if (!key_of(volume, id, &key))
		return false;
	return bw_cover_file(w->cover, volume, bw_cover_of(w->cover, volume, &key, &id->handle), &id->handle, id->name);
}

/* A file nobody knows: keep comes first, for what has no shadow yet can be lost. */
static void send_new(struct watch *w, struct draft *draft)
{
	const uint32_t pid = draft->event.pid;
	bool sample = draft->event.has_replaced;

	to_keep(w, draft);
	if (!sample && draft->event.act != BW_ACT_REMOVED && bw_ring_load(w->guard->events) < LOAD_NO_GUESSES)
		sample = bw_spending_may(w->spending, pid, session_of(w, pid), w->now_ns);
	to_judge(w, draft, sample);
}

static void send_known(struct watch *w, struct draft *draft, bool sample)
{
	look_up_actor(w, draft->event.pid);
	if (sample)
		find_writers(w, &draft->event);
	to_judge(w, draft, sample);
	to_keep(w, draft);
}

static void closed(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_CLOSED);

	bw_hot_closed(w->hot, &draft.event.file);
	if (draft.event.was_known) {
		send_known(w, &draft, true);
		ask_for_mark(w, &draft, &fan->folder);
	} else if (is_covered(w, volume, &fan->folder)) {
		send_new(w, &draft);
		ask_for_mark_later(w, &draft, &fan->folder);
	} else {
		return;
	}
	bw_writers_looked(w->writers, &draft.event.file, w->now_ns);
}

/* Whether somebody empties the folder: the judge has no files to look at. */
static void look_at_folder(struct watch *w, struct draft *draft, const struct bw_fan_id *id)
{
	draft->event.left.names = BW_EVENT_LEFT_MANY;
	if (id->there)
		bw_cover_left(w->cover, bw_cover_of(w->cover, draft->volume, &draft->event.folder, &id->handle),
			      draft->volume, &id->handle, &draft->event.left);
}

static void removed(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_REMOVED);
	const uint32_t pid = draft.event.pid;

	if (draft.event.was_known) {
		bw_spending_destroyed(w->spending, pid, session_of(w, pid), w->now_ns);
		w->is_urgent = true;
		look_at_folder(w, &draft, &fan->folder);
		send_known(w, &draft, false);
	} else if (is_covered(w, volume, &fan->folder)) {
		send_new(w, &draft);
	}
}

static void moved(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_MOVED);
	struct bw_event *event = &draft.event;
	const uint64_t place = bw_index_place(w->guard->index, &event->folder_to, draft.name_to);

	event->has_replaced = bw_index_by_place(w->guard->index, place, &event->replaced) == BW_OK &&
			      !bw_file_key_equals(&event->replaced.key, &event->file);
	if (event->has_replaced)
		bw_spending_destroyed(w->spending, event->pid, session_of(w, event->pid), w->now_ns);
	if (event->was_known || event->has_replaced)
		send_known(w, &draft, event->has_replaced);
	else if (is_covered(w, volume, &fan->folder) || is_covered(w, volume, &fan->folder_to))
		send_new(w, &draft);
}

static void folder_moved(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_FOLDER);
	bool from;
	bool to;

	bw_cover_forget(w->cover); /* the paths of all below it are others now */
	from = is_covered(w, volume, &fan->folder);
	to = is_covered(w, volume, &fan->folder_to);
	if (!from && !to)
		return;
	look_up_actor(w, draft.event.pid);
	to_keep(w, &draft);
	to_judge(w, &draft, false);
	if (to && !bw_marks_ask_tree(w->marks, volume, &fan->file.handle))
		watch_lose(w);
}

/* A folder that is gone takes what is known of it along: keep has it, and a restore makes it again. */
static void folder_removed(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_FOLDER_REMOVED);

	if (!is_covered(w, volume, &fan->folder))
		return;
	look_up_actor(w, draft.event.pid);
	to_keep(w, &draft);
	to_judge(w, &draft, false);
}

/* ---- writes ------------------------------------------------------------------------------------ */

static void count_stranger(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct bw_cover_folder *folder;
	struct bw_file_key key;

	if (!key_of(volume, &fan->folder, &key))
		return;
	folder = bw_cover_of(w->cover, volume, &key, &fan->folder.handle);
	if (w->now_ns - folder->since_ns > STRANGERS_NS) {
		folder->since_ns = w->now_ns;
		folder->strangers = 0;
	}
	if (++folder->strangers != STRANGERS_MAX)
		return;
	folder->asked = false;
	bw_marks_lift(w->marks, volume, &fan->folder.handle);
}

/* Records of single writes have no name: here it is looked for, as people are told of what was destroyed. */
static void find_its_name(struct draft *draft, struct bw_name *room)
{
	int fd;

	if (draft->name.len > 0 || bw_volume_open(draft->volume, draft->file, O_PATH, &fd) != BW_OK)
		return;
	if (bw_name_now(draft->volume, fd, &draft->event.folder, bw_slice_empty, room) == BW_OK && room->is_other) {
		draft->event.folder = room->folder;
		draft->event.name_len = room->len;
		draft->name = bw_slice_of(room->bytes, room->len);
	}
	(void)close(fd);
}

static void changed(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_CHANGED);
	struct bw_name room;

	bw_writers_wrote(w->writers, &draft.event.file, draft.event.pid, w->now_ns);
	if (!draft.event.was_known) {
		count_stranger(w, volume, fan);
		return; /* its close is told */
	}
	if (!bw_hot_written(w->hot, volume, &draft.event.file, draft.file, w->now_ns))
		return;
	find_its_name(&draft, &room);
	send_known(w, &draft, true);
}

/* ---- attributes, and new names: nothing for the judge but who made a file ------------------------- */

/* Keep may have made it known by its first write: who made it is told now. */
static void tell_maker(struct watch *w, struct draft *draft)
{
	draft->event.act = BW_ACT_ATTRIBUTES;
	to_judge(w, draft, false);
}

static void attributes(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_ATTRIBUTES);

	if (!draft.event.was_known && !is_covered(w, volume, &fan->folder))
		return;
	to_keep(w, &draft);
	if (!draft.event.was_known)
		tell_maker(w, &draft);
}

static void folder_attributes(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct bw_fan_event itself = *fan;
	struct draft draft;

	itself.file = fan->folder; /* the kernel names a folder once, not as something in itself */
	if (!is_covered(w, volume, &itself.folder))
		return;
	draft = draft_of(w, volume, &itself, BW_ACT_ATTRIBUTES);
	draft.file = &itself.file.handle;
	to_keep(w, &draft);
}

/*
 * A subvolume came: empty, or a snapshot, full of files that nobody ever closed in it. To keep it is a folder it does
 * not know, which only a walk tells about.
 */
static void folder_made(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	const struct draft draft = draft_of(w, volume, fan, BW_ACT_FOLDER);

	if (!fan->file.there || draft.event.file.tree == draft.event.folder.tree ||
	    !is_covered(w, volume, &fan->folder))
		return;
	to_keep(w, &draft);
	if (!bw_marks_ask_tree(w->marks, volume, &fan->file.handle))
		watch_lose(w);
}

/* In nanoseconds of the wall clock. */
static int64_t stamp_ns(const struct statx_timestamp *stamp)
{
	return stamp->tv_sec * INT64_C(1000000000) + stamp->tv_nsec;
}

/*
 * It has one name, but not from its birth: that is older, or its inode has changed since without its content. So may
 * be what was born before more files were closed without a name than are remembered.
 */
static bool came_from_elsewhere(const struct watch *w, const struct statx *status)
{
	const int64_t born = stamp_ns(&status->stx_btime);
	const int64_t changed = stamp_ns(&status->stx_ctime);

	if ((status->stx_mask & STATX_BTIME) == 0)
		return true;
	return w->now_us * 1000 - born > LINK_AGE_NS || born / 1000 <= w->forgot_us ||
	       (changed != born && changed != stamp_ns(&status->stx_mtime));
}

/*
 * A plain file with one name is told by its close; looked at only when that is not in the same event. One that was
 * linked in, and whose other name is gone by now, is closed by nobody. *out_fresh: it may as well be a new one that
 * got attributes at once, as smbd gives them.
 */
static bool is_link(const struct watch *w, const struct bw_volume *volume, const struct bw_handle *handle,
		    bool *out_fresh)
{
	struct statx status;
	bool link;
	int fd;

	*out_fresh = false;
	if (bw_volume_open(volume, handle, O_PATH, &fd) != BW_OK)
		return false;
	link = statx(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS | STATX_BTIME, &status) == 0 &&
	       (S_ISLNK(status.stx_mode) ||
		(S_ISREG(status.stx_mode) && (status.stx_nlink > 1 || came_from_elsewhere(w, &status))));
	*out_fresh = link && S_ISREG(status.stx_mode) && status.stx_nlink == 1 &&
		     (status.stx_mask & STATX_BTIME) != 0 &&
		     w->now_us * 1000 - stamp_ns(&status.stx_btime) <= LINK_AGE_NS;
	(void)close(fd);
	return link;
}

static void created(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	struct draft draft = draft_of(w, volume, fan, BW_ACT_LINKED);
	bool fresh = false;

	if (watch_named(w, &draft.event.file)) {
		closed(w, volume, fan); /* it was closed before it had a name */
		return;
	}
	if (!is_covered(w, volume, &fan->folder))
		return;
	if (!draft.event.was_known && !is_link(w, volume, &fan->file.handle, &fresh))
		return;
	to_keep(w, &draft);
	if (fresh)
		tell_maker(w, &draft);
}

/* ---- all ---------------------------------------------------------------------------------------- */

/* The crew's own acts are nobody's. Its parent is ours. */
static bool is_crew(const struct watch *w, uint32_t pid)
{
	const struct bw_process *process = bw_processes_find(bw_lineage_processes(w->lineage), pid);
	const uint32_t parent = bw_stopper_parent(w->stopper);

	return pid != 0 && (pid == parent || (process != NULL && process->alive && process->parent == parent));
}

/* What happened to a file that has, or had, a name. */
static void take_file(struct watch *w, const struct bw_volume *volume, const struct bw_fan_event *fan)
{
	/* the kernel may have merged them; a file that is gone when its close is read has no sample */
	if ((fan->mask & FAN_MODIFY) != 0)
		changed(w, volume, fan);
	if ((fan->mask & FAN_CLOSE_WRITE) != 0)
		closed(w, volume, fan);
	if ((fan->mask & FAN_RENAME) != 0)
		moved(w, volume, fan);
	if ((fan->mask & FAN_DELETE) != 0)
		removed(w, volume, fan);
	if ((fan->mask & (FAN_CLOSE_WRITE | FAN_RENAME | FAN_DELETE)) != 0)
		return; /* keep looks at all of the file anyway */
	if ((fan->mask & FAN_CREATE) != 0)
		created(w, volume, fan);
	else if ((fan->mask & FAN_ATTRIB) != 0 && fan->folder.there) /* else only the number of its names changed */
		attributes(w, volume, fan);
}

void watch_take(struct watch *w, const struct bw_fan_event *fan)
{
	const struct bw_volume *volume;
	struct bw_fan_event named;
	struct bw_name room;

	atomic_fetch_add_explicit(&w->board->events, 1, memory_order_relaxed);
	if (fan->overflow) {
		watch_lose(w);
		return;
	}
	volume = bw_marks_volume(w->marks, fan->file.there ? &fan->file : &fan->folder);
	if (volume == NULL || is_crew(w, fan->pid))
		return;
	if ((fan->mask & FAN_ONDIR) != 0) {
		if ((fan->mask & FAN_CREATE) != 0)
			folder_made(w, volume, fan);
		if ((fan->mask & FAN_RENAME) != 0)
			folder_moved(w, volume, fan);
		if ((fan->mask & FAN_ATTRIB) != 0 && !fan->file.there)
			folder_attributes(w, volume, fan);
		if ((fan->mask & FAN_DELETE) != 0)
			folder_removed(w, volume, fan);
		return;
	}
	if (!fan->file.there)
		return;
	named = *fan;
	if (watch_find_name(w, volume, &named, &room))
		take_file(w, volume, &named);
}
