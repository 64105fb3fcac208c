// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * Any row of the register's log: its records are taken as a whole or not at all,
 * none makes a mapping that outlives the longest lifetime, and what was taken is
 * the same after it was written and read again.
 */
#include "fuzz.h"

#include "store/log.c"
#include "hlrd/store.c"

#define ROW 7			/* number of the row */
#define LONGEST 300000		/* ms */

static const struct store_clock clock_now = { 5000, 1700000000000 };

/* Of all that is stored, in any order; what was counted stands in front. */
static void add_record(void *ctx, const struct hlr_change *c)
{
	const struct hlr_mapping *m = &c->after;
	uint64_t *sum = ctx, one;
	unsigned int i;

	if (c->kind == HLR_CHANGE_KEY) {
		one = c->id_after * 31 + c->key_id;
	} else {
		check(m->expires <= clock_now.now + LONGEST);
		one = m->seq + (uint64_t)m->expires * 31 + m->key_id * 1009 +
		      m->flags * 77;
		for (i = 0; i < 16; i++)
			one = one * 131 + m->perm.b[i] * 7 + m->coa.b[i];
	}
	sum[0]++;
	sum[1] += one;
}

static void walk_all(const struct hlr *hlr,
		     void (*fn)(void *ctx, const struct hlr_change *c), void *ctx)
{
	struct hlr_cursor cursor = { 0 };

	while (!cursor.end)
		hlr_walk(hlr, &cursor, SIZE_MAX, fn, ctx);
}

static struct hlr *new_hlr(void)
{
	return hlr_new(&(struct hlr_config){
		.lifetime_max = LONGEST / 1000, .tombstone = 10,
		.mappings_max = 1000,
	});
}

/* Writes the records of @hlr again, as a pass over the log does, and reads them. */
static void check_again(struct store_log *log, const struct hlr *hlr,
			const uint64_t sum[2])
{
	struct loading load = { new_hlr(), &clock_now, LONGEST };
	struct writing writing = { hlr, log, clock_now.now,
				   clock_now.wall - clock_now.now };
	uint64_t again[2] = { 0 };
	size_t n;

	log->copying = true;
	walk_all(hlr, add, &writing);
	check_sum(ROW, log->row, log->row_len, log->row + log->row_len);
	check(!load_row(log, &load, ROW, log->row, log->row_len + SUM_LEN,
			&n));
	check(n == sum[0]);
	walk_all(load.hlr, add_record, again);
	check(again[0] == sum[0] && again[1] == sum[1]);
	hlr_free(load.hlr);
}

/* The input and, if its first byte says so, the check sum that it needs. */
static uint8_t *take_row(const uint8_t *data, size_t size, size_t *len)
{
	bool sealed = data[0] & 1;
	uint8_t *row;

	*len = size - 1 + (sealed ? SUM_LEN : 0);
	row = malloc(*len ? *len : 1);
	check(row);
	memcpy(row, data + 1, size - 1);
	if (sealed)
		check_sum(ROW, row, size - 1, row + size - 1);
	return row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store_log log;
	struct loading load = { NULL, &clock_now, LONGEST };
	uint64_t sum[2] = { 0 };
	uint8_t *row;
	size_t len, n;
	char *error;

	if (!size)
		return 0;
	memset(&log, 0, sizeof(log));
	log.path = "store";
	log.format = &format;
	load.hlr = new_hlr();
	row = take_row(data, size, &len);
	error = load_row(&log, &load, ROW, row, len, &n);
	walk_all(load.hlr, add_record, sum);
	check(!error == !log.damage);
	check(error ? !sum[0] : sum[0] && sum[0] <= n);
	if (!error)
		check_again(&log, load.hlr, sum);
	free(error);
	free(log.damage);
	free(row);
	hlr_free(load.hlr);
	return 0;
}
