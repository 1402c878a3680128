/* one: of a single pair of codes; a, b: where each code of the output finds its own */
struct ${kind}_broadcast {
    int32_t size;
    struct walk a, b;
    struct $kind one;
};
