#include "guard/incident_about.h"

#include <stdlib.h>

#include "guard/plain.h"
#include "guard/record.h"

enum { FILES_MOST = 4 * 1024 * 1024 };

struct named {
	size_t incident; /* its place */
	struct bw_file_key file;
};

struct gathering {
	const struct bw_incidents *incidents;
	struct bw_incident_about *list;
	struct bw_record *record;
	struct named *files;
	size_t count;
	size_t room;
};

static enum bw_err name_file(struct gathering *g, size_t incident, const struct bw_file_key *file)
{
	if (g->count == g->room) {
		const size_t room = g->room == 0 ? 1024 : 2 * g->room;
		struct named *more;

		BW_NEED(room <= FILES_MOST, TOO_MANY);
		more = realloc(g->files, room * sizeof(*more));
		BW_NEED(more != NULL, MEMORY);
		g->files = more;
		g->room = room;
	}
	g->files[g->count++] = (struct named){ incident, *file };
	return BW_OK;
}

static enum bw_err see(void *context, const struct bw_ledger_record *row)
{
	struct gathering *g = context;
	const struct bw_incident *incident = bw_incidents_find(g->incidents, row->incident);
	BW_CLEANUP(bw_buf_release) struct bw_buf who = BW_BUF_INIT(BW_ABOUT_WHO_BYTES - 1);
	size_t at;

	if (row->kind != BW_LEDGER_EVIDENCE || incident == NULL || bw_record_parse(row->body, g->record) != BW_OK)
		return BW_OK; /* a newer one's */
	at = (size_t)(incident - g->incidents->list);
	if (bw_actor_say(&g->record->actor, &who) == BW_OK) {
		memset(g->list[at].who, 0, sizeof(g->list[at].who));
		memcpy(g->list[at].who, bw_buf_text(&who), who.len);
	}
	for (size_t i = 0; i < g->record->count; i++) {
		if (g->record->proofs[i].proof.kind != BW_PROOF_WARNED) /* that is of no file */
			BW_TRY(name_file(g, at, &g->record->proofs[i].proof.file));
	}
	return BW_OK;
}

static int by_file(const void *a, const void *b)
{
	const struct named *x = a;
	const struct named *y = b;
	const uint64_t left[] = { x->incident, x->file.volume, x->file.ino, x->file.tree, x->file.gen };
	const uint64_t right[] = { y->incident, y->file.volume, y->file.ino, y->file.tree, y->file.gen };

	for (size_t i = 0; i < BW_COUNT(left); i++) {
		if (left[i] != right[i])
			return left[i] < right[i] ? -1 : 1;
	}
	return 0;
}

static void count_files(struct gathering *g)
{
	if (g->count > 0)
		qsort(g->files, g->count, sizeof(*g->files), by_file);
	for (size_t i = 0; i < g->count; i++)
		g->list[g->files[i].incident].files += i == 0 || by_file(&g->files[i - 1], &g->files[i]) != 0;
}

enum bw_err bw_incident_abouts(const char *data, const struct bw_incidents *incidents, struct bw_incident_about **out,
			       struct bw_why *why)
{
	struct gathering g = { .incidents = incidents,
			       .list = calloc(incidents->count + 1, sizeof(*g.list)),
			       .record = malloc(sizeof(*g.record)) };
	struct bw_ledger_seen seen;
	enum bw_err err = g.list != NULL && g.record != NULL ? BW_OK : BW_ERR_MEMORY;

	if (err == BW_OK && incidents->count > 0)
		err = bw_ledger_read(data, see, &g, &seen, why);
	if (err == BW_OK)
		count_files(&g);
	free(g.files);
	free(g.record);
	if (err != BW_OK) {
		free(g.list);
		return err;
	}
	*out = g.list;
	return BW_OK;
}

enum bw_err bw_incident_since_words(int64_t approved_us, struct bw_buf *out)
{
	char when[BW_PLAIN_BYTES];

	if (approved_us == 0)
		return BW_OK;
	return bw_buf_addf(
		out,
		"What the approved program did after that is no part of this incident. A folder as it was then "
		"comes back with:  breakwater guard restore --tree DIR --at '%s'\n",
		bw_plain_time(approved_us, when));
}
