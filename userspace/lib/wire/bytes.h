/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Integers in network order, as messages and the register's records hold them. */
#ifndef ROAM_WIRE_BYTES_H
#define ROAM_WIRE_BYTES_H

#include <stdint.h>

/* Writes the low @bytes (1 to 8) of @value; returns what is behind them. */
static inline uint8_t *bytes_put(uint8_t *p, uint64_t value, unsigned int bytes)
{
	while (bytes--)
		*p++ = (uint8_t)(value >> (8 * bytes));
	return p;
}

/* Reads @bytes (1 to 8); the caller has checked that they are there. */
static inline uint64_t bytes_get(const uint8_t *p, unsigned int bytes)
{
	uint64_t value = 0;

	while (bytes--)
		value = value << 8 | *p++;
	return value;
}

#endif
