#include "codec/scan.h"

#ifdef __x86_64__
#include <immintrin.h>
#endif

enum { BLOCK = 64 };

/* Into each way's own loop, so that it is compiled for that way's processor. */
#define ALWAYS_INLINE static inline __attribute__((always_inline))

/* One bit a byte of a block. */
struct marks {
	uint64_t quote;
	uint64_t slash;
	uint64_t open;
	uint64_t close;
	uint64_t list; /* '[' only */
};

/* ---- what a block means: the same for every way ------------------------------------ */

/* Bytes that follow an odd run of backslashes; the run may have begun in the block before. */
ALWAYS_INLINE uint64_t escaped_bytes(struct bw_scan *scan, uint64_t slash)
{
	const uint64_t even = UINT64_C(0x5555555555555555);
	uint64_t starts;
	uint64_t carry;
	uint64_t escaped;

	if (BW_LIKELY(slash == 0)) {
		escaped = scan->escaped;
		scan->escaped = 0;
		return escaped;
	}
	slash &= ~scan->escaped;
	starts = slash << 1 | scan->escaped;
	carry = __builtin_add_overflow(slash, ~even & slash & ~starts, &escaped);
	scan->escaped = carry;
	return (even ^ escaped << 1) & starts;
}

ALWAYS_INLINE uint64_t prefix_xor(uint64_t bits)
{
	for (unsigned shift = 1; shift < BLOCK; shift *= 2)
		bits ^= bits << shift;
	return bits;
}

/* Bracket by bracket, where something may end. Returns the bytes used when it stops. */
ALWAYS_INLINE size_t walk(struct bw_scan *scan, const struct marks *marks, uint64_t open, uint64_t close,
			  enum bw_scan_stop *out)
{
	uint64_t both = open | close;

	*out = BW_SCAN_MORE;
	while (both != 0) {
		const unsigned at = (unsigned)__builtin_ctzll(both);
		const uint64_t bit = both & -both;

		both ^= bit;
		if (close & bit) {
			if (scan->depth == 0 || --scan->depth == 0) {
				*out = BW_SCAN_CLOSED;
				return at + 1;
			}
			continue;
		}
		if (++scan->depth > scan->depth_max) {
			*out = BW_SCAN_DEEP;
			return at + 1;
		}
		if (scan->watch && scan->depth == 2 && (marks->list & bit)) {
			*out = BW_SCAN_LIST;
			return at + 1;
		}
	}
	return BLOCK;
}

ALWAYS_INLINE size_t block(struct bw_scan *scan, const struct marks *marks, enum bw_scan_stop *out)
{
	const uint64_t escaped = escaped_bytes(scan, marks->slash);
	const uint64_t strings = prefix_xor(marks->quote & ~escaped) ^ scan->in_string;
	const uint64_t open = marks->open & ~strings;
	const uint64_t close = marks->close & ~strings;
	const unsigned opens = (unsigned)__builtin_popcountll(open);
	const unsigned closes = (unsigned)__builtin_popcountll(close);

	scan->in_string = 0 - (strings >> 63);
	if (scan->depth > closes + (scan->watch ? 1U : 0U) && scan->depth + opens <= scan->depth_max) {
		scan->depth += opens - closes;
		*out = BW_SCAN_MORE;
		return BLOCK;
	}
	return walk(scan, marks, open, close, out);
}

/* ---- plain ---------------------------------------------------------------------------- */

static inline struct marks marks_plain(const uint8_t *p)
{
	struct marks m = { 0 };

	for (unsigned i = 0; i < BLOCK; i++) {
		m.quote |= (uint64_t)(p[i] == '"') << i;
		m.slash |= (uint64_t)(p[i] == '\\') << i;
		m.open |= (uint64_t)((p[i] | 0x20) == '{') << i;
		m.close |= (uint64_t)((p[i] | 0x20) == '}') << i;
		m.list |= (uint64_t)(p[i] == '[') << i;
	}
	return m;
}

#ifdef __x86_64__

/* '[' and '{' differ in one bit, and so do ']' and '}'. */

static inline struct marks marks_sse2(const uint8_t *p)
{
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i slash = _mm_set1_epi8('\\');
	const __m128i bit = _mm_set1_epi8(0x20);
	const __m128i open = _mm_set1_epi8('{');
	const __m128i close = _mm_set1_epi8('}');
	const __m128i list = _mm_set1_epi8('[');
	struct marks m = { 0 };

	for (unsigned i = 0; i < BLOCK; i += 16) {
		const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)(p + i));
		const __m128i folded = _mm_or_si128(bytes, bit);

#define MASK(v) ((uint64_t)(uint16_t)_mm_movemask_epi8(v) << i)
		m.quote |= MASK(_mm_cmpeq_epi8(bytes, quote));
		m.slash |= MASK(_mm_cmpeq_epi8(bytes, slash));
		m.open |= MASK(_mm_cmpeq_epi8(folded, open));
		m.close |= MASK(_mm_cmpeq_epi8(folded, close));
		m.list |= MASK(_mm_cmpeq_epi8(bytes, list));
#undef MASK
	}
	return m;
}

__attribute__((target("avx2"))) static inline struct marks marks_avx2(const uint8_t *p)
{
	const __m256i quote = _mm256_set1_epi8('"');
	const __m256i slash = _mm256_set1_epi8('\\');
	const __m256i bit = _mm256_set1_epi8(0x20);
	const __m256i open = _mm256_set1_epi8('{');
	const __m256i close = _mm256_set1_epi8('}');
	const __m256i list = _mm256_set1_epi8('[');
	struct marks m = { 0 };

	for (unsigned i = 0; i < BLOCK; i += 32) {
		const __m256i bytes = _mm256_loadu_si256((const __m256i *)(const void *)(p + i));
		const __m256i folded = _mm256_or_si256(bytes, bit);

#define MASK(v) ((uint64_t)(uint32_t)_mm256_movemask_epi8(v) << i)
		m.quote |= MASK(_mm256_cmpeq_epi8(bytes, quote));
		m.slash |= MASK(_mm256_cmpeq_epi8(bytes, slash));
		m.open |= MASK(_mm256_cmpeq_epi8(folded, open));
		m.close |= MASK(_mm256_cmpeq_epi8(folded, close));
		m.list |= MASK(_mm256_cmpeq_epi8(bytes, list));
#undef MASK
	}
	return m;
}

#endif

/* ---- the loop, once for each way --------------------------------------------------------- */

/* The last bytes stand in a block of blanks, which mean nothing to the count. */
#define SCAN_LOOP(marks_of)                                  \
	const uint8_t *p = input.ptr;                        \
	size_t left = input.len;                             \
	enum bw_scan_stop stop = BW_SCAN_MORE;               \
	uint8_t tail[BLOCK];                                 \
	struct marks marks;                                  \
                                                             \
	while (left >= BLOCK) {                              \
		size_t used;                                 \
                                                             \
		marks = marks_of(p);                         \
		used = block(scan, &marks, &stop);           \
		p += used;                                   \
		left -= used;                                \
		if (BW_UNLIKELY(stop != BW_SCAN_MORE)) {     \
			after_stop(scan);                    \
			*out_used = input.len - left;        \
			return stop;                         \
		}                                            \
	}                                                    \
	if (left > 0) {                                      \
		struct bw_scan before = *scan;               \
		size_t used;                                 \
                                                             \
		memset(tail, ' ', BLOCK);                    \
		memcpy(tail, p, left);                       \
		marks = marks_of(tail);                      \
		used = block(scan, &marks, &stop);           \
		if (stop != BW_SCAN_MORE) {                  \
			after_stop(scan);                    \
			*out_used = input.len - left + used; \
			return stop;                         \
		}                                            \
		end_short(scan, &before, &marks, left);      \
	}                                                    \
	*out_used = input.len;                               \
	return BW_SCAN_MORE

/* A bracket that stops a scan stands outside strings, so what comes after it starts clean. */
ALWAYS_INLINE void after_stop(struct bw_scan *scan)
{
	scan->in_string = 0;
	scan->escaped = 0;
}

/* A short block ends after `len` bytes: what the blanks after it did to the state is undone. */
ALWAYS_INLINE void end_short(struct bw_scan *scan, struct bw_scan *before, const struct marks *marks, size_t len)
{
	const uint64_t escaped = escaped_bytes(before, marks->slash);
	const uint64_t strings = prefix_xor(marks->quote & ~escaped) ^ before->in_string;

	/* an escape of the last byte, seen as the escape of the blank behind it */
	scan->escaped = escaped >> len & 1;
	scan->in_string = (strings >> (len - 1) & 1) ? UINT64_MAX : 0;
}

static enum bw_scan_stop scan_plain(struct bw_scan *scan, struct bw_slice input, size_t *out_used)
{
	SCAN_LOOP(marks_plain);
}

#ifdef __x86_64__

static enum bw_scan_stop scan_sse2(struct bw_scan *scan, struct bw_slice input, size_t *out_used)
{
	SCAN_LOOP(marks_sse2);
}

__attribute__((target("avx2,popcnt,bmi"))) static enum bw_scan_stop scan_avx2(struct bw_scan *scan,
									      struct bw_slice input, size_t *out_used)
{
	SCAN_LOOP(marks_avx2);
}

#endif

bool bw_scan_has(enum bw_scan_way way)
{
	switch (way) {
	case BW_SCAN_PLAIN:
		return true;
#ifdef __x86_64__
	case BW_SCAN_SSE2:
		return true;
	case BW_SCAN_AVX2:
		return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("bmi");
#endif
	default:
		return false;
	}
}

enum bw_scan_stop bw_scan_by(enum bw_scan_way way, struct bw_scan *scan, struct bw_slice input, size_t *out_used)
{
	switch (way) {
#ifdef __x86_64__
	case BW_SCAN_AVX2:
		return scan_avx2(scan, input, out_used);
	case BW_SCAN_SSE2:
		return scan_sse2(scan, input, out_used);
#endif
	default:
		return scan_plain(scan, input, out_used);
	}
}

enum bw_scan_stop bw_scan(struct bw_scan *scan, struct bw_slice input, size_t *out_used)
{
#ifdef __x86_64__
	return bw_scan_by(bw_scan_has(BW_SCAN_AVX2) ? BW_SCAN_AVX2 : BW_SCAN_SSE2, scan, input, out_used);
#else
	return bw_scan_by(BW_SCAN_PLAIN, scan, input, out_used);
#endif
}
