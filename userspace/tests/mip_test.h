/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of Mobile IPv4 share: keys, and messages as a peer would make them. */
#ifndef ROAM_TESTS_MIP_TEST_H
#define ROAM_TESTS_MIP_TEST_H

#include "core_test.h"

#include "core/association.h"
#include "wire/mip.h"

#define HOME "10.0.0.5"
#define AGENT "10.0.0.1"
#define FOREIGN "192.0.2.1"
#define FOREIGN2 "198.51.100.1"
#define START 1000000
#define WALL 1800000000000000000ULL	/* ns; at START */
#define SPI_MOBILE 300
#define SPI_FOREIGN 400
#define SPI_VISITOR 500

struct test_keys {
	struct auth_keys *keys;
	struct sa_set mobile;		/* node and home agent */
	struct sa_set foreign;		/* foreign and home agent */
	struct sa_set visitor;		/* node and foreign agent */
	struct sa_set other;		/* nobody's */
};

static inline uint64_t wall_at(msec_t now)
{
	return WALL + (uint64_t)(now - START) * 1000000;
}

static inline struct sa_set one_sa(struct auth_keys *keys, uint32_t id,
				   uint32_t spi)
{
	uint8_t secret[16];

	memset(secret, (int)id, sizeof(secret));
	assert_true(auth_keys_add(keys, id, secret, sizeof(secret)));
	return (struct sa_set){ .n = 1, .items = { {
		.spi = spi, .algorithm = AUTH_HMAC_SHA256, .window = SA_WINDOW,
		.key = auth_keys_find(keys, id),
	} } };
}

static inline void test_keys_make(struct test_keys *k)
{
	k->keys = auth_keys_new();
	auth_keys_keep_secrets(k->keys);
	k->mobile = one_sa(k->keys, 1, SPI_MOBILE);
	k->foreign = one_sa(k->keys, 2, SPI_FOREIGN);
	k->visitor = one_sa(k->keys, 3, SPI_VISITOR);
	k->other = one_sa(k->keys, 4, SPI_MOBILE);
}

/* A request for HOME at that care-of address, made at that time. */
static inline struct mip_msg request_at(msec_t now, const char *coa,
					uint16_t lifetime)
{
	return (struct mip_msg){
		.type = MIP_REQUEST, .lifetime = lifetime, .home = addr(HOME),
		.agent = addr(AGENT), .coa = addr(coa),
		.id = sa_timestamp(wall_at(now)) + 7,
	};
}

static inline struct mip_writer written(const struct mip_msg *msg)
{
	struct mip_writer w = { .len = 0 };

	mip_put_message(&w, msg);
	return w;
}

static inline struct mip_writer signed_by(const struct mip_msg *msg,
					  const struct sa_set *set)
{
	struct mip_writer w = written(msg);

	sa_sign(&set->items[0], &w, MIP_MOBILE_HOME);
	return w;
}

#endif
