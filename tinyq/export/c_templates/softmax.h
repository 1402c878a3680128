/* exps: of how far a code may lie below its row's largest, 0..255; each times 2**31 */
struct softmax {
    int32_t rows, size;
    const int32_t *exps;
};
