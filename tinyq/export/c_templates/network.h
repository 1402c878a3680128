/* An int8 network, written by tinyq.export.c.  C99, integers only, no heap. */
#ifndef TINYQ_NETWORK_H
#define TINYQ_NETWORK_H

#include <stdint.h>

/* The network, for the files that belong to it: those of another one refuse to compile. */
#define TINYQ_NETWORK_ID

#ifdef __cplusplus
extern "C" {
#endif

$layout
#define TINYQ_INPUT_SIZE $input_size
#define TINYQ_OUTPUT_SIZE $output_size

/* Run the network on one image.
 *
 * input: TINYQ_INPUT_SIZE codes in $in_qmin..$in_qmax; a code q stands for the real number
 *     $in_scale * (q - ($in_zero_point))
 * output: TINYQ_OUTPUT_SIZE codes in $out_qmin..$out_qmax, not overlapping input; q stands for
 *     $out_scale * (q - ($out_zero_point))
 * Returns 0, or 1 with output untouched where an input code is out of its range.
 * The tensors in between are static: one call at a time.
 */
int tinyq_run(const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
