#include "guard/writers.h"

#include <stdlib.h>

#include "crypto/hash.h"
#include "guard/writers_parts.h"

enum { PLACES = 8 * 1024, LOOKS = 64 * 1024 }; /* files remembered: each place holds the last one that fell on it */

struct written {
	struct bw_file_key file;
	size_t count; /* 0: nobody */
	struct bw_event_writer ones[BW_EVENT_WRITERS_MAX];
};

struct look {
	uint64_t time_ns;
	uint64_t hash; /* of the file */
};

struct bw_writers {
	struct bw_writers_ear *ear; /* or NULL */
	uint8_t secret[BW_SIPHASH_KEY_BYTES];
	struct written files[PLACES];
	struct look looks[LOOKS];
};

enum bw_err bw_writers_open(struct bw_writers **out, struct bw_why *why)
{
	struct bw_writers *writers = calloc(1, sizeof(*writers));

	BW_NEED(writers != NULL, MEMORY);
	bw_random(writers->secret, sizeof(writers->secret));
	if (bw_writers_ear_open(&writers->ear, why) != BW_OK)
		writers->ear = NULL;
	*out = writers;
	return BW_OK;
}

void bw_writers_free(struct bw_writers *writers)
{
	if (writers == NULL)
		return;
	bw_writers_ear_free(writers->ear);
	free(writers);
}

bool bw_writers_sees_all(const struct bw_writers *writers)
{
	return writers->ear != NULL;
}

/* One more, in its own place, a free one, or that of who wrote longest ago. */
static void add(struct bw_event_writer ones[BW_EVENT_WRITERS_MAX], size_t *count, const struct bw_event_writer *one)
{
	size_t oldest = 0;

	for (size_t i = 0; i < *count; i++) {
		if (ones[i].pid == one->pid) {
			ones[i].time_ns = one->time_ns > ones[i].time_ns ? one->time_ns : ones[i].time_ns;
			return;
		}
		oldest = ones[i].time_ns < ones[oldest].time_ns ? i : oldest;
	}
	if (*count < BW_EVENT_WRITERS_MAX)
		ones[(*count)++] = *one;
	else if (ones[oldest].time_ns < one->time_ns)
		ones[oldest] = *one;
}

static uint64_t hash_of(const struct bw_writers *writers, const struct bw_file_key *file)
{
	uint8_t bytes[BW_KEY_BYTES];

	bw_file_key_write(file, bytes);
	return bw_siphash(writers->secret, bw_slice_of(bytes, sizeof(bytes)));
}

void bw_writers_wrote(struct bw_writers *writers, const struct bw_file_key *file, uint32_t pid, uint64_t now_ns)
{
	const struct bw_event_writer one = { .time_ns = now_ns, .pid = pid };
	struct written *place;

	if (pid == 0)
		return;
	place = &writers->files[hash_of(writers, file) % PLACES];
	if (!bw_file_key_equals(&place->file, file))
		*place = (struct written){ .file = *file };
	add(place->ones, &place->count, &one);
}

void bw_writers_looked(struct bw_writers *writers, const struct bw_file_key *file, uint64_t now_ns)
{
	const uint64_t hash = hash_of(writers, file);

	writers->looks[hash % LOOKS] = (struct look){ .time_ns = now_ns, .hash = hash };
}

void bw_writers_tell(struct bw_writers *writers, struct bw_event *event)
{
	const uint64_t hash = hash_of(writers, &event->file);
	const struct written *place = &writers->files[hash % PLACES];
	const struct look *look = &writers->looks[hash % LOOKS];
	size_t count = 0;

	if (writers->ear != NULL)
		count = bw_writers_ear_ask(writers->ear, &event->file, event->writers);
	for (size_t i = 0; i < place->count && bw_file_key_equals(&place->file, &event->file); i++)
		add(event->writers, &count, &place->ones[i]);
	event->writer_count = (uint32_t)count;
	event->looked_ns = look->hash == hash ? look->time_ns : 0;
}
