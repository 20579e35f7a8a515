#include "guard/dossier.h"

#include "guard/settings.h"

struct bw_slice bw_dossier_name(const struct bw_dossier_file *file)
{
	struct bw_slice path = file->path;
	size_t at = path.len;

	while (at > 0 && path.ptr[at - 1] != '/')
		at--;
	if (path.len > at)
		return bw_slice_from(path, at);
	return bw_slice_of(file->proof.name, file->proof.name_len);
}

void bw_dossier_add_up(const struct bw_dossier *dossier, struct bw_dossier_sum *out)
{
	*out = (struct bw_dossier_sum){ .files = dossier->file_count + dossier->files_more,
					.back = dossier->restored.files,
					.failed = dossier->restored.failed };
	for (size_t i = 0; i < dossier->file_count; i++) {
		const struct bw_dossier_file *file = &dossier->files[i];

		out->kept += file->proof.version != 0;
		out->bytes += bw_content_size(&file->proof.old);
	}
}

void bw_dossier_doers(const struct bw_dossier *dossier, struct bw_doers *out)
{
	*out = (struct bw_doers){ 0 };
	for (size_t i = 0; i < dossier->process_count; i++) {
		const struct bw_dossier_process *process = &dossier->processes[i];
		struct bw_proof proof = { .pid = process->pid, .start_ns = process->start_ns, .uid = process->uid };

		memcpy(proof.comm, process->comm, sizeof(proof.comm));
		bw_doers_add(out, &proof, process->files);
	}
}

static enum bw_err say_doers(const struct bw_doers *doers, struct bw_buf *out)
{
	for (size_t i = 0; i < doers->count; i++) {
		const struct bw_doer *doer = &doers->list[i];

		if (i > 0)
			BW_TRY(bw_buf_add_text(out, i + 1 == doers->count && doers->more == 0 ? " and " : ", "));
		BW_TRY(bw_buf_addf(out, "'%.*s' (", (int)strnlen(doer->comm, sizeof(doer->comm)), doer->comm));
		if (doer->processes > 1)
			BW_TRY(bw_buf_addf(out, "%u processes", doer->processes));
		else
			BW_TRY(bw_buf_addf(out, "process %u", doer->pid));
		BW_TRY(bw_buf_addf(out, ", user number %u)", doer->uid));
	}
	return doers->more > 0 ? bw_buf_add_text(out, " and others") : BW_OK;
}

static enum bw_err say_local(const struct bw_dossier *dossier, struct bw_buf *out)
{
	const struct bw_actor *actor = &dossier->actor;
	struct bw_doers doers;

	bw_dossier_doers(dossier, &doers);
	if (bw_doers_tell(&doers, actor)) {
		BW_TRY(bw_buf_add_text(out, doers.count > 1 ? "the programs " : "the program "));
		BW_TRY(say_doers(&doers, out));
		BW_TRY(bw_buf_add_text(out, " on this server, begun by "));
	} else {
		BW_TRY(bw_buf_add_text(out, "the program "));
	}
	BW_TRY(bw_buf_addf(out, "'%.*s'", (int)strnlen(actor->comm, sizeof(actor->comm)), actor->comm));
	if (!bw_doers_tell(&doers, actor))
		BW_TRY(bw_buf_add_text(out, " on this server"));
	return bw_buf_addf(out, " (process %u, user number %u)", actor->pid, actor->uid);
}

enum bw_err bw_dossier_who(const struct bw_dossier *dossier, struct bw_buf *out)
{
	const struct bw_actor *actor = &dossier->actor;

	switch (actor->kind) {
	case BW_ACTOR_SMB:
		BW_TRY(bw_buf_add_text(out, "a client of the network share"));
		if (actor->user[0] != '\0')
			BW_TRY(bw_buf_addf(out, ", logged in as %s", actor->user));
		return actor->address[0] != '\0' ? bw_buf_addf(out, ", at the address %s", actor->address) : BW_OK;
	case BW_ACTOR_NONE:
		return bw_buf_add_text(out, "somebody who could not be named (as it is with clients of NFS, "
					    "or when several wrote the same files)");
	default:
		return say_local(dossier, out);
	}
}

const char *bw_dossier_done(const struct bw_dossier *dossier)
{
	const bool is_client = dossier->actor.kind == BW_ACTOR_SMB;

	switch (dossier->measure) {
	case BW_MEASURE_KILL:
		return is_client ? "Its connection was ended at once." : "Its processes were ended at once.";
	case BW_MEASURE_FREEZE:
		return is_client ? "Its connection was ended at once."
				 : "Its processes were stopped where they were, and wait for a person's decision.";
	default:
		return dossier->mode == BW_MODE_OBSERVE
			       ? "Nothing was done about it: the guard is set to observe only."
			       : "Nothing was done about it: this class of finding is only observed for now.";
	}
}

static bool is_in_drill(struct bw_slice path)
{
	static const char folder[] = "/breakwater-drill-";

	for (size_t at = 0; at < path.len; at++) {
		if (bw_slice_starts(bw_slice_from(path, at), bw_slice_text(folder)))
			return true;
	}
	return false;
}

static struct bw_slice place_of(const struct bw_dossier_file *file)
{
	return file->path.len > 0 ? file->path : file->path_now;
}

/*
 * Where it lay, or was found to lie when an earlier report was made. What stands for it now may be anywhere: a restore
 * moved it out of the way.
 */
static bool is_of_drill(const struct bw_dossier *dossier, const struct bw_dossier_file *file)
{
	return (file->path.len == 0 && file->record <= dossier->of_drill) || is_in_drill(place_of(file));
}

bool bw_dossier_is_drill(const struct bw_dossier *dossier)
{
	for (size_t i = 0; i < dossier->file_count; i++) {
		if (!is_of_drill(dossier, &dossier->files[i]))
			return false;
	}
	return dossier->file_count > 0 && dossier->files_more == 0;
}

bool bw_dossier_is_no_drill(const struct bw_dossier *dossier)
{
	bool is_known = false;

	for (size_t i = 0; i < dossier->file_count; i++) {
		if (is_of_drill(dossier, &dossier->files[i]))
			return false;
		is_known = is_known || place_of(&dossier->files[i]).len > 0;
	}
	return is_known;
}
