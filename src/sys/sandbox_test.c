#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/fanotify.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys/channel.h"
#include "sys/files.h"
#include "sys/memfile.h"
#include "sys/sandbox.h"

static char folder[] = "/tmp/bw-sandbox-XXXXXX";
static char outside[] = "/tmp/bw-outside-XXXXXX";

static int make_folders(void **state)
{
	(void)state;
	return mkdtemp(folder) == NULL || mkdtemp(outside) == NULL ? -1 : 0;
}

static int remove_folders(void **state)
{
	char path[BW_PATH_BYTES];
	static const char *const names[] = { "f", "g", "sub", "secret" };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(names); i++) {
		if (bw_path_join(path, folder, names[i]) == BW_OK)
			(void)remove(path);
		if (bw_path_join(path, outside, names[i]) == BW_OK)
			(void)remove(path);
	}
	return rmdir(folder) | rmdir(outside);
}

/* What a child that entered the sandbox and then ran `act` ended with; 0 is "all as claimed". */
static int confined(unsigned promises, const struct bw_sandbox_paths *paths, int (*act)(void))
{
	const pid_t child = fork();
	int status;

	if (child == 0) {
		struct bw_sandbox_granted granted;

		if (bw_sandbox_enter(promises, paths, &granted, NULL) != BW_OK || !granted.seccomp)
			_exit(99);
		_exit(act());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

#define CLAIM(claim)                              \
	do {                                      \
		if (!(claim))                     \
			return __LINE__ % 90 + 1; \
	} while (0)

static bool is_refused(long result)
{
	return result < 0 && (errno == EPERM || errno == EACCES);
}

/* ---- COMPUTE ------------------------------------------------------------------- */

static int try_files_and_sockets(void)
{
	const struct sockaddr_in there = { .sin_family = AF_INET, .sin_port = htons(9) };

	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(is_refused(open(folder, O_RDONLY | O_DIRECTORY)));
	CLAIM(is_refused(open("/tmp/bw-new-file", O_WRONLY | O_CREAT, 0600)));
	CLAIM(is_refused(mkdir("/tmp/bw-new-folder", 0700)));
	CLAIM(is_refused(unlink("/tmp/bw-new-file")));
	CLAIM(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
	CLAIM(is_refused(socket(AF_UNIX, SOCK_STREAM, 0)));
	CLAIM(is_refused(connect(0, (const struct sockaddr *)&there, sizeof(there))));
	CLAIM(is_refused(kill(getppid(), 0)));
	CLAIM(mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
	return 0;
}

static void a_worker_that_computes_opens_no_file_and_no_socket(void **state)
{
	(void)state;
	assert_int_equal(confined(BW_MAY_COMPUTE, NULL, try_files_and_sockets), 0);
}

static int try_exec(void)
{
	return execl("/bin/true", "true", (char *)NULL);
}

static int try_fork(void)
{
	return fork() < 0;
}

static int try_ptrace(void)
{
	return (int)ptrace(PTRACE_TRACEME, 0, NULL, NULL);
}

static int try_setuid(void)
{
	return setuid(0);
}

static int try_unshare(void)
{
	return unshare(CLONE_NEWUSER);
}

static void new_programs_processes_and_namespaces_end_every_worker(void **state)
{
	static const unsigned promises[] = { BW_MAY_COMPUTE, BW_MAY_ACCEPT, BW_MAY_STORE, BW_MAY_READ_STORE,
					     BW_MAY_CONNECT };
	static int (*const acts[])(void) = { try_exec, try_fork, try_ptrace, try_setuid, try_unshare };
	const struct bw_sandbox_paths paths = { .folder = folder };

	(void)state;
	for (size_t i = 0; i < BW_COUNT(promises); i++)
		for (size_t k = 0; k < BW_COUNT(acts); k++)
			assert_int_equal(confined(promises[i], &paths, acts[k]), -SIGSYS);
}

static int do_a_readers_work(void)
{
	struct bw_memfile file;
	struct bw_mapped mapped;
	void *memory = malloc(1 << 20);

	CLAIM(memory != NULL);
	memset(memory, 1, 1 << 20);
	CLAIM(bw_memfile_of("batch", bw_slice_of(memory, 1 << 20), &file) == BW_OK);
	CLAIM(bw_mapped_open(file.fd, 1 << 20, &mapped) == BW_OK);
	CLAIM(mapped.bytes.ptr[77] == 1);
	bw_mapped_release(&mapped);
	bw_memfile_release(&file);
	free(memory);
	return 0;
}

static void a_worker_that_computes_still_has_memory_and_memory_files(void **state)
{
	(void)state;
	assert_int_equal(confined(BW_MAY_COMPUTE, NULL, do_a_readers_work), 0);
}

static int channel_fds[2];

static int talk(void)
{
	struct bw_channel *channel;
	struct bw_frame frame;

	CLAIM(bw_channel_new(channel_fds[1], &channel) == BW_OK);
	CLAIM(bw_channel_receive(channel, &frame, NULL, 5000) == BW_OK);
	CLAIM(bw_channel_send(channel, frame.kind, frame.body, -1, 5000) == BW_OK);
	bw_channel_free(channel);
	return 0;
}

static void a_worker_that_computes_still_speaks_on_its_channel(void **state)
{
	struct bw_channel *channel;
	struct bw_frame frame;

	(void)state;
	assert_int_equal(bw_channel_pair(channel_fds), BW_OK);
	assert_int_equal(bw_channel_new(channel_fds[0], &channel), BW_OK);
	assert_int_equal(bw_channel_send(channel, 5, BW_LIT("echo"), -1, 1000), BW_OK);
	assert_int_equal(confined(BW_MAY_COMPUTE, NULL, talk), 0);
	assert_int_equal(bw_channel_receive(channel, &frame, NULL, 1000), BW_OK);
	assert_true(bw_slice_is(frame.body, "echo"));
	bw_channel_free(channel);
	(void)close(channel_fds[1]);
}

static int ask_for_too_much(void)
{
	/* volatile: or the compiler may drop an allocation nobody reads */
	void *volatile memory = malloc(512 * BW_MIB);
	const int refused = memory == NULL;

	free(memory);
	return refused ? 0 : 1;
}

static void memory_is_limited_where_a_limit_is_given(void **state)
{
	const struct bw_sandbox_paths paths = { .memory_bytes = 256 * BW_MIB };

	(void)state;
#if defined(__SANITIZE_ADDRESS__)
	print_message("skipped: the sanitizer needs its address space\n");
	skip();
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
	print_message("skipped: the sanitizer needs its address space\n");
	skip();
#endif
#endif
	assert_int_equal(confined(BW_MAY_COMPUTE, &paths, ask_for_too_much), 0);
}

/* ---- capabilities ---------------------------------------------------------------- */

/* As a service's unit may: no capability, and no call that would change them. */
static bool give_up_capabilities_and_capset(void)
{
	scmp_filter_ctx filter;
	bool done;

	if (geteuid() == 0 && (setgid(65534) != 0 || setuid(65534) != 0))
		return false;
	filter = seccomp_init(SCMP_ACT_ALLOW);
	done = filter != NULL && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(capset), 0) == 0 &&
	       seccomp_load(filter) == 0;
	seccomp_release(filter);
	return done;
}

static void who_has_no_capability_is_confined_where_capset_is_refused(void **state)
{
	const pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		struct bw_sandbox_granted granted;

		if (!give_up_capabilities_and_capset())
			_exit(98);
		if (bw_sandbox_enter(BW_MAY_COMPUTE, NULL, &granted, NULL) != BW_OK || !granted.seccomp)
			_exit(99);
		_exit(try_files_and_sockets());
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- ACCEPT -------------------------------------------------------------------- */

static int listener = -1;

static int accept_one(void)
{
	const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	const int yes = 1;

	CLAIM(fd >= 0);
	CLAIM(setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &yes, sizeof(yes)) == 0);
	CLAIM(send(fd, "hi", 2, MSG_NOSIGNAL) == 2);
	CLAIM(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	return close(fd);
}

static void a_front_accepts_on_the_socket_it_was_given_and_makes_none(void **state)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t len = sizeof(address);
	const int client = socket(AF_INET, SOCK_STREAM, 0);
	char got[2];

	(void)state;
	listener = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(listener, (struct sockaddr *)&address, len), 0);
	assert_int_equal(listen(listener, 1), 0);
	assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &len), 0);
	assert_int_equal(connect(client, (struct sockaddr *)&address, len), 0);
	assert_int_equal(confined(BW_MAY_ACCEPT, NULL, accept_one), 0);
	assert_int_equal(recv(client, got, 2, 0), 2);
	(void)close(client);
	(void)close(listener);
}

/* ---- STORE and READ_STORE ------------------------------------------------------------ */

static const char *in(const char *dir, const char *name)
{
	static char path[BW_PATH_BYTES];

	return bw_path_join(path, dir, name) == BW_OK ? path : "";
}

static int use_the_folder(void)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(100);
	char other[BW_PATH_BYTES];

	CLAIM(bw_file_write(in(folder, "f"), BW_LIT("kept"), 0600, NULL) == BW_OK);
	CLAIM(bw_file_read(in(folder, "f"), &buf, NULL) == BW_OK);
	CLAIM(bw_folder_make(in(folder, "sub"), NULL) == BW_OK);
	CLAIM(rmdir(in(folder, "sub")) == 0);
	CLAIM(bw_path_join(other, folder, "g") == BW_OK);
	CLAIM(rename(in(folder, "f"), other) == 0);
	CLAIM(truncate(other, 2) == 0);
	CLAIM(unlink(other) == 0);
	return 0;
}

static int leave_the_folder(void)
{
	char inside[BW_PATH_BYTES];

	CLAIM(is_refused(open(in(outside, "secret"), O_RDONLY)));
	CLAIM(is_refused(open(in(outside, "secret"), O_WRONLY)));
	CLAIM(is_refused(open(in(outside, "f"), O_WRONLY | O_CREAT, 0600)));
	CLAIM(is_refused(unlink(in(outside, "secret"))));
	CLAIM(is_refused(mkdir(in(outside, "sub"), 0700)));
	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(is_refused(socket(AF_INET, SOCK_STREAM, 0)));
	CLAIM(bw_path_join(inside, folder, "g") == BW_OK);
	CLAIM(rename(in(outside, "secret"), inside) != 0 && (errno == EXDEV || is_refused(-1)));
	CLAIM(is_refused(symlink("/etc/passwd", inside)));
	return 0;
}

static void a_keeper_lives_in_its_folder_and_nowhere_else(void **state)
{
	const struct bw_sandbox_paths paths = { .folder = folder };

	(void)state;
	assert_int_equal(bw_file_write(in(outside, "secret"), BW_LIT("x"), 0600, NULL), BW_OK);
	assert_int_equal(confined(BW_MAY_STORE, &paths, use_the_folder), 0);
	assert_int_equal(confined(BW_MAY_STORE, &paths, leave_the_folder), 0);
}

static int only_read(void)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(100);

	CLAIM(bw_file_read(in(folder, "f"), &buf, NULL) == BW_OK);
	CLAIM(is_refused(open(in(folder, "f"), O_RDWR)));
	CLAIM(is_refused(open(in(folder, "g"), O_WRONLY | O_CREAT, 0600)));
	CLAIM(is_refused(unlink(in(folder, "f"))));
	CLAIM(is_refused(truncate(in(folder, "f"), 0)));
	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(is_refused(open(in(outside, "secret"), O_RDONLY)));
	return 0;
}

static void a_pager_reads_its_folder_and_changes_nothing(void **state)
{
	const struct bw_sandbox_paths paths = { .folder = folder };

	(void)state;
	assert_int_equal(bw_file_write(in(folder, "f"), BW_LIT("kept"), 0600, NULL), BW_OK);
	assert_int_equal(bw_file_write(in(outside, "secret"), BW_LIT("x"), 0600, NULL), BW_OK);
	assert_int_equal(confined(BW_MAY_READ_STORE, &paths, only_read), 0);
}

static int read_also(void)
{
	BW_CLEANUP(bw_buf_release) struct bw_buf buf = BW_BUF_INIT(100);

	CLAIM(bw_file_read(in(outside, "secret"), &buf, NULL) == BW_OK);
	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(is_refused(open(in(outside, "secret"), O_RDWR)));
	return 0;
}

static void a_file_named_besides_may_be_read(void **state)
{
	char secret[BW_PATH_BYTES];
	const char *const also[] = { secret, "/no/such/file", NULL };
	const struct bw_sandbox_paths paths = { .read_also = also };

	(void)state;
	assert_int_equal(bw_path_join(secret, outside, "secret"), BW_OK);
	assert_int_equal(bw_file_write(secret, BW_LIT("x"), 0600, NULL), BW_OK);
	assert_int_equal(confined(BW_MAY_COMPUTE, &paths, read_also), 0);
}

static void a_folder_that_is_not_there_is_said_by_name(void **state)
{
	const struct bw_sandbox_paths paths = { .folder = "/no/such/folder" };
	struct bw_sandbox_granted granted;
	struct bw_why why = { "" };
	const pid_t child = fork();
	int status;

	(void)state;
	if (child == 0) {
		const enum bw_err err = bw_sandbox_enter(BW_MAY_STORE, &paths, &granted, &why);

		_exit(err == BW_ERR_NOT_FOUND && strstr(why.text, "/no/such/folder") != NULL ? 0 : 1);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(status, 0);
}

/* ---- CONNECT ------------------------------------------------------------------------ */

static int be_a_client(void)
{
	const int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in nobody = { .sin_family = AF_INET,
					    .sin_port = htons(1),
					    .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };

	CLAIM(fd >= 0);
	CLAIM(connect(fd, (const struct sockaddr *)&nobody, sizeof(nobody)) < 0 && errno == ECONNREFUSED);
	CLAIM(is_refused(socket(AF_NETLINK, SOCK_RAW, 0)));
	CLAIM(is_refused(socket(AF_PACKET, SOCK_RAW, 0)));
	CLAIM(is_refused(open("/etc/passwd", O_RDONLY)));
	CLAIM(is_refused(listen(fd, 1)));
	return 0;
}

static void a_client_connects_and_does_nothing_else(void **state)
{
	(void)state;
	assert_int_equal(confined(BW_MAY_CONNECT, NULL, be_a_client), 0);
}

/* ---- WATCH ----------------------------------------------------------------------- */

static void *answer(void *context)
{
	return context;
}

static int try_to_watch_only(void)
{
	const int root = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct {
		struct file_handle head;
		unsigned char bytes[128];
	} handle = { .head = { .handle_bytes = sizeof(handle.bytes) } };
	void *result = NULL;
	pthread_t thread;
	char path[64];
	int mount_id;

	CLAIM(root >= 0 && open("/proc/self/stat", O_RDONLY | O_CLOEXEC) >= 0);
	CLAIM(readlink("/proc/self/fd/0", path, sizeof(path)) > 0);
	CLAIM(kill(getppid(), 0) == 0);
	CLAIM(fanotify_mark(-1, FAN_MARK_ADD, FAN_MODIFY, root, ".") < 0 && errno == EBADF);
	CLAIM(pthread_create(&thread, NULL, answer, &handle) == 0 && pthread_join(thread, &result) == 0);
	CLAIM(result == &handle);
	CLAIM(name_to_handle_at(root, "", &handle.head, &mount_id, AT_EMPTY_PATH) == 0 || errno == EOVERFLOW ||
	      errno == EOPNOTSUPP);
	CLAIM(is_refused(open_by_handle_at(root, &handle.head, O_RDWR)));
	CLAIM(is_refused(open("/tmp/bw-new-file", O_WRONLY | O_CREAT, 0600)));
	CLAIM(is_refused(open(outside, O_WRONLY | O_TMPFILE, 0600)));
	CLAIM(is_refused(unlink("/tmp/bw-new-file")));
	CLAIM(is_refused(fanotify_init(FAN_CLASS_NOTIF | FAN_REPORT_FID, O_RDONLY)));
	CLAIM(is_refused(socket(AF_NETLINK, SOCK_DGRAM, 0)));
	return 0;
}

static void a_watch_reads_marks_and_signals_and_writes_nothing(void **state)
{
	(void)state;
	assert_int_equal(confined(BW_MAY_WATCH, NULL, try_to_watch_only), 0);
}

static void a_watch_starts_no_program(void **state)
{
	(void)state;
	assert_int_equal(confined(BW_MAY_WATCH, NULL, try_exec), -SIGSYS);
	assert_int_equal(confined(BW_MAY_WATCH, NULL, try_ptrace), -SIGSYS);
}

static void probing_changes_nothing(void **state)
{
	struct bw_sandbox_granted granted;
	int fd;

	(void)state;
	bw_sandbox_probe(&granted);
	fd = open("/dev/null", O_RDONLY);
	assert_true(fd >= 0);
	(void)close(fd);
	assert_true(granted.words[0] != '\0');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_worker_that_computes_opens_no_file_and_no_socket),
		cmocka_unit_test(new_programs_processes_and_namespaces_end_every_worker),
		cmocka_unit_test(a_worker_that_computes_still_has_memory_and_memory_files),
		cmocka_unit_test(a_worker_that_computes_still_speaks_on_its_channel),
		cmocka_unit_test(memory_is_limited_where_a_limit_is_given),
		cmocka_unit_test(who_has_no_capability_is_confined_where_capset_is_refused),
		cmocka_unit_test(a_front_accepts_on_the_socket_it_was_given_and_makes_none),
		cmocka_unit_test(a_keeper_lives_in_its_folder_and_nowhere_else),
		cmocka_unit_test(a_pager_reads_its_folder_and_changes_nothing),
		cmocka_unit_test(a_file_named_besides_may_be_read),
		cmocka_unit_test(a_folder_that_is_not_there_is_said_by_name),
		cmocka_unit_test(a_client_connects_and_does_nothing_else),
		cmocka_unit_test(a_watch_reads_marks_and_signals_and_writes_nothing),
		cmocka_unit_test(a_watch_starts_no_program),
		cmocka_unit_test(probing_changes_nothing),
	};

	return cmocka_run_group_tests(tests, make_folders, remove_folders);
}
