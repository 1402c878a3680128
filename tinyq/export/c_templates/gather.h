/* size: of the output's axis; start: of the input in it; limit, stride: of the axis in the input */
struct axis {
    int32_t size, start, limit, stride;
};

struct gather {
    int32_t size, rank;
    const struct axis *axes;
    int8_t value;
};
