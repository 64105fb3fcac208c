/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What kernel/core/rewrite.h needs of the kernel, for user space. Included by
 * it in place of the kernel's <net/checksum.h>.
 */
#ifndef ROAM_SHIM_NET_CHECKSUM_H
#define ROAM_SHIM_NET_CHECKSUM_H

#include <arpa/inet.h>
#include <linux/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef uint8_t u8;
typedef uint16_t u16;
typedef uint32_t u32;

#define __force

/* Of the kernel's <net/ip.h>. */
#define IP_OFFSET 0x1fff

#define CSUM_MANGLED_0 ((__sum16)0xffff)

static inline __wsum csum_add(__wsum a, __wsum b)
{
	uint64_t sum = (uint64_t)a + b;

	return (__wsum)(sum + (sum >> 32));
}

static inline __wsum csum_unfold(__sum16 sum)
{
	return sum;
}

static inline __sum16 csum_fold(__wsum sum)
{
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (__sum16)~sum;
}

#endif
