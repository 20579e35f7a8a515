/* All of it as JSON, for whoever works on the case: nothing left out, nothing made prettier. Names stay as they are. */
#include "base/text.h"
#include "codec/json_text.h"
#include "guard/dossier.h"
#include "guard/plain.h"

static enum bw_err add_digest(struct bw_buf *out, const char *name, const struct bw_digest *digest)
{
	char hex[2 * BW_SHA256_BYTES + 1];

	BW_TRY(bw_json_add_name(out, name));
	if (!digest->is_known)
		return bw_buf_add_text(out, "null");
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "size", (int64_t)digest->size));
	if (digest->is_hashed) {
		bw_hex_encode(bw_slice_of(digest->sha256, sizeof(digest->sha256)), hex);
		BW_TRY(bw_json_add_text(out, "sha256", bw_slice_text(hex)));
	}
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_known(struct bw_buf *out, const char *name, struct bw_slice value)
{
	return value.len == 0 ? BW_OK : bw_json_add_text(out, name, value);
}

static struct bw_slice comm_of(const char comm[BW_COMM_BYTES])
{
	return bw_slice_of(comm, strnlen(comm, BW_COMM_BYTES));
}

static enum bw_err add_tests(struct bw_buf *out, const struct bw_finding *finding)
{
	BW_TRY(bw_json_add_name(out, "tests"));
	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < finding->count; i++) {
		char sentence[256];

		bw_evidence_say(&finding->tests[i], sentence, sizeof(sentence));
		BW_TRY(bw_buf_add_text(out, i > 0 ? ",{" : "{"));
		BW_TRY(bw_json_add_text(out, "test",
					bw_slice_text(bw_test_name((enum bw_test)finding->tests[i].test))));
		BW_TRY(bw_json_add_text(out, "words", bw_slice_text(sentence)));
		BW_TRY(bw_buf_add_u8(out, '}'));
	}
	return bw_buf_add_u8(out, ']');
}

static enum bw_err add_file(struct bw_buf *out, const struct bw_dossier_file *file)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "name", bw_dossier_name(file)));
	BW_TRY(add_known(out, "path", file->path));
	BW_TRY(add_known(out, "path_now", file->path_now));
	BW_TRY(bw_plain_json_time(out, "time", file->proof.wall_us));
	BW_TRY(bw_json_add_text(out, "format", bw_slice_text(bw_format_words((enum bw_format)file->proof.old.format))));
	BW_TRY(bw_json_add_num(out, "inode", (int64_t)file->proof.file.ino));
	BW_TRY(bw_json_add_num(out, "good_version", (int64_t)file->proof.version));
	BW_TRY(bw_json_add_num(out, "pid", file->proof.pid));
	BW_TRY(add_digest(out, "before", &file->before));
	BW_TRY(add_digest(out, "after", &file->after));
	BW_TRY(add_known(out, "sample", bw_slice_text(file->copy)));
	BW_TRY(add_tests(out, &file->finding));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_process(struct bw_buf *out, const struct bw_dossier_process *process)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_num(out, "pid", process->pid));
	BW_TRY(bw_json_add_num(out, "uid", process->uid));
	BW_TRY(bw_json_add_num(out, "started_ns_since_boot", (int64_t)process->start_ns));
	BW_TRY(bw_json_add_text(out, "name", comm_of(process->comm)));
	BW_TRY(bw_json_add_num(out, "files", process->files));
	BW_TRY(add_known(out, "executable", process->program));
	BW_TRY(add_known(out, "command_line", process->command));
	BW_TRY(add_digest(out, "executable_content", &process->image));
	BW_TRY(add_known(out, "copy", bw_slice_text(process->copy)));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_note(struct bw_buf *out, const struct bw_dossier_note *note)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "name", note->name));
	BW_TRY(add_known(out, "path", note->path));
	BW_TRY(bw_json_add_num(out, "folders", note->places));
	BW_TRY(add_digest(out, "content", &note->content));
	BW_TRY(add_known(out, "copy", bw_slice_text(note->copy)));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_step(struct bw_buf *out, const struct bw_dossier_step *step)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_plain_json_time(out, "time", step->wall_us));
	BW_TRY(bw_json_add_text(out, "words", step->words));
	BW_TRY(add_known(out, "undo", step->undo));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_actor(struct bw_buf *out, const struct bw_dossier *d)
{
	static const char *const kinds[] = { "unknown", "processes", "login session", "unit", "samba session" };
	BW_CLEANUP(bw_buf_release) struct bw_buf words = BW_BUF_INIT(4096);

	BW_TRY(bw_dossier_who(d, &words));
	BW_TRY(bw_json_add_name(out, "actor"));
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(bw_json_add_text(out, "kind",
				bw_slice_text(kinds[d->actor.kind < BW_COUNT(kinds) ? d->actor.kind : 0])));
	BW_TRY(bw_json_add_text(out, "words", bw_buf_slice(&words)));
	BW_TRY(add_known(out, "user", bw_slice_text(d->actor.user)));
	BW_TRY(add_known(out, "address", bw_slice_text(d->actor.address)));
	BW_TRY(bw_json_add_num(out, "pid", d->actor.pid));
	BW_TRY(bw_json_add_num(out, "uid", d->actor.uid));
	BW_TRY(bw_json_add_num(out, "session", d->actor.session));
	return bw_buf_add_u8(out, '}');
}

static enum bw_err add_front(struct bw_buf *out, const struct bw_dossier *d)
{
	BW_TRY(bw_json_add_num(out, "incident", (int64_t)d->incident));
	BW_TRY(bw_json_add_num(out, "report", d->number));
	BW_TRY(bw_json_add_text(out, "node", bw_slice_text(d->node)));
	BW_TRY(bw_plain_json_time(out, "made", d->made_us));
	BW_TRY(bw_plain_json_time(out, "first_act", d->began_us));
	BW_TRY(bw_plain_json_time(out, "decided", d->decided_us));
	BW_TRY(bw_plain_json_time(out, "last_act", d->last_us));
	BW_TRY(bw_json_add_text(out, "state", bw_slice_text(bw_incident_state_name(d->state))));
	BW_TRY(bw_json_add_text(out, "gravity", bw_slice_text(bw_gravity_name((enum bw_gravity)d->verdict.gravity))));
	BW_TRY(bw_json_add_text(out, "rule", bw_slice_text(bw_rule_name((enum bw_rule)d->verdict.rule))));
	BW_TRY(bw_json_add_text(out, "done", bw_slice_text(bw_dossier_done(d))));
	BW_TRY(bw_json_add_num(out, "records", d->records));
	BW_TRY(bw_json_add_num(out, "records_left_out", (int64_t)d->left_out));
	BW_TRY(bw_json_add_num(out, "records_unreadable", d->strange));
	BW_TRY(bw_json_add_num(out, "files_not_listed", (int64_t)d->files_more));
	return add_actor(out, d);
}

/* One list of `count` things, each written by `add`. */
#define ADD_LIST(out, name, list, count, add)                                 \
	do {                                                                  \
		BW_TRY(bw_json_add_name((out), (name)));                      \
		BW_TRY(bw_buf_add_u8((out), '['));                            \
		for (size_t n = 0; n < (count); n++) {                        \
			BW_TRY(bw_buf_add_text((out), n > 0 ? ",\n" : "\n")); \
			BW_TRY(add((out), &(list)[n]));                       \
		}                                                             \
		BW_TRY(bw_buf_add_u8((out), ']'));                            \
	} while (0)

enum bw_err bw_dossier_facts(const struct bw_dossier *dossier, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(add_front(out, dossier));
	ADD_LIST(out, "timeline", dossier->steps, dossier->step_count, add_step);
	ADD_LIST(out, "processes", dossier->processes, dossier->process_count, add_process);
	ADD_LIST(out, "files", dossier->files, dossier->file_count, add_file);
	ADD_LIST(out, "notes", dossier->notes, dossier->note_count, add_note);
	return bw_buf_add_text(out, "}\n");
}
