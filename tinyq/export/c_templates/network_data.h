/* The constants of a network, for network.c alone.  Written by tinyq.export.c. */
#ifndef TINYQ_NETWORK_DATA_H
#define TINYQ_NETWORK_DATA_H

#include "network.h"

#ifndef TINYQ_NETWORK_ID
#error "network_data.h and network.h are of two networks: export again"
#endif

struct shape {
    int32_t height, width, channels;
};

struct grid {
    int32_t zero_point, qmin, qmax;
};

/* multiplier * 2**(-31 - shift) */
struct ratio {
    int32_t multiplier, shift;
};

/* ratios: one a channel where step is 1, one for all where it is 0 */
struct requantizer {
    int64_t (*rescale)(int32_t acc, int32_t multiplier, int32_t shift);
    const struct ratio *ratios;
    int32_t step;
};

/* weight: output channel, row, column, input channel; a dense layer is one of 1 x 1 */
struct conv2d {
    struct shape in, out;
    int32_t kernel_height, kernel_width, stride_y, stride_x, in_zero_point;
    const int8_t *weight;
    const int32_t *bias;
    struct requantizer requantizer;
    struct grid out_grid;
};

struct add {
    int32_t size, left_shift, a_zero_point, b_zero_point;
    struct requantizer a, b, sum;
    struct grid out_grid;
};

struct pad2d {
    struct shape in, out;
    int32_t top, left;
    int8_t value;
};

struct clamp {
    int32_t size;
    int8_t low, high;
};

/* top, left: of the padding, which only a maximum has */
struct pool2d {
    struct shape in, out;
    int32_t kernel_height, kernel_width, stride_y, stride_x, top, left;
    struct grid grid;
};

$constants
#endif
