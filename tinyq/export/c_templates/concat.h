/* runs: codes of each input that follow each other in the output; outer: how often */
struct concat {
    int32_t outer, count;
    const int32_t *runs;
};
