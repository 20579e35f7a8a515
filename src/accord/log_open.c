#include "accord/log_open.h"

#include <stdio.h>

#include "accord/papers.h"
#include "sys/files.h"

static enum bw_err find_peer(const struct bw_book *book, const uint8_t node[BW_SHA256_BYTES], struct bw_why *why,
			     const struct bw_peer **out)
{
	char name[BW_NODE_NAME_CHARS + 1];

	bw_node_name(node, name);
	for (size_t i = 0; i < book->peer_count; i++)
		if (strcmp(book->peers[i].name, name) == 0) {
			*out = &book->peers[i];
			return BW_OK;
		}
	return bw_why_set(why, BW_ERR_NOT_FOUND, "%s is no peer of this node any more", name);
}

static enum bw_err read_papers(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_arena *arena,
			       struct bw_papers *ours, struct bw_papers *theirs, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf envelope = BW_BUF_INIT(BW_PAPERS_FILE_MAX);
	const struct bw_peer *peer = NULL;

	BW_TRY(bw_papers_own(book->data, &envelope, why));
	BW_TRY(bw_papers_check(bw_buf_slice(&envelope), &book->self, arena, ours));
	BW_TRY(find_peer(book, entry->now->accord.party[1 - entry->we].node, why, &peer));
	return bw_papers_of_peer(book->data, peer, arena, theirs, why);
}

enum bw_err bw_log_policy(struct bw_slice text, struct bw_trust **out, struct bw_why *why)
{
	struct bw_fault fault = { 0, NULL };
	const enum bw_err err = bw_trust_parse(text, &fault, out);

	return err == BW_OK ? BW_OK
			    : bw_why_set(why, err == BW_ERR_MISSING ? BW_ERR_SYNTAX : err,
					 "the policy cannot be read, at byte %zu: %s", fault.offset,
					 fault.reason == NULL ? bw_err_text(err) : fault.reason);
}

static enum bw_err open_trust(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_arena *arena,
			      struct bw_log_open *log, struct bw_why *why)
{
	struct bw_papers ours;
	struct bw_papers theirs;

	BW_TRY(read_papers(book, entry, arena, &ours, &theirs, why));
	BW_TRY(bw_papers_policy(&entry->now->accord, &ours, &theirs, &log->policy));
	return bw_log_policy(bw_buf_slice(&log->policy), &log->trust, why);
}

enum bw_err bw_log_open(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_arena *arena,
			struct bw_log_open *log, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf origin = BW_BUF_INIT(BW_ORIGIN_MAX);
	char folder[BW_ACCORD_ID_MAX + sizeof("accord/out/")];
	char name[BW_NODE_NAME_CHARS + 1];

	*log = (struct bw_log_open){ .policy = BW_BUF_INIT(BW_POLICY_TEXT_MAX) };
	if (entry->now == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "no version of '%.*s' was ever in force", BW_ARG(entry->id));
	BW_TRY(open_trust(book, entry, arena, log, why));
	bw_node_name(book->self_name, name);
	BW_TRY(bw_buf_addf(&origin, "%s/%.*s", name, BW_ARG(entry->id)));
	(void)snprintf(folder, sizeof(folder), "accord/out/%.*s", BW_ARG(entry->id));
	BW_TRY(bw_folder_place(book->data, folder, &log->folder));
	return bw_outbound_open(log->folder.path,
				&(struct bw_outbound_rules){ bw_buf_slice(&origin), log->trust, true }, &log->out, why);
}

static enum bw_err open_heard(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_arena *arena,
			      struct bw_log_heard *log, struct bw_why *why)
{
	char name[BW_ACCORD_ID_MAX + sizeof("accord/in/")];
	char partner[BW_NODE_NAME_CHARS + 1];
	struct bw_papers ours;
	struct bw_papers theirs;

	BW_TRY(read_papers(book, entry, arena, &ours, &theirs, why));
	BW_TRY(bw_papers_policy(&entry->now->accord, &theirs, &ours, &log->policy));
	BW_TRY(bw_log_policy(bw_buf_slice(&log->policy), &log->trust, why));
	bw_node_name(entry->now->accord.party[1 - entry->we].node, partner);
	BW_TRY(bw_buf_addf(&log->origin, "%s/%.*s", partner, BW_ARG(entry->id)));
	(void)snprintf(name, sizeof(name), "accord/in/%.*s", BW_ARG(entry->id));
	BW_TRY(bw_folder_place(book->data, name, &log->folder));
	if (!bw_file_exists(log->folder.path))
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing was told under '%.*s' yet", BW_ARG(entry->id));
	BW_TRY(bw_inbound_place_load(log->folder.path, &log->place, why));
	if (log->place.state.len == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "nothing was told under '%.*s' yet", BW_ARG(entry->id));
	return bw_inbound_new(bw_buf_slice(&log->origin), log->trust, bw_buf_slice(&log->place.state), &log->in);
}

enum bw_err bw_log_heard_open(const struct bw_book *book, const struct bw_book_entry *entry, struct bw_arena *arena,
			      struct bw_log_heard *log, struct bw_why *why)
{
	*log = (struct bw_log_heard){ .origin = BW_BUF_INIT(BW_ORIGIN_MAX),
				      .policy = BW_BUF_INIT(BW_POLICY_TEXT_MAX),
				      .place = BW_INBOUND_PLACE_INIT };
	if (entry->now == NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "no version of '%.*s' was ever in force", BW_ARG(entry->id));
	return open_heard(book, entry, arena, log, why);
}

void bw_log_heard_close(struct bw_log_heard *log)
{
	bw_inbound_free(log->in);
	bw_inbound_place_release(&log->place);
	bw_trust_free(log->trust);
	bw_buf_release(&log->policy);
	bw_buf_release(&log->origin);
	*log = (struct bw_log_heard){ .trust = NULL };
}

void bw_log_close(struct bw_log_open *log)
{
	bw_outbound_close(log->out);
	bw_trust_free(log->trust);
	bw_buf_release(&log->policy);
	*log = (struct bw_log_open){ .trust = NULL };
}
