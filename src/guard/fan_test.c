#include "guard/fan.h"

#include <sys/fanotify.h>

#include "base/test.h"

enum { HANDLE_EXT4 = 1 };

/* Records as the kernel writes them. */
struct made {
	uint8_t bytes[4096];
	size_t len;
	size_t record; /* where the newest one begins */
};

static void add(struct made *made, const void *bytes, size_t len)
{
	assert_true(made->len + len <= sizeof(made->bytes));
	if (len > 0) /* a name that is not there has no address */
		memcpy(made->bytes + made->len, bytes, len);
	made->len += len;
}

static void begin_record(struct made *made, uint64_t mask, int pid)
{
	const struct fanotify_event_metadata head = { .event_len = sizeof(head),
						      .vers = FANOTIFY_METADATA_VERSION,
						      .metadata_len = sizeof(head),
						      .mask = mask,
						      .fd = FAN_NOFD,
						      .pid = pid };

	made->record = made->len;
	add(made, &head, sizeof(head));
}

static void end_record(struct made *made)
{
	const uint32_t len = (uint32_t)(made->len - made->record);

	memcpy(made->bytes + made->record, &len, sizeof(len));
}

static void add_piece(struct made *made, uint8_t type, uint32_t inode, const char *name)
{
	static const uint8_t zeros[4] = { 0 };
	const uint32_t fsid[2] = { 7, 8 };
	const uint32_t handle[2] = { inode, 99 };
	const uint32_t handle_bytes = sizeof(handle);
	const int32_t handle_type = HANDLE_EXT4;
	const size_t named = name == NULL ? 0 : strlen(name) + 1;
	const size_t padding = (4 - named % 4) % 4;
	const uint16_t len = (uint16_t)(4 + sizeof(fsid) + 8 + sizeof(handle) + named + padding);
	const uint8_t head[2] = { type, 0 };

	add(made, head, sizeof(head));
	add(made, &len, sizeof(len));
	add(made, fsid, sizeof(fsid));
	add(made, &handle_bytes, sizeof(handle_bytes));
	add(made, &handle_type, sizeof(handle_type));
	add(made, handle, sizeof(handle));
	add(made, name, named);
	add(made, zeros, padding);
}

static uint32_t inode_of(const struct bw_fan_id *id)
{
	uint32_t inode;

	assert_true(id->there);
	assert_int_equal(id->handle.type, HANDLE_EXT4);
	assert_int_equal(id->handle.len, 8);
	memcpy(&inode, id->handle.bytes, sizeof(inode));
	return inode;
}

static struct made a_rename_and_a_close(void)
{
	struct made made = { 0 };

	begin_record(&made, FAN_RENAME, 42);
	add_piece(&made, FAN_EVENT_INFO_TYPE_OLD_DFID_NAME, 10, "plan.docx");
	add_piece(&made, FAN_EVENT_INFO_TYPE_NEW_DFID_NAME, 11, "plan.docx.locked");
	add_piece(&made, FAN_EVENT_INFO_TYPE_FID, 12, NULL);
	end_record(&made);
	begin_record(&made, FAN_CLOSE_WRITE | FAN_DELETE, 43);
	add_piece(&made, FAN_EVENT_INFO_TYPE_DFID_NAME, 10, "b");
	add_piece(&made, FAN_EVENT_INFO_TYPE_FID, 13, NULL);
	end_record(&made);
	return made;
}

static void a_rename_has_two_folders_two_names_and_the_file(void **state)
{
	const struct made made = a_rename_and_a_close();
	struct bw_cursor c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	struct bw_fan_event event;

	(void)state;
	assert_ok(bw_fan_next(&c, &event));
	assert_int_equal(event.pid, 42);
	assert_int_equal(event.mask, FAN_RENAME);
	assert_int_equal(inode_of(&event.folder), 10);
	assert_int_equal(inode_of(&event.folder_to), 11);
	assert_int_equal(inode_of(&event.file), 12);
	assert_int_equal(event.file.fsid[1], 8);
	assert_slice(event.folder.name, "plan.docx");
	assert_slice(event.folder_to.name, "plan.docx.locked");
	assert_ok(bw_fan_next(&c, &event));
	assert_int_equal(event.mask, FAN_CLOSE_WRITE | FAN_DELETE);
	assert_slice(event.folder.name, "b");
	assert_false(event.folder_to.there);
	assert_int_equal(bw_fan_next(&c, &event), BW_ERR_AGAIN);
}

static void every_prefix_is_refused_and_leaves_the_cursor(void **state)
{
	const struct made made = a_rename_and_a_close();
	struct bw_fan_event event;
	uint32_t first;

	(void)state;
	memcpy(&first, made.bytes, sizeof(first));
	for (size_t n = 1; n < first; n++) {
		struct bw_cursor c = bw_cursor_over(bw_slice_of(made.bytes, n));

		assert_int_equal(bw_fan_next(&c, &event), BW_ERR_TRUNCATED);
		assert_int_equal(c.at, 0);
	}
}

static void an_overflow_has_no_file(void **state)
{
	struct bw_fan_event event;
	struct made made = { 0 };
	struct bw_cursor c;

	(void)state;
	begin_record(&made, FAN_Q_OVERFLOW, 0);
	end_record(&made);
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_ok(bw_fan_next(&c, &event));
	assert_true(event.overflow);
	assert_false(event.file.there);
	assert_false(event.folder.there);
}

static void pieces_of_unknown_types_are_passed_over(void **state)
{
	struct bw_fan_event event;
	struct made made = { 0 };
	struct bw_cursor c;

	(void)state;
	begin_record(&made, FAN_MODIFY, 5);
	add_piece(&made, 200, 1, "x");
	add_piece(&made, FAN_EVENT_INFO_TYPE_DFID, 2, NULL);
	add_piece(&made, FAN_EVENT_INFO_TYPE_FID, 3, NULL);
	end_record(&made);
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_ok(bw_fan_next(&c, &event));
	assert_int_equal(inode_of(&event.folder), 2);
	assert_int_equal(inode_of(&event.file), 3);
}

static void lengths_names_and_versions_that_lie_are_refused(void **state)
{
	struct made made = { 0 };
	struct bw_fan_event event;
	struct bw_cursor c;

	(void)state;
	begin_record(&made, FAN_DELETE, 5);
	add_piece(&made, FAN_EVENT_INFO_TYPE_DFID_NAME, 2, "a/b");
	end_record(&made);
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_int_equal(bw_fan_next(&c, &event), BW_ERR_PROTOCOL);

	made = a_rename_and_a_close();
	made.bytes[26] = 2; /* the first piece's length: less than its own head */
	made.bytes[27] = 0;
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_int_equal(bw_fan_next(&c, &event), BW_ERR_PROTOCOL);

	made = a_rename_and_a_close();
	made.bytes[4] = FANOTIFY_METADATA_VERSION + 1;
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_int_equal(bw_fan_next(&c, &event), BW_ERR_VERSION);
	assert_int_equal(c.at, 0);
}

static void a_handle_of_another_kind_of_file_system_leaves_the_part_empty(void **state)
{
	struct made made = { 0 };
	struct bw_fan_event event;
	uint8_t body[4 + 16 + 64] = { FAN_EVENT_INFO_TYPE_FID, 0, sizeof(body), 0 };
	const uint32_t handle_bytes = 64;
	struct bw_cursor c;

	(void)state;
	memcpy(body + 12, &handle_bytes, sizeof(handle_bytes));
	begin_record(&made, FAN_MODIFY, 5);
	add(&made, body, sizeof(body));
	end_record(&made);
	c = bw_cursor_over(bw_slice_of(made.bytes, made.len));
	assert_ok(bw_fan_next(&c, &event));
	assert_false(event.file.there);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_rename_has_two_folders_two_names_and_the_file),
		cmocka_unit_test(every_prefix_is_refused_and_leaves_the_cursor),
		cmocka_unit_test(an_overflow_has_no_file),
		cmocka_unit_test(pieces_of_unknown_types_are_passed_over),
		cmocka_unit_test(lengths_names_and_versions_that_lie_are_refused),
		cmocka_unit_test(a_handle_of_another_kind_of_file_system_leaves_the_part_empty),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
