/* The vector table of a Cortex-M: the first stack pointer (the end of the 4 MB of RAM that the
 * emulated boards have at address 0), and where the program starts. */
#include <stdint.h>

extern void _start(void);

__attribute__((section(".vectors"), used)) static const struct {
    uintptr_t stack;
    void (*reset)(void);
} vectors = {0x400000, _start};
