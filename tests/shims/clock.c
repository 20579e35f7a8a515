/*
 * Preloaded into a program under test: its wall clock jumps by BW_CLOCK_SHIFT_S
 * seconds once the machine's monotonic clock has passed BW_CLOCK_FROM_NS. The
 * monotonic clocks stay true. Every process that inherits the environment jumps
 * at the same moment.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int clock_function(clockid_t, struct timespec *);

static clock_function *real_clock;
static long long shift_s;
static long long from_ns;

__attribute__((constructor)) static void read_orders(void)
{
	const char *shift = getenv("BW_CLOCK_SHIFT_S");
	const char *from = getenv("BW_CLOCK_FROM_NS");

	*(void **)&real_clock = dlsym(RTLD_NEXT, "clock_gettime");
	shift_s = shift != NULL ? atoll(shift) : 0;
	from_ns = from != NULL ? atoll(from) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *out)
{
	struct timespec mono;
	int result;

	if (real_clock == NULL)
		read_orders();
	result = real_clock(clock, out);
	if (result != 0 || (clock != CLOCK_REALTIME && clock != CLOCK_REALTIME_COARSE))
		return result;
	if (real_clock(CLOCK_MONOTONIC, &mono) == 0 && mono.tv_sec * 1000000000LL + mono.tv_nsec >= from_ns)
		out->tv_sec += (time_t)shift_s;
	return 0;
}

int gettimeofday(struct timeval *restrict out, void *restrict zone)
{
	struct timespec now;

	(void)zone;
	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return -1;
	*out = (struct timeval){ now.tv_sec, now.tv_nsec / 1000 };
	return 0;
}

time_t time(time_t *out)
{
	struct timespec now;

	if (clock_gettime(CLOCK_REALTIME, &now) != 0)
		return (time_t)-1;
	if (out != NULL)
		*out = now.tv_sec;
	return now.tv_sec;
}
