#include "tlog/trust.h"

#include <stdlib.h>

#include "base/num.h"
#include "base/text.h"

enum {
	MEMBERS_MAX = BW_TRUST_WITNESSES_MAX + BW_TRUST_GROUPS_MAX,
	NONE = MEMBERS_MAX, /* in place of a member: no witness is asked for */
	UNSET = NONE + 1,
};

/* A member is the number of a witness, or BW_TRUST_WITNESSES_MAX and the number of a group. */
struct group {
	struct bw_slice name;
	unsigned needs;
	unsigned count;
	uint16_t members[MEMBERS_MAX];
};

struct bw_trust {
	uint8_t *text;
	size_t log_count;
	size_t witness_count;
	size_t group_count;
	unsigned quorum; /* a member, NONE, or UNSET while it is read */
	bool is_member[MEMBERS_MAX];
	struct bw_trust_party logs[BW_TRUST_LOGS_MAX];
	struct bw_trust_party witnesses[BW_TRUST_WITNESSES_MAX];
	struct group groups[BW_TRUST_GROUPS_MAX];
};

void bw_trust_free(struct bw_trust *policy)
{
	if (policy == NULL)
		return;
	free(policy->text);
	free(policy);
}

/* ---- reading ----------------------------------------------------------------------------------------- */

/* The line that is read, and where to complain. */
struct reading {
	struct bw_trust *policy;
	struct bw_slice rest; /* of the line */
	const char *reason;   /* why it was refused */
};

static enum bw_err refuse(struct reading *in, enum bw_err err, const char *reason)
{
	in->reason = reason;
	return err;
}

/* The next item; empty at the end of the line. */
static struct bw_slice take_item(struct reading *in)
{
	struct bw_slice item = bw_slice_trim(in->rest);
	size_t len = 0;

	while (len < item.len && !bw_is_blank(item.ptr[len]))
		len++;
	in->rest = bw_slice_from(item, len);
	return bw_slice_sub(item, 0, len);
}

static unsigned find_name(const struct bw_trust *policy, struct bw_slice name)
{
	for (size_t i = 0; i < policy->witness_count; i++)
		if (bw_slice_equals(policy->witnesses[i].name, name))
			return (unsigned)i;
	for (size_t i = 0; i < policy->group_count; i++)
		if (bw_slice_equals(policy->groups[i].name, name))
			return BW_TRUST_WITNESSES_MAX + (unsigned)i;
	return bw_slice_is(name, "none") ? NONE : UNSET;
}

static bool has_key(const struct bw_trust_party *parties, size_t count, const struct bw_vkey *vkey)
{
	for (size_t i = 0; i < count; i++)
		if (bw_slice_equals(bw_vkey_public(&parties[i].vkey), bw_vkey_public(vkey)))
			return true;
	return false;
}

/* <vkey> [<url>] and the end of the line */
static enum bw_err take_party(struct reading *in, enum bw_note_type other_type, const struct bw_trust_party *known,
			      size_t count, struct bw_trust_party *out)
{
	const enum bw_err err = bw_vkey_parse(take_item(in), &out->vkey);

	if (err != BW_OK)
		return refuse(in, err, "not a verifier key: name+id+base64");
	if (out->vkey.type != BW_COSIGN_MLDSA44 && out->vkey.type != other_type)
		return refuse(in, BW_ERR_TYPE, "a log's key is of type 1 or 6, a witness's of type 4 or 6");
	if (has_key(known, count, &out->vkey))
		return refuse(in, BW_ERR_DUPLICATE, "this key is in the list already");
	out->url = take_item(in);
	if (take_item(in).len > 0)
		return refuse(in, BW_ERR_SYNTAX, "more follows than key and address");
	return BW_OK;
}

static enum bw_err take_log(struct reading *in)
{
	struct bw_trust *policy = in->policy;

	if (policy->log_count == BW_TRUST_LOGS_MAX)
		return refuse(in, BW_ERR_TOO_MANY, "more than 64 logs");
	BW_TRY(take_party(in, BW_NOTE_ED25519, policy->logs, policy->log_count, &policy->logs[policy->log_count]));
	policy->log_count++;
	return BW_OK;
}

static enum bw_err take_new_name(struct reading *in, struct bw_slice *out)
{
	*out = take_item(in);
	if (out->len == 0)
		return refuse(in, BW_ERR_SYNTAX, "a name is missing");
	if (find_name(in->policy, *out) != UNSET)
		return refuse(in, BW_ERR_DUPLICATE, "this name is taken");
	return BW_OK;
}

static enum bw_err take_witness(struct reading *in)
{
	struct bw_trust *policy = in->policy;
	struct bw_trust_party *witness = &policy->witnesses[policy->witness_count];

	if (policy->witness_count == BW_TRUST_WITNESSES_MAX)
		return refuse(in, BW_ERR_TOO_MANY, "more than 64 witnesses");
	BW_TRY(take_new_name(in, &witness->name));
	BW_TRY(take_party(in, BW_COSIGN_ED25519, policy->witnesses, policy->witness_count, witness));
	policy->witness_count++;
	return BW_OK;
}

static enum bw_err take_members(struct reading *in, struct group *group)
{
	struct bw_trust *policy = in->policy;
	struct bw_slice name;

	group->count = 0;
	while ((name = take_item(in)).len > 0) {
		const unsigned member = find_name(policy, name);

		if (member >= MEMBERS_MAX)
			return refuse(in, BW_ERR_NOT_FOUND, "no witness or group of this name stands above");
		if (policy->is_member[member]) /* so there is one way only in which a witness counts */
			return refuse(in, BW_ERR_DUPLICATE, "a name can be a member once");
		policy->is_member[member] = true;
		group->members[group->count++] = (uint16_t)member;
	}
	return group->count > 0 ? BW_OK : refuse(in, BW_ERR_SYNTAX, "a group has one member at least");
}

static enum bw_err take_group(struct reading *in)
{
	struct bw_trust *policy = in->policy;
	struct group *group = &policy->groups[policy->group_count];
	struct bw_slice threshold;
	uint64_t needs = 1;

	if (policy->group_count == BW_TRUST_GROUPS_MAX)
		return refuse(in, BW_ERR_TOO_MANY, "more than 64 groups");
	BW_TRY(take_new_name(in, &group->name));
	threshold = take_item(in);
	BW_TRY(take_members(in, group));
	if (bw_slice_is(threshold, "all"))
		needs = group->count;
	else if (!bw_slice_is(threshold, "any") &&
		 (bw_size_parse(threshold, &needs) != BW_OK || needs < 1 || needs > group->count))
		return refuse(in, BW_ERR_SYNTAX, "how many: all, any, or a number of its members");
	group->needs = (unsigned)needs;
	policy->group_count++;
	return BW_OK;
}

static enum bw_err take_quorum(struct reading *in)
{
	const struct bw_slice name = take_item(in);
	const unsigned member = find_name(in->policy, name);

	if (in->policy->quorum != UNSET)
		return refuse(in, BW_ERR_DUPLICATE, "a policy has one quorum");
	if (name.len == 0 || take_item(in).len > 0)
		return refuse(in, BW_ERR_SYNTAX, "a quorum is one name");
	if (member == UNSET)
		return refuse(in, BW_ERR_NOT_FOUND, "no witness or group of this name stands above");
	in->policy->quorum = member;
	return BW_OK;
}

static enum bw_err take_line(struct reading *in)
{
	static const struct keyword {
		const char *word;
		enum bw_err (*take)(struct reading *in);
	} keywords[] = {
		{ "log", take_log },
		{ "witness", take_witness },
		{ "group", take_group },
		{ "quorum", take_quorum },
	};
	struct bw_slice word;

	for (size_t i = 0; i < in->rest.len; i++)
		if ((in->rest.ptr[i] < 0x20 && in->rest.ptr[i] != '\t') || in->rest.ptr[i] == 0x7f)
			return refuse(in, BW_ERR_SYNTAX, "a control character");
	word = take_item(in);
	if (word.len == 0 || word.ptr[0] == '#')
		return BW_OK;
	for (size_t i = 0; i < BW_COUNT(keywords); i++)
		if (bw_slice_is(word, keywords[i].word))
			return keywords[i].take(in);
	return refuse(in, BW_ERR_SYNTAX, "a line begins with log, witness, group or quorum");
}

static enum bw_err read_lines(struct bw_trust *policy, struct bw_slice text, struct bw_fault *fault)
{
	struct bw_slice rest = text;

	policy->quorum = UNSET;
	while (rest.len > 0) {
		const size_t at = text.len - rest.len;
		struct reading in = { policy, rest, NULL };
		enum bw_err err;

		/* the last line may lack its newline */
		if (!bw_slice_cut(rest, '\n', &in.rest, &rest))
			rest = bw_slice_empty;
		err = take_line(&in);
		if (err != BW_OK)
			return bw_fault_set(fault, err, at, in.reason);
	}
	if (policy->quorum == UNSET)
		return bw_fault_set(fault, BW_ERR_MISSING, text.len, "there is no quorum; with none: quorum none");
	return BW_OK;
}

enum bw_err bw_trust_parse(struct bw_slice text, struct bw_fault *fault, struct bw_trust **out)
{
	struct bw_trust *policy;
	enum bw_err err = BW_ERR_MEMORY;

	if (text.len > BW_TRUST_BYTES_MAX)
		return bw_fault_set(fault, BW_ERR_TOO_BIG, 0, "more than 512 kB");
	policy = calloc(1, sizeof(*policy));
	if (policy != NULL)
		policy->text = malloc(text.len + 1);
	if (policy != NULL && policy->text != NULL) {
		memcpy(policy->text, text.ptr, text.len);
		err = read_lines(policy, bw_slice_of(policy->text, text.len), fault);
	}
	if (err != BW_OK) {
		bw_trust_free(policy);
		return err == BW_ERR_MEMORY ? bw_fault_set(fault, err, 0, "out of memory") : err;
	}
	*out = policy;
	return BW_OK;
}

size_t bw_trust_log_count(const struct bw_trust *policy)
{
	return policy->log_count;
}

const struct bw_trust_party *bw_trust_log(const struct bw_trust *policy, size_t i)
{
	return &policy->logs[i];
}

size_t bw_trust_witness_count(const struct bw_trust *policy)
{
	return policy->witness_count;
}

const struct bw_trust_party *bw_trust_witness(const struct bw_trust *policy, size_t i)
{
	return &policy->witnesses[i];
}

/* ---- judging --------------------------------------------------------------------------------------------- */

bool bw_trust_quorum(const struct bw_trust *policy, const bool *is_cosigned)
{
	bool has[MEMBERS_MAX] = { false };

	if (policy->quorum == NONE)
		return true;
	memcpy(has, is_cosigned, policy->witness_count * sizeof(has[0]));
	/* members stand above their group, so they are decided before it */
	for (size_t i = 0; i < policy->group_count; i++) {
		const struct group *group = &policy->groups[i];
		unsigned count = 0;

		for (unsigned j = 0; j < group->count; j++)
			count += has[group->members[j]];
		has[BW_TRUST_WITNESSES_MAX + i] = count >= group->needs;
	}
	return has[policy->quorum];
}

/* NOT_FOUND: not signed by it, or it is the log of another origin. */
static enum bw_err check_log(const struct bw_vkey *vkey, const struct bw_checkpoint *checkpoint,
			     struct bw_trust_result *result)
{
	uint64_t time;

	BW_NEED(bw_slice_equals(bw_vkey_name(vkey), checkpoint->origin), NOT_FOUND);
	BW_TRY(bw_checkpoint_verify(checkpoint, vkey, &time));
	result->log = vkey;
	return BW_OK;
}

static enum bw_err check_logs(const struct bw_trust *policy, const struct bw_vkey *log,
			      const struct bw_checkpoint *checkpoint, struct bw_trust_result *result)
{
	enum bw_err err = log == NULL ? BW_ERR_NOT_FOUND : check_log(log, checkpoint, result);

	for (size_t i = 0; i < policy->log_count && (err == BW_OK || err == BW_ERR_NOT_FOUND); i++) {
		const enum bw_err one = check_log(&policy->logs[i].vkey, checkpoint, result);

		if (one != BW_ERR_NOT_FOUND)
			err = one;
	}
	return err == BW_ERR_NOT_FOUND ? BW_ERR_DENIED : err;
}

enum bw_err bw_trust_check(const struct bw_trust *policy, const struct bw_vkey *log,
			   const struct bw_checkpoint *checkpoint, struct bw_trust_result *out)
{
	struct bw_trust_result result = { 0 };

	BW_TRY(check_logs(policy, log, checkpoint, &result));
	for (size_t i = 0; i < policy->witness_count; i++) {
		const enum bw_err err = bw_checkpoint_verify(checkpoint, &policy->witnesses[i].vkey, &result.times[i]);

		if (err != BW_OK && err != BW_ERR_NOT_FOUND)
			return err;
		result.is_cosigned[i] = err == BW_OK;
		result.cosigned += err == BW_OK;
	}
	if (out != NULL)
		*out = result;
	return bw_trust_quorum(policy, result.is_cosigned) ? BW_OK : BW_ERR_MISSING;
}

enum bw_err bw_trust_check_all(const struct bw_trust *policy, const struct bw_checkpoint *checkpoint,
			       struct bw_trust_result *out)
{
	uint64_t time;

	for (size_t i = 0; i < policy->log_count; i++) {
		const struct bw_vkey *vkey = &policy->logs[i].vkey;
		enum bw_err err;

		if (!bw_slice_equals(bw_vkey_name(vkey), checkpoint->origin))
			continue;
		err = bw_checkpoint_verify(checkpoint, vkey, &time);
		if (err != BW_OK)
			return err == BW_ERR_NOT_FOUND ? BW_ERR_DENIED : err;
	}
	return bw_trust_check(policy, NULL, checkpoint, out); /* DENIED where there was no such key */
}
