/* Run the network on each image of the file images.bin, codes, and write codes.bin.
 * Files and not pipes: semihosting gives a board that an emulator runs these. */
#include <stdio.h>

#include "network.h"

int main(void)
{
    static int8_t input[TINYQ_INPUT_SIZE], output[TINYQ_OUTPUT_SIZE];
    FILE *images = fopen("images.bin", "rb"), *codes = fopen("codes.bin", "wb");
    if (!images || !codes)
        return 2;
    while (fread(input, 1, sizeof input, images) == sizeof input) {
        if (tinyq_run(input, output) != 0)
            return 3;
        fwrite(output, 1, sizeof output, codes);
    }
    return fclose(codes) ? 2 : 0;
}
