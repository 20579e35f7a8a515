#include "guard/held.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/text.h"
#include "codec/json_text.h"
#include "guard/freezer.h"
#include "guard/lineage_proc.h"
#include "guard/plain.h"
#include "sys/clock.h"
#include "sys/files.h"

enum { SHOWN = 20, PAGE_BYTES = 16 * 1024 * 1024 };

/* ---- gathering ------------------------------------------------------------------------------- */

struct look {
	int proc;
	int root; /* of the cgroups; -1: none */
};

static bool stands_still(const struct look *look, struct bw_hold *hold)
{
	const int proc = look->proc;
	struct bw_process process;

	if (bw_process_read(proc, hold->deed.held.pid, &process) != BW_OK || !process.alive)
		return false;
	hold->is_frozen = look->root >= 0 && bw_freezer_has(look->root, proc, hold->deed.held.pid);
	if (!hold->is_frozen && !process.stopped)
		return false;
	if (hold->deed.held.start_ns != 0 && !bw_process_same_start(process.start_ns, hold->deed.held.start_ns))
		return false;
	bw_process_read_more(proc, &process);
	hold->uid = process.uid;
	memcpy(hold->comm, process.comm, sizeof(hold->comm));
	return true;
}

/* The kernel ends an address's time by itself; a process and an account wait for the guard. */
static bool is_so(const struct look *look, int64_t now_us, struct bw_hold *hold)
{
	switch (hold->deed.kind) {
	case BW_DEED_HELD:
		return stands_still(look, hold);
	case BW_DEED_KEEP_OUT:
		return hold->deed.until_us > now_us;
	default:
		return true;
	}
}

static enum bw_err read_book(const char *data, struct bw_hand_book *out)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf text = BW_BUF_INIT(BW_HAND_BOOK_BYTES);
	char path[BW_PATH_BYTES];
	enum bw_err err;

	BW_TRY(bw_path_join(path, data, "guard/hand"));
	err = bw_file_read(path, &text, NULL);
	if (err == BW_ERR_NOT_FOUND)
		return BW_OK;
	BW_TRY(err);
	return bw_hand_book_read(bw_buf_slice(&text), bw_clock_now_us(), out);
}

static enum bw_err see(const struct bw_hand_book *book, struct bw_holds *out)
{
	const int64_t now_us = bw_clock_now_us();
	struct look look = { open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC), -1 };

	BW_NEED(look.proc >= 0, IO);
	if (bw_cgroup_root(&look.root) != BW_OK)
		look.root = -1;
	out->list = calloc(book->count + 1, sizeof(*out->list));
	for (size_t i = 0; i < book->count && out->list != NULL; i++) {
		struct bw_hold *hold = &out->list[out->count];

		*hold = (struct bw_hold){ .deed = book->deeds[i] };
		if (!is_so(&look, now_us, hold))
			continue;
		out->still += hold->deed.kind == BW_DEED_HELD || hold->deed.kind == BW_DEED_FREEZE;
		out->count++;
	}
	(void)close(look.proc);
	if (look.root >= 0)
		(void)close(look.root);
	return out->list != NULL ? BW_OK : BW_ERR_MEMORY;
}

enum bw_err bw_holds_load(const char *data, struct bw_holds *out)
{
	struct bw_hand_book book;
	enum bw_err err;

	*out = (struct bw_holds){ 0 };
	BW_TRY(bw_hand_book_init(&book));
	err = read_book(data, &book);
	if (err == BW_OK)
		err = see(&book, out);
	bw_hand_book_release(&book);
	return err;
}

void bw_holds_release(struct bw_holds *holds)
{
	free(holds->list);
	*holds = (struct bw_holds){ 0 };
}

/* ---- words ----------------------------------------------------------------------------------------- */

static enum bw_err add_subject(const struct bw_hold *hold, struct bw_buf *out)
{
	char address[BW_ADDRESS_TEXT_BYTES];

	switch (hold->deed.kind) {
	case BW_DEED_HELD:
		BW_TRY(bw_buf_addf(out, "process %u (", hold->deed.held.pid));
		BW_TRY(bw_text_escape(out, bw_slice_text(hold->comm)));
		return bw_buf_addf(out, ") of user %u stands still%s", hold->uid,
				   hold->is_frozen ? "" : ", by a signal that its user may undo,");
	case BW_DEED_FREEZE:
		return bw_buf_addf(out, "the unit with cgroup %llu stands still",
				   (unsigned long long)hold->deed.cgroup);
	case BW_DEED_USER:
		BW_TRY(bw_buf_add_text(out, "Samba's account "));
		BW_TRY(bw_text_escape(out, bw_slice_text(hold->deed.user)));
		return bw_buf_add_text(out, " is disabled");
	default:
		bw_address_write(&hold->deed.address, address);
		return bw_buf_addf(out, "%s is kept out", address);
	}
}

static enum bw_err add_line(const struct bw_hold *hold, struct bw_buf *out)
{
	char until[BW_PLAIN_BYTES];

	BW_TRY(bw_buf_add_text(out, "Held       "));
	BW_TRY(add_subject(hold, out));
	BW_TRY(bw_buf_addf(out,
			   " until %s, for incident %llu\n"
			   "           to let go: breakwater guard approve %llu",
			   bw_plain_time(hold->deed.until_us, until), (unsigned long long)hold->deed.incident,
			   (unsigned long long)hold->deed.incident));
	if (hold->deed.kind == BW_DEED_HELD)
		BW_TRY(bw_buf_addf(out, "; to end it: kill -KILL %u", hold->deed.held.pid));
	return bw_buf_add_u8(out, '\n');
}

enum bw_err bw_holds_text(const struct bw_holds *holds, uint64_t incident, struct bw_buf *out)
{
	size_t shown = 0;
	size_t more = 0;

	for (size_t i = 0; i < holds->count; i++) {
		if (incident != 0 && holds->list[i].deed.incident != incident)
			continue;
		if (shown == SHOWN) {
			more++;
			continue;
		}
		BW_TRY(add_line(&holds->list[i], out));
		shown++;
	}
	return more == 0 ? BW_OK : bw_buf_addf(out, "           and %zu more (--format json names all)\n", more);
}

static enum bw_err json_subject(const struct bw_hold *hold, struct bw_buf *out)
{
	char address[BW_ADDRESS_TEXT_BYTES];

	switch (hold->deed.kind) {
	case BW_DEED_HELD:
		BW_TRY(bw_json_add_text(out, "what", BW_LIT("process")));
		BW_TRY(bw_json_add_num(out, "pid", hold->deed.held.pid));
		BW_TRY(bw_json_add_text(out, "program", bw_slice_text(hold->comm)));
		BW_TRY(bw_json_add_text(out, "by", hold->is_frozen ? BW_LIT("freezer") : BW_LIT("signal")));
		return bw_json_add_num(out, "uid", hold->uid);
	case BW_DEED_FREEZE:
		BW_TRY(bw_json_add_text(out, "what", BW_LIT("unit")));
		return bw_json_add_num(out, "cgroup", (int64_t)hold->deed.cgroup);
	case BW_DEED_USER:
		BW_TRY(bw_json_add_text(out, "what", BW_LIT("account")));
		return bw_json_add_text(out, "user", bw_slice_text(hold->deed.user));
	default:
		bw_address_write(&hold->deed.address, address);
		BW_TRY(bw_json_add_text(out, "what", BW_LIT("address")));
		return bw_json_add_text(out, "address", bw_slice_text(address));
	}
}

static enum bw_err json_hold(const struct bw_hold *hold, struct bw_buf *out)
{
	char command[64];

	BW_TRY(bw_buf_add_u8(out, '{'));
	BW_TRY(json_subject(hold, out));
	BW_TRY(bw_json_add_num(out, "incident", (int64_t)hold->deed.incident));
	BW_TRY(bw_plain_json_time(out, "until", hold->deed.until_us));
	(void)snprintf(command, sizeof(command), "breakwater guard approve %llu",
		       (unsigned long long)hold->deed.incident);
	BW_TRY(bw_json_add_text(out, "let_go", bw_slice_text(command)));
	if (hold->deed.kind == BW_DEED_HELD) {
		(void)snprintf(command, sizeof(command), "kill -KILL %u", hold->deed.held.pid);
		BW_TRY(bw_json_add_text(out, "end", bw_slice_text(command)));
	}
	return bw_buf_add_u8(out, '}');
}

enum bw_err bw_holds_json(const struct bw_holds *holds, uint64_t incident, struct bw_buf *out)
{
	bool first = true;

	BW_TRY(bw_buf_add_u8(out, '['));
	for (size_t i = 0; i < holds->count; i++) {
		if (incident != 0 && holds->list[i].deed.incident != incident)
			continue;
		if (!first)
			BW_TRY(bw_buf_add_u8(out, ','));
		first = false;
		BW_TRY(json_hold(&holds->list[i], out));
	}
	return bw_buf_add_u8(out, ']');
}

void bw_holds_print(const char *data, uint64_t incident)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf page = BW_BUF_INIT(PAGE_BYTES);
	struct bw_holds holds;

	if (bw_holds_load(data, &holds) == BW_OK && bw_holds_text(&holds, incident, &page) == BW_OK && page.len > 0)
		(void)printf("It stays so for whoever was stopped:\n%s", bw_buf_text(&page));
	bw_holds_release(&holds);
}
