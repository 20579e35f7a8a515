#include "sys/service.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/num.h"
#include "sys/clock.h"
#include "sys/files.h"

/* A path, or "@name" for the abstract name space, where the first byte is NUL. */
static bool address_of(const char *path, struct sockaddr_un *out, socklen_t *out_len)
{
	const size_t len = strlen(path);

	if ((path[0] != '/' && path[0] != '@') || len < 2 || len >= sizeof(out->sun_path))
		return false;
	*out = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(out->sun_path, path, len);
	if (path[0] == '@')
		out->sun_path[0] = '\0';
	*out_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len);
	return true;
}

void bw_service_notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un address;
	socklen_t len;
	int fd;

	if (path == NULL || !address_of(path, &address, &len))
		return;
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* nobody to tell when this fails: the manager's own timeout will */
	(void)sendto(fd, state, strlen(state), MSG_NOSIGNAL, (const struct sockaddr *)&address, len);
	(void)close(fd);
}

void bw_service_notify_reloading(void)
{
	char state[64];

	(void)snprintf(state, sizeof(state), "RELOADING=1\nMONOTONIC_USEC=%lld", (long long)bw_clock_mono_us());
	bw_service_notify(state);
}

static bool number_in(const char *name, uint64_t *out)
{
	const char *text = getenv(name);

	return text != NULL && bw_parse_u64(bw_slice_text(text), out) == BW_OK;
}

int64_t bw_service_watchdog_us(void)
{
	uint64_t pid;
	uint64_t us;

	if (!number_in("WATCHDOG_USEC", &us) || us > INT64_MAX)
		return 0;
	return number_in("WATCHDOG_PID", &pid) && pid != (uint64_t)getpid() ? 0 : (int64_t)us;
}

size_t bw_service_listen_fds(int *out, size_t max)
{
	enum { FIRST = 3 }; /* SD_LISTEN_FDS_START */
	uint64_t pid;
	uint64_t count;
	size_t given = 0;

	if (!number_in("LISTEN_PID", &pid) || pid != (uint64_t)getpid() || !number_in("LISTEN_FDS", &count))
		return 0;
	for (uint64_t i = 0; i < count && given < max; i++) {
		const int fd = (int)(FIRST + i);

		/* they come blocking; two fronts that wake for one client would leave one waiting in accept */
		if (fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) == 0)
			out[given++] = fd;
	}
	return given;
}

enum bw_err bw_service_credential(const char *name, struct bw_secret *out, struct bw_why *why)
{
	BW_CLEANUP(bw_buf_wipe) struct bw_buf bytes = BW_BUF_INIT(BW_SECRET_MAX);
	const char *folder = getenv("CREDENTIALS_DIRECTORY");
	char path[BW_PATH_BYTES];

	if (folder == NULL || strchr(name, '/') != NULL)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "no credential '%s': the service manager gave none", name);
	BW_TRY(bw_path_join(path, folder, name));
	/* all room at once: growing would leave copies behind */
	BW_TRY(bw_buf_reserve(&bytes, BW_SECRET_MAX));
	BW_TRY(bw_file_read(path, &bytes, why));
	if (bytes.len == 0)
		return bw_why_set(why, BW_ERR_NOT_FOUND, "credential '%s' is empty", name);
	return bw_secret_set(out, bw_buf_slice(&bytes));
}
