struct requantize {
    int32_t size, in_zero_point;
    struct requantizer requantizer;
    struct grid out_grid;
};
