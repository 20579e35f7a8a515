#include "guard/approval.h"

enum { APPROVAL_VERSION = 1 };

static const char magic[] = "BWGA";

/* As the beginning of a name: "python3.11" is one of them. */
static const char *const interpreters[] = {
	"sh",   "bash", "dash", "zsh", "ksh",  "fish", "busybox", "python",
	"perl", "ruby", "node", "php", "java", "lua",  "pwsh",
};

enum bw_err bw_approval_write(const struct bw_approval *approval, struct bw_buf *out)
{
	BW_NEED(approval->program_count <= BW_APPROVAL_PROGRAMS_MAX, TOO_MANY);
	BW_TRY(bw_buf_add_text(out, magic));
	BW_TRY(bw_buf_add_u8(out, APPROVAL_VERSION));
	BW_TRY(bw_buf_add_be64(out, approval->incident));
	BW_TRY(bw_buf_add_be64(out, (uint64_t)approval->until_us));
	BW_TRY(bw_buf_add_u8(out, (uint8_t)approval->kind));
	BW_TRY(bw_buf_add_be32(out, approval->uid));
	BW_TRY(bw_buf_add_be64(out, approval->cgroup));
	BW_TRY(bw_buf_add_block(out, bw_slice_text(approval->user)));
	BW_TRY(bw_buf_add_block(out, bw_slice_text(approval->address)));
	BW_TRY(bw_buf_add_u8(out, approval->program_count));
	for (size_t i = 0; i < approval->program_count; i++)
		BW_TRY(bw_buf_add(out, bw_slice_of(approval->programs[i], BW_COMM_BYTES)));
	return BW_OK;
}

static enum bw_err take_text(struct bw_cursor *c, char *out, size_t size)
{
	struct bw_slice text;

	BW_TRY(bw_take_block(c, size - 1, &text));
	BW_NEED(memchr(text.ptr, 0, text.len) == NULL, SYNTAX);
	memcpy(out, text.ptr, text.len);
	return BW_OK;
}

static enum bw_err take_programs(struct bw_cursor *c, struct bw_approval *out)
{
	struct bw_slice name;

	BW_TRY(bw_take_u8(c, &out->program_count));
	BW_NEED(out->program_count <= BW_APPROVAL_PROGRAMS_MAX, TOO_MANY);
	for (size_t i = 0; i < out->program_count; i++) {
		BW_TRY(bw_take(c, BW_COMM_BYTES, &name));
		BW_NEED(name.ptr[0] != 0 && name.ptr[BW_COMM_BYTES - 1] == 0, RANGE);
		memcpy(out->programs[i], name.ptr, BW_COMM_BYTES);
	}
	return BW_OK;
}

enum bw_err bw_approval_parse(struct bw_slice bytes, struct bw_approval *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_approval approval = { 0 };
	struct bw_slice mark;
	uint64_t until;
	uint8_t version;
	uint8_t kind;

	BW_TRY(bw_take(&c, sizeof(magic) - 1, &mark));
	BW_NEED(bw_slice_is(mark, magic), SYNTAX);
	BW_TRY(bw_take_u8(&c, &version));
	BW_NEED(version == APPROVAL_VERSION, SCHEMA);
	BW_TRY(bw_take_be64(&c, &approval.incident));
	BW_TRY(bw_take_be64(&c, &until));
	BW_TRY(bw_take_u8(&c, &kind));
	BW_TRY(bw_take_be32(&c, &approval.uid));
	BW_TRY(bw_take_be64(&c, &approval.cgroup));
	BW_TRY(take_text(&c, approval.user, sizeof(approval.user)));
	BW_TRY(take_text(&c, approval.address, sizeof(approval.address)));
	BW_TRY(take_programs(&c, &approval));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	BW_NEED(kind <= BW_ACTOR_SMB && until <= INT64_MAX, RANGE);
	approval.kind = kind;
	approval.until_us = (int64_t)until;
	*out = approval;
	return BW_OK;
}

static bool names(const struct bw_approval *approval, const char comm[BW_COMM_BYTES])
{
	for (size_t i = 0; i < approval->program_count; i++) {
		if (strncmp(approval->programs[i], comm, BW_COMM_BYTES) == 0)
			return true;
	}
	return false;
}

bool bw_approval_covers(const struct bw_approval *approval, const struct bw_actor *actor,
			const struct bw_process_event *process, int64_t wall_us)
{
	if (wall_us >= approval->until_us)
		return false;
	if (approval->kind == BW_ACTOR_SMB)
		return actor->kind == BW_ACTOR_SMB && approval->user[0] != '\0' && approval->address[0] != '\0' &&
		       strcmp(actor->user, approval->user) == 0 && strcmp(actor->address, approval->address) == 0;
	if (approval->kind == BW_ACTOR_UNIT && actor->kind == BW_ACTOR_UNIT && approval->cgroup != 0 &&
	    actor->cgroup == approval->cgroup)
		return true;
	return actor->kind != BW_ACTOR_SMB && process->uid == approval->uid && names(approval, process->comm);
}

bool bw_approval_add_program(struct bw_approval *approval, const char comm[BW_COMM_BYTES])
{
	if (names(approval, comm))
		return true;
	for (size_t i = 0; i < BW_COUNT(interpreters); i++) {
		const size_t len = strlen(interpreters[i]);
		const char next = comm[len < BW_COMM_BYTES ? len : 0];

		/* followed by a version or by nothing: "shred" is no "sh" */
		if (strncmp(comm, interpreters[i], len) == 0 && (next == '\0' || (next >= '0' && next <= '9')))
			return false;
	}
	if (comm[0] == '\0' || approval->program_count == BW_APPROVAL_PROGRAMS_MAX)
		return false;
	memcpy(approval->programs[approval->program_count], comm, BW_COMM_BYTES - 1);
	approval->programs[approval->program_count++][BW_COMM_BYTES - 1] = '\0';
	return true;
}
