#include "guard/doer.h"

#include <inttypes.h>

#include "base/text.h"

static bool is_new(struct bw_doers *doers, const struct bw_proof *proof)
{
	for (size_t i = 0; i < doers->seen_count; i++) {
		if (doers->seen[i].pid == proof->pid && doers->seen[i].start_ns == proof->start_ns)
			return false;
	}
	if (doers->seen_count == BW_DOERS_PROCESSES_MAX)
		return false;
	doers->seen[doers->seen_count].pid = proof->pid;
	doers->seen[doers->seen_count++].start_ns = proof->start_ns;
	return true;
}

static void rise(struct bw_doer *list, struct bw_doer *doer)
{
	while (doer > list && doer[-1].files < doer->files) {
		const struct bw_doer less = doer[-1];

		doer[-1] = *doer;
		*doer-- = less;
	}
}

void bw_doers_add(struct bw_doers *doers, const struct bw_proof *proof, uint32_t files)
{
	struct bw_doer *doer;
	size_t i = 0;

	if (proof->pid == 0)
		return;
	while (i < doers->count && (doers->list[i].uid != proof->uid ||
				    strncmp(doers->list[i].comm, proof->comm, sizeof(proof->comm)) != 0))
		i++;
	if (i == BW_DOERS_MAX) {
		doers->more++;
		return;
	}
	doer = &doers->list[i];
	if (i == doers->count) {
		*doer = (struct bw_doer){ .uid = proof->uid, .pid = proof->pid };
		memcpy(doer->comm, proof->comm, sizeof(doer->comm));
		doers->count++;
	}
	doer->processes += is_new(doers, proof);
	doer->files += files;
	rise(doers->list, doer);
}

void bw_doers_of(const struct bw_record *record, struct bw_doers *out)
{
	*out = (struct bw_doers){ 0 };
	for (size_t i = 0; i < record->count; i++)
		bw_doers_add(out, &record->proofs[i].proof, record->proofs[i].proof.kind != BW_PROOF_WARNED);
}

bool bw_doers_tell(const struct bw_doers *doers, const struct bw_actor *actor)
{
	if (doers->count == 0 || actor->kind == BW_ACTOR_SMB)
		return false;
	return doers->count > 1 || doers->list[0].processes > 1 || doers->list[0].pid != actor->pid ||
	       doers->list[0].uid != actor->uid || strncmp(doers->list[0].comm, actor->comm, sizeof(actor->comm)) != 0;
}

static enum bw_err say_one(const struct bw_doer *doer, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '\''));
	BW_TRY(bw_text_escape(out, bw_slice_of(doer->comm, strnlen(doer->comm, sizeof(doer->comm)))));
	if (doer->processes > 1)
		return bw_buf_addf(out, "' (%" PRIu32 " processes, user %" PRIu32 ")", doer->processes, doer->uid);
	return bw_buf_addf(out, "' (process %" PRIu32 ", user %" PRIu32 ")", doer->pid, doer->uid);
}

enum bw_err bw_doers_say(const struct bw_doers *doers, const struct bw_actor *actor, struct bw_buf *out)
{
	if (!bw_doers_tell(doers, actor))
		return bw_actor_say(actor, out);
	for (size_t i = 0; i < doers->count; i++) {
		if (i > 0)
			BW_TRY(bw_buf_add_text(out, i + 1 == doers->count && doers->more == 0 ? " and " : ", "));
		BW_TRY(say_one(&doers->list[i], out));
	}
	if (doers->more > 0)
		BW_TRY(bw_buf_add_text(out, " and others"));
	if (actor->kind == BW_ACTOR_NONE)
		return BW_OK;
	BW_TRY(bw_buf_add_text(out, ", of "));
	return bw_actor_say(actor, out);
}

static bool is_said(const struct bw_doers *doers, size_t at)
{
	for (size_t i = 0; i < at; i++) {
		if (doers->list[i].uid == doers->list[at].uid)
			return true;
	}
	return false;
}

enum bw_err bw_doers_users(const struct bw_doers *doers, struct bw_buf *out)
{
	for (size_t i = 0; i < doers->count; i++) {
		if (!is_said(doers, i))
			BW_TRY(bw_buf_addf(out, "%s%" PRIu32, i > 0 ? ", " : "", doers->list[i].uid));
	}
	return BW_OK;
}
