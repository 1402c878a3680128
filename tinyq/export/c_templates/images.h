/* The images of main.c, as codes on the input's grid.  Written by tinyq.export.c. */
#include "network.h"

#ifndef TINYQ_NETWORK_ID
#error "images.h and network.h are of two networks: export again"
#endif

#define IMAGES $count

static const int8_t images[IMAGES][TINYQ_INPUT_SIZE] = {
$rows
};
