#include "guard/meta.h"

#include <errno.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/cursor.h"

enum {
	META_VERSION = 1,
	NAMES_BYTES = 16 * 1024,
	VALUE_BYTES = 64 * 1024, /* the kernel's limit */
	TARGET_BYTES = 4096,
};

/* ---- bytes ----------------------------------------------------------------------------- */

static enum bw_err write_time(const struct timespec *time, struct bw_buf *out)
{
	BW_TRY(bw_buf_add_be64(out, (uint64_t)time->tv_sec));
	return bw_buf_add_be32(out, (uint32_t)time->tv_nsec);
}

static enum bw_err write_head(const struct bw_meta *meta, struct bw_buf *out)
{
	BW_NEED(meta->target.len <= TARGET_BYTES, TOO_BIG);
	BW_TRY(bw_buf_add_u8(out, META_VERSION));
	BW_TRY(bw_buf_add_be32(out, meta->mode));
	BW_TRY(bw_buf_add_be32(out, meta->uid));
	BW_TRY(bw_buf_add_be32(out, meta->gid));
	BW_TRY(bw_buf_add_be32(out, meta->links));
	BW_TRY(bw_buf_add_be32(out, meta->flags));
	BW_TRY(write_time(&meta->atime, out));
	BW_TRY(write_time(&meta->mtime, out));
	BW_TRY(bw_buf_add_be16(out, (uint16_t)meta->target.len));
	return bw_buf_add(out, bw_slice_of(meta->target.ptr, meta->target.len));
}

static enum bw_err write_attribute(const struct bw_attribute *attribute, struct bw_buf *out)
{
	BW_NEED(attribute->name.len <= UINT8_MAX && attribute->value.len <= VALUE_BYTES, TOO_BIG);
	BW_TRY(bw_buf_add_u8(out, (uint8_t)attribute->name.len));
	BW_TRY(bw_buf_add(out, attribute->name));
	BW_TRY(bw_buf_add_be32(out, (uint32_t)attribute->value.len));
	return bw_buf_add(out, attribute->value);
}

enum bw_err bw_meta_write(const struct bw_meta *meta, struct bw_buf *out)
{
	BW_TRY(write_head(meta, out));
	BW_TRY(bw_buf_add_be16(out, (uint16_t)meta->attribute_count));
	for (size_t i = 0; i < meta->attribute_count; i++)
		BW_TRY(write_attribute(&meta->attributes[i], out));
	return BW_OK;
}

static enum bw_err take_time(struct bw_cursor *c, struct timespec *out)
{
	uint64_t seconds;
	uint32_t nanos;

	BW_TRY(bw_take_be64(c, &seconds));
	BW_TRY(bw_take_be32(c, &nanos));
	BW_NEED(nanos < 1000000000, RANGE);
	out->tv_sec = (time_t)seconds;
	out->tv_nsec = (long)nanos;
	return BW_OK;
}

static enum bw_err take_attribute(struct bw_cursor *c, struct bw_attribute *out)
{
	uint32_t value_len;
	uint8_t name_len;

	BW_TRY(bw_take_u8(c, &name_len));
	BW_NEED(name_len > 0, SYNTAX);
	BW_TRY(bw_take(c, name_len, &out->name));
	BW_NEED(memchr(out->name.ptr, 0, out->name.len) == NULL, SYNTAX);
	BW_TRY(bw_take_be32(c, &value_len));
	BW_NEED(value_len <= VALUE_BYTES, TOO_BIG);
	return bw_take(c, value_len, &out->value);
}

static enum bw_err take_head(struct bw_cursor *c, struct bw_meta *out)
{
	uint16_t target_len;
	uint8_t version;

	BW_TRY(bw_take_u8(c, &version));
	BW_NEED(version == META_VERSION, VERSION);
	BW_TRY(bw_take_be32(c, &out->mode));
	BW_TRY(bw_take_be32(c, &out->uid));
	BW_TRY(bw_take_be32(c, &out->gid));
	BW_TRY(bw_take_be32(c, &out->links));
	BW_TRY(bw_take_be32(c, &out->flags));
	BW_TRY(take_time(c, &out->atime));
	BW_TRY(take_time(c, &out->mtime));
	BW_TRY(bw_take_be16(c, &target_len));
	BW_NEED(target_len <= TARGET_BYTES, TOO_BIG);
	return bw_take(c, target_len, &out->target);
}

enum bw_err bw_meta_parse(struct bw_slice bytes, struct bw_meta *out)
{
	struct bw_cursor c = bw_cursor_over(bytes);
	struct bw_meta meta = { 0 };
	uint16_t count;

	BW_TRY(take_head(&c, &meta));
	BW_TRY(bw_take_be16(&c, &count));
	BW_NEED(count <= BW_META_ATTRIBUTES_MAX, TOO_MANY);
	for (; meta.attribute_count < count; meta.attribute_count++)
		BW_TRY(take_attribute(&c, &meta.attributes[meta.attribute_count]));
	BW_NEED(bw_cursor_left(&c) == 0, SYNTAX);
	*out = meta;
	return BW_OK;
}

/* ---- from a file -------------------------------------------------------------------------- */

/* XFS shows POSIX ACLs a second time under these names; what is set and removed is system.posix_acl_*. */
static bool is_shown_twice(const char *name)
{
	return strncmp(name, "trusted.SGI_ACL_", strlen("trusted.SGI_ACL_")) == 0;
}

static enum bw_err read_attributes(int fd, struct bw_meta *meta, struct bw_buf *values, bool *out_whole)
{
	static char names[NAMES_BYTES]; /* one thread reads; too large for a stack of a worker */
	const ssize_t len = flistxattr(fd, names, sizeof(names));
	size_t starts[BW_META_ATTRIBUTES_MAX];

	if (len < 0 && errno != ENOTSUP)
		*out_whole = false;
	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		ssize_t got;

		if (is_shown_twice(names + at))
			continue;
		if (meta->attribute_count == BW_META_ATTRIBUTES_MAX || bw_buf_reserve(values, VALUE_BYTES) != BW_OK) {
			*out_whole = false;
			break;
		}
		got = fgetxattr(fd, names + at, values->ptr + values->len, VALUE_BYTES);
		if (got < 0) {
			*out_whole = false;
			continue;
		}
		starts[meta->attribute_count] = values->len;
		meta->attributes[meta->attribute_count++] = (struct bw_attribute){ bw_slice_text(names + at),
										   { values->ptr, (size_t)got } };
		values->len += (size_t)got;
	}
	for (size_t i = 0; i < meta->attribute_count; i++) /* the buffer may have moved while it grew */
		meta->attributes[i].value = bw_slice_of(values->ptr + starts[i], meta->attributes[i].value.len);
	return BW_OK;
}

static enum bw_err read_target(int fd, char *target, struct bw_meta *meta)
{
	const ssize_t len = readlinkat(fd, "", target, TARGET_BYTES);

	if (len < 0)
		return bw_err_from_errno(errno);
	meta->target = bw_slice_of(target, (size_t)len);
	return BW_OK;
}

enum bw_err bw_meta_read(int fd, const struct stat *status, struct bw_buf *out, bool *out_whole)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf values = BW_BUF_INIT((size_t)BW_META_BYTES_MAX + VALUE_BYTES);
	static char target[TARGET_BYTES];
	struct bw_meta meta = { .mode = status->st_mode,
				.uid = status->st_uid,
				.gid = status->st_gid,
				.links = (uint32_t)status->st_nlink,
				.atime = status->st_atim,
				.mtime = status->st_mtim };
	int flags;

	*out_whole = true;
	if (S_ISLNK(status->st_mode)) {
		BW_TRY(read_target(fd, target, &meta));
	} else {
		if (ioctl(fd, FS_IOC_GETFLAGS, &flags) == 0)
			meta.flags = (uint32_t)flags;
		BW_TRY(read_attributes(fd, &meta, &values, out_whole));
	}
	return bw_meta_write(&meta, out);
}

/* ---- to a file -------------------------------------------------------------------------------- */

static enum bw_err note(enum bw_err so_far, struct bw_why *why, int result, const char *what)
{
	if (result == 0 || so_far != BW_OK)
		return so_far;
	return bw_why_errno(why, errno, "set", what);
}

static enum bw_err drop_others(int fd, const struct bw_meta *meta, struct bw_why *why)
{
	static char names[NAMES_BYTES];
	const ssize_t len = flistxattr(fd, names, sizeof(names));
	enum bw_err err = BW_OK;

	for (ssize_t at = 0; at < len; at += (ssize_t)strlen(names + at) + 1) {
		bool wanted = false;

		for (size_t i = 0; i < meta->attribute_count && !wanted; i++)
			wanted = bw_slice_is(meta->attributes[i].name, names + at);
		if (!wanted && !is_shown_twice(names + at))
			err = note(err, why, fremovexattr(fd, names + at), names + at);
	}
	return err;
}

static enum bw_err set_attributes(int fd, const struct bw_meta *meta, struct bw_why *why)
{
	enum bw_err err = drop_others(fd, meta, why);

	for (size_t i = 0; i < meta->attribute_count; i++) {
		const struct bw_attribute *attribute = &meta->attributes[i];
		char name[UINT8_MAX + 1];

		memcpy(name, attribute->name.ptr, attribute->name.len);
		name[attribute->name.len] = '\0';
		if (is_shown_twice(name)) /* in catalogues of before */
			continue;
		err = note(err, why, fsetxattr(fd, name, attribute->value.ptr, attribute->value.len, 0), name);
	}
	return err;
}

enum bw_err bw_meta_apply(int fd, const struct bw_meta *meta, struct bw_why *why)
{
	const struct timespec times[2] = { meta->atime, meta->mtime };
	enum bw_err err;

	/* owner first: a change of owner takes setuid and capabilities away again */
	err = note(BW_OK, why, fchown(fd, meta->uid, meta->gid), "owner");
	err = note(err, why, fchmod(fd, meta->mode & 07777), "mode");
	if (err == BW_OK)
		err = set_attributes(fd, meta, why);
	return note(err, why, futimens(fd, times), "times");
}

/* ---- comparing -------------------------------------------------------------------------------- */

static bool has_attribute(const struct bw_meta *meta, const struct bw_attribute *wanted)
{
	for (size_t i = 0; i < meta->attribute_count; i++) {
		if (bw_slice_equals(meta->attributes[i].name, wanted->name))
			return bw_slice_equals(meta->attributes[i].value, wanted->value);
	}
	return false;
}

const char *bw_meta_differs(const struct bw_meta *a, const struct bw_meta *b)
{
	if (a->mode != b->mode)
		return "mode";
	if (a->uid != b->uid || a->gid != b->gid)
		return "owner";
	if (a->mtime.tv_sec != b->mtime.tv_sec || a->mtime.tv_nsec != b->mtime.tv_nsec)
		return "time";
	if (!bw_slice_equals(a->target, b->target))
		return "link target";
	if (a->attribute_count != b->attribute_count)
		return "extended attributes";
	for (size_t i = 0; i < a->attribute_count; i++) {
		if (!has_attribute(b, &a->attributes[i]))
			return "extended attributes";
	}
	return NULL;
}
