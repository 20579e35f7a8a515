#include "crypto/tls_bio.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

static int fd_of(BIO *bio)
{
	return (int)(intptr_t)BIO_get_data(bio);
}

static bool is_passing(int saved_errno)
{
	return saved_errno == EAGAIN || saved_errno == EINTR;
}

/* 1, or 0 at the end, or -1: libssl takes 0 from a write for "wrote nothing, well". */
static int read_socket(BIO *bio, char *out, size_t max, size_t *out_len)
{
	const ssize_t got = recv(fd_of(bio), out, max, 0);

	BIO_clear_retry_flags(bio);
	if (got < 0 && is_passing(errno))
		BIO_set_retry_read(bio);
	if (got == 0)
		BIO_set_flags(bio, BIO_FLAGS_IN_EOF);
	if (got <= 0)
		return (int)got;
	*out_len = (size_t)got;
	return 1;
}

static int write_socket(BIO *bio, const char *bytes, size_t len, size_t *out_len)
{
	const ssize_t put = send(fd_of(bio), bytes, len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (put < 0 && is_passing(errno))
		BIO_set_retry_write(bio);
	if (put < 0)
		return -1;
	*out_len = (size_t)put;
	return 1;
}

static long control(BIO *bio, int command, long number, void *pointer)
{
	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_FLUSH)
		return 1; /* nothing is kept here */
	if (command == BIO_CTRL_EOF)
		return BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0;
	return 0;
}

static BIO_METHOD *make_method(void)
{
	BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "breakwater socket");

	if (method == NULL || BIO_meth_set_read_ex(method, read_socket) != 1 ||
	    BIO_meth_set_write_ex(method, write_socket) != 1 || BIO_meth_set_ctrl(method, control) != 1) {
		BIO_meth_free(method);
		return NULL;
	}
	return method;
}

BIO *bw_tls_bio_new(int fd)
{
	static BIO_METHOD *method; /* one for the life of the process */
	BIO *bio;

	if (method == NULL)
		method = make_method();
	bio = method == NULL ? NULL : BIO_new(method);
	if (bio == NULL)
		return NULL;
	BIO_set_data(bio, (void *)(intptr_t)fd);
	BIO_set_init(bio, 1);
	return bio;
}
