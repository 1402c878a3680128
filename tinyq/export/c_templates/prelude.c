/* The integer run time of a network, written by tinyq.export.c.  C99 with <stdint.h> alone. */
#include "network.h"

#include "network_data.h"

#ifndef TINYQ_NETWORK_ID
#error "network.c and network.h are of two networks: export again"
#endif

/* What C leaves to the compiler, and every compiler for 8-bit bytes does: arithmetic right shift,
 * conversion to int32_t modulo 2**32.  A compiler that does not stops here. */
typedef char right_shift_is_arithmetic[(-3 >> 1) == -2 ? 1 : -1];
typedef char conversion_wraps[(int32_t)UINT32_MAX == -1 ? 1 : -1];
