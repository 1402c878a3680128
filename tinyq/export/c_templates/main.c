/* Run the network on the images of images.h and print the codes that come out, a line an image. */
#include <stdio.h>

#include "images.h"
#include "network.h"

#ifndef TINYQ_NETWORK_ID
#error "main.c and network.h are of two networks: export again"
#endif

int main(void)
{
    for (int i = 0; i < IMAGES; i++) {
        int8_t output[TINYQ_OUTPUT_SIZE];
        if (tinyq_run(images[i], output) != 0) {
            fprintf(stderr, "image %d: a code is out of its range\n", i);
            return 1;
        }
        printf("sample %d:", i);
        for (int c = 0; c < TINYQ_OUTPUT_SIZE; c++)
            printf(" %d", output[c]);
        printf("\n");
    }
    return 0;
}
