/* The images of main.c, as codes on the input's grid.  Written by tinyq.export.c. */
#include "network.h"

#define IMAGES $count

static const int8_t images[IMAGES][TINYQ_INPUT_SIZE] = {
$rows
};
