#include "guard/trace.h"

#include <stdlib.h>

#include "guard/content_finding.h"

enum {
	TRACE_VERSION = 2,
	TRACE_NAMELESS = 1,
	WAYS = 8, /* places in which one key may stand: neither actors nor files are searched for */
};

static const char magic[] = "BWGT";

/* ---- written down ------------------------------------------------------------------------- */

static enum bw_err add_key(struct bw_buf *out, const struct bw_file_key *key)
{
	BW_TRY(bw_buf_add_be64(out, key->ino));
	BW_TRY(bw_buf_add_be64(out, key->tree));
	BW_TRY(bw_buf_add_be32(out, key->gen));
	return bw_buf_add_be32(out, key->volume);
}

static enum bw_err add_name(struct bw_buf *out, struct bw_slice name)
{
	BW_NEED(name.len <= BW_EVENT_NAME_BYTES, RANGE);
	BW_TRY(bw_buf_add_u8(out, (uint8_t)name.len));
	return bw_buf_add(out, name);
}

static enum bw_err add_traced(struct bw_buf *out, const struct bw_traced *traced)
{
	BW_TRY(bw_buf_add_u8(out, traced->what));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)traced->first_us));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)traced->last_us));
	BW_TRY(bw_buf_add_be64(out, traced->version));
	BW_TRY(add_key(out, &traced->file));
	BW_TRY(add_key(out, &traced->folder));
	BW_TRY(add_key(out, &traced->folder_to));
	BW_TRY(add_name(out, traced->name));
	return add_name(out, traced->name_to);
}

enum bw_err bw_traced_write(const struct bw_traced *list, size_t count, struct bw_buf *out)
{
	BW_NEED(count <= BW_TRACED_MAX, TOO_MANY);
	BW_TRY(bw_buf_add_text(out, magic));
	BW_TRY(bw_buf_add_u8(out, TRACE_VERSION));
	BW_TRY(bw_buf_add_be16(out, (uint16_t)count));
	for (size_t i = 0; i < count; i++)
		BW_TRY(add_traced(out, &list[i]));
	return BW_OK;
}

static enum bw_err take_key(struct bw_cursor *c, struct bw_file_key *out)
{
	*out = (struct bw_file_key){ 0 };
	BW_TRY(bw_take_be64(c, &out->ino));
	BW_TRY(bw_take_be64(c, &out->tree));
	BW_TRY(bw_take_be32(c, &out->gen));
	return bw_take_be32(c, &out->volume);
}

/* What a folder is called: never a path. */
static enum bw_err take_name(struct bw_cursor *c, struct bw_slice *out)
{
	uint8_t len;

	BW_TRY(bw_take_u8(c, &len));
	BW_TRY(bw_take(c, len, out));
	BW_NEED(memchr(out->ptr, '/', len) == NULL && memchr(out->ptr, 0, len) == NULL, RANGE);
	return bw_slice_is(*out, ".") || bw_slice_is(*out, "..") ? BW_ERR_RANGE : BW_OK;
}

static enum bw_err take_traced(struct bw_cursor *c, uint8_t version, struct bw_traced *out)
{
	uint64_t first;
	uint64_t last;

	*out = (struct bw_traced){ .name = bw_slice_empty, .name_to = bw_slice_empty };
	BW_TRY(bw_take_u8(c, &out->what));
	BW_TRY(bw_take_be64(c, &first));
	BW_TRY(bw_take_be64(c, &last));
	BW_TRY(bw_take_be64(c, &out->version));
	BW_TRY(take_key(c, &out->file));
	BW_TRY(take_key(c, &out->folder));
	BW_TRY(take_key(c, &out->folder_to));
	BW_NEED(out->what != 0 && (out->what & ~BW_TRACED_ALL) == 0, RANGE);
	out->first_us = (int64_t)first;
	out->last_us = (int64_t)last;
	if (version == TRACE_NAMELESS)
		return BW_OK;
	BW_TRY(take_name(c, &out->name));
	return take_name(c, &out->name_to);
}

enum bw_err bw_traced_parse(struct bw_slice bytes, bw_traced_see *see, void *context)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_slice mark;
	uint8_t version;
	uint16_t count;

	BW_TRY(bw_take(&c, sizeof(magic) - 1, &mark));
	BW_NEED(bw_slice_is(mark, magic), SYNTAX);
	BW_TRY(bw_take_u8(&c, &version));
	BW_NEED(version == TRACE_VERSION || version == TRACE_NAMELESS, SCHEMA);
	BW_TRY(bw_take_be16(&c, &count));
	BW_NEED(count <= BW_TRACED_MAX, RANGE);
	for (size_t i = 0; i < count; i++) {
		struct bw_traced traced;

		BW_TRY(take_traced(&c, version, &traced));
		BW_TRY(see(context, &traced));
	}
	return bw_cursor_left(&c) == 0 ? BW_OK : BW_ERR_RANGE;
}

/* ---- remembered ----------------------------------------------------------------------------- */

struct act_names {
	uint8_t first[BW_EVENT_NAME_BYTES];
	uint8_t last[BW_EVENT_NAME_BYTES];
};

struct act {
	struct bw_traced traced;
	uint64_t last_ns; /* 0: free */
	uint32_t process; /* pinned: the last who did something to it */
	uint8_t told;     /* of `what`, taken already */
	int64_t told_us;
	bool left_good;
	struct act_names *names; /* of a folder that was moved; NULL: it was not, or there was no memory */
	/* of what was made: who did, pinned; and what the index had when the next process came to it */
	uint32_t maker;
	int64_t found_us; /* 0: none came */
	uint64_t found_version;
	uint8_t found_what; /* what was done since */
};

struct book {
	uint32_t actor; /* held; 0: free */
	uint64_t used_ns;
	struct act acts[BW_TRACE_ACTS_MAX];
};

struct bw_trace {
	struct bw_actors *actors;
	const struct book *last; /* where the last event stands */
	uint64_t last_ns;
	struct book *books[BW_TRACE_ACTORS_MAX];
};

enum bw_err bw_trace_new(struct bw_actors *actors, struct bw_trace **out)
{
	struct bw_trace *trace = calloc(1, sizeof(*trace));

	BW_NEED(trace != NULL, MEMORY);
	trace->actors = actors;
	*out = trace;
	return BW_OK;
}

void bw_trace_free(struct bw_trace *trace)
{
	if (trace == NULL)
		return;
	for (size_t b = 0; b < BW_TRACE_ACTORS_MAX; b++) {
		for (size_t i = 0; trace->books[b] != NULL && i < BW_TRACE_ACTS_MAX; i++)
			free(trace->books[b]->acts[i].names);
		free(trace->books[b]);
	}
	free(trace);
}

static void end_act(struct bw_trace *trace, struct act *act)
{
	bw_actors_unpin(trace->actors, act->process);
	bw_actors_unpin(trace->actors, act->maker);
	free(act->names);
	*act = (struct act){ 0 };
}

static void end_book(struct bw_trace *trace, struct book *book)
{
	for (size_t i = 0; i < BW_TRACE_ACTS_MAX; i++)
		end_act(trace, &book->acts[i]);
	if (book->actor != 0)
		bw_actors_let(trace->actors, book->actor);
	book->actor = 0;
}

static struct book *book_of(struct bw_trace *trace, uint32_t actor, uint64_t now_ns)
{
	struct book **set = &trace->books[actor % (BW_TRACE_ACTORS_MAX / WAYS) * WAYS];
	struct book **oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i] != NULL && set[i]->actor == actor) {
			set[i]->used_ns = now_ns;
			return set[i];
		}
		if (*oldest != NULL && (set[i] == NULL || set[i]->used_ns < (*oldest)->used_ns))
			oldest = &set[i];
	}
	if (*oldest == NULL)
		*oldest = calloc(1, sizeof(**oldest));
	if (*oldest == NULL)
		return NULL;
	end_book(trace, *oldest);
	bw_actors_hold(trace->actors, actor);
	(*oldest)->actor = actor;
	(*oldest)->used_ns = now_ns;
	return *oldest;
}

static struct act *act_on(struct bw_trace *trace, struct book *book, const struct bw_file_key *file)
{
	const uint64_t hash = (file->ino ^ file->tree << 32) * UINT64_C(0x9e3779b97f4a7c15) >> 40;
	struct act *set = &book->acts[hash % (BW_TRACE_ACTS_MAX / WAYS) * WAYS];
	struct act *oldest = set;

	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].last_ns != 0 && bw_file_key_equals(&set[i].traced.file, file))
			return &set[i];
		oldest = set[i].last_ns < oldest->last_ns ? &set[i] : oldest;
	}
	end_act(trace, oldest);
	oldest->traced.file = *file;
	return oldest;
}

static uint8_t what_of(const struct bw_event *event)
{
	switch ((enum bw_act)event->act) {
	case BW_ACT_CLOSED:
	case BW_ACT_CHANGED:
		return event->was_known != 0 ? BW_TRACED_WRITTEN : BW_TRACED_MADE;
	case BW_ACT_ATTRIBUTES: /* smbd gives them before a byte, and the file may be kept before a write is told */
		return event->was_known != 0 ? 0 : BW_TRACED_MADE;
	case BW_ACT_REMOVED:
		return BW_TRACED_REMOVED;
	case BW_ACT_MOVED:
		return BW_TRACED_MOVED;
	case BW_ACT_FOLDER:
		return BW_TRACED_FOLDER | BW_TRACED_MOVED;
	case BW_ACT_FOLDER_REMOVED:
		return BW_TRACED_FOLDER | BW_TRACED_REMOVED;
	default:
		return 0;
	}
}

/*
 * A file that the same actor made a moment ago, and that was good: somebody's work, which its session's
 * attacker found there. What stands unreadable in the index is more likely his own; and a write that leaves it good
 * attacks nothing: it is more of what its maker writes, who is heard of twice when the index was faster.
 */
static bool was_good_work(const struct bw_traced *traced, const struct bw_event *event, bool left_good)
{
	return (traced->what & (BW_TRACED_MADE | BW_TRACED_FOLDER)) == BW_TRACED_MADE && event->was_known != 0 &&
	       !left_good && event->known.version != 0 && bw_content_is_good(&event->known.content);
}

/* Whether the maker of a file belongs to the incident is known later: what became of the file since he left it. */
static void see_maker(struct bw_trace *trace, struct act *act, const struct bw_event *event, uint32_t process,
		      uint8_t what)
{
	if (act->last_ns == 0 && (what & BW_TRACED_MADE) != 0) {
		bw_actors_pin(trace->actors, process);
		act->maker = process;
	}
	if (act->maker == 0 || (act->found_us == 0 && (process == act->maker || event->was_known == 0)))
		return;
	if (act->found_us == 0) {
		act->found_us = event->wall_us;
		act->found_version = event->known.version;
	}
	act->found_what |= what;
}

/* As the incident sees it: what somebody else had made was there when the attacker came. */
static struct bw_traced told(const struct bw_trace *trace, const struct act *act, uint64_t incident)
{
	struct bw_traced traced = act->traced;

	if ((traced.what & BW_TRACED_MADE) == 0 || act->found_us == 0 ||
	    bw_actors_condemned(trace->actors, act->maker) == incident)
		return traced;
	traced.what = act->found_what;
	traced.first_us = act->found_us;
	traced.version = act->found_version;
	return traced;
}

/* One more act on one file. What was once new to the actor stays new: the index learns of it in between. */
static void add(struct bw_trace *trace, struct act *act, const struct bw_event *event, uint32_t process, uint8_t what,
		uint64_t version, bool left_good)
{
	struct bw_traced *traced = &act->traced;

	see_maker(trace, act, event, process, what);
	if (act->last_ns == 0) {
		traced->first_us = event->wall_us;
		traced->folder = event->folder;
		traced->version = version;
	} else if (was_good_work(traced, event, left_good)) {
		traced->what = (uint8_t)((traced->what & ~BW_TRACED_MADE) | BW_TRACED_WRITTEN);
		traced->first_us = event->wall_us;
		traced->version = event->known.version;
	} else if ((traced->what & BW_TRACED_MADE) != 0) {
		what &= (uint8_t)~BW_TRACED_WRITTEN;
	}
	if (act->process != process) {
		bw_actors_pin(trace->actors, process);
		bw_actors_unpin(trace->actors, act->process);
		act->process = process;
	}
	traced->what |= what;
	traced->last_us = event->wall_us;
	act->last_ns = event->time_ns != 0 ? event->time_ns : 1;
}

/* Its first name here and its last: what undoes the renaming. */
static void name_folder(struct act *act, const struct bw_event_view *view)
{
	struct bw_traced *traced = &act->traced;
	const bool is_first = act->names == NULL;

	if (view->name.len > BW_EVENT_NAME_BYTES || view->name_to.len > BW_EVENT_NAME_BYTES)
		return;
	if (is_first)
		act->names = calloc(1, sizeof(*act->names));
	if (act->names == NULL)
		return;
	if (is_first) {
		if (view->name.len > 0)
			memcpy(act->names->first, view->name.ptr, view->name.len);
		traced->name = bw_slice_of(act->names->first, view->name.len);
		traced->folder = view->event.folder;
	}
	if (view->name_to.len > 0)
		memcpy(act->names->last, view->name_to.ptr, view->name_to.len);
	traced->name_to = bw_slice_of(act->names->last, view->name_to.len);
	act->told = 0; /* each further name is news */
}

uint64_t bw_trace_event(struct bw_trace *trace, const struct bw_event_view *view, bool left_good)
{
	const struct bw_event *event = &view->event;
	const uint8_t what = what_of(event);
	const uint32_t process = bw_actors_find(trace->actors, event->pid, event->time_ns);
	const uint32_t actor = bw_actors_of(trace->actors, process);
	struct book *book = what != 0 && actor != 0 ? book_of(trace, actor, event->time_ns) : NULL;
	struct act *act;

	trace->last = book;
	trace->last_ns = event->time_ns;
	if (book == NULL)
		return 0;
	act = act_on(trace, book, &event->file);
	add(trace, act, event, process, what, event->was_known != 0 ? event->known.version : 0, left_good);
	if ((what & (BW_TRACED_WRITTEN | BW_TRACED_MADE)) != 0)
		act->left_good = left_good;
	if (event->act == BW_ACT_MOVED || event->act == BW_ACT_FOLDER)
		act->traced.folder_to = event->folder_to;
	if (event->act == BW_ACT_FOLDER)
		name_folder(act, view);
	if (event->act == BW_ACT_MOVED && event->has_replaced != 0) {
		act = act_on(trace, book, &event->replaced.key);
		add(trace, act, event, process, BW_TRACED_REMOVED, event->replaced.version, false);
		act->traced.folder = act->traced.what == BW_TRACED_REMOVED ? event->folder_to : act->traced.folder;
	}
	return bw_actors_condemned(trace->actors, process);
}

static bool is_near(uint64_t a, uint64_t b)
{
	return (a > b ? a - b : b - a) <= BW_TRACE_NEAR_NS;
}

/* Told again when there is more to tell, or when it went on for a second. */
static bool is_news(const struct act *act)
{
	return act->told != act->traced.what || act->traced.last_us - act->told_us >= 1000000;
}

/* An smbd child works for a person and for what attacks from the same machine; any other process does one thing. */
static bool serves_people(const struct bw_trace *trace, const struct book *book)
{
	struct bw_actor about;

	if (book == NULL || book->actor == 0)
		return false;
	bw_actors_about(trace->actors, book->actor, &about);
	return about.kind == BW_ACTOR_SMB;
}

/*
 * A write that left good content is a person's work in the same session as the attacker's. Of a file that was not
 * finished when its attacker was stopped a few bytes may be destroyed, which nobody sees: it is the attacker's.
 */
static bool is_work(const struct act *act, bool for_people)
{
	return for_people && act->left_good &&
	       (act->traced.what & (BW_TRACED_WRITTEN | BW_TRACED_MADE)) == BW_TRACED_WRITTEN &&
	       (act->traced.what & BW_TRACED_REMOVED) == 0;
}

size_t bw_trace_take(struct bw_trace *trace, uint64_t incident, uint64_t near_ns, struct bw_traced *out, size_t max)
{
	size_t count = 0;

	for (size_t b = 0; b < BW_TRACE_ACTORS_MAX; b++) {
		struct book *book = trace->books[b];
		bool for_people;

		if (near_ns == trace->last_ns && book != trace->last)
			continue; /* all others were looked at when their actors did something, or were condemned */
		for_people = serves_people(trace, book);
		for (size_t i = 0; book != NULL && i < BW_TRACE_ACTS_MAX && count < max; i++) {
			struct act *act = &book->acts[i];

			if (act->last_ns == 0 || !is_near(act->last_ns, near_ns) || !is_news(act) ||
			    is_work(act, for_people) || bw_actors_condemned(trace->actors, act->process) != incident)
				continue;
			act->told = act->traced.what;
			act->told_us = act->traced.last_us;
			out[count++] = told(trace, act, incident);
		}
	}
	return count;
}
